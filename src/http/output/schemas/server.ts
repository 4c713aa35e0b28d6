import { z } from 'zod'
import { ConferenceName } from './names.ts'
import { count, int32, textNo } from './values.ts'

export type ServerInfo = z.output<typeof ServerInfo>
export const ServerInfo = z
  .strictObject({
    version: int32.describe('The version of the LysKOM server: 20102 is 2.1.2.'),
    conf_pres_conf: ConferenceName.nullable().describe('The conference for presentations of conferences.'),
    pers_pres_conf: ConferenceName.nullable().describe('The conference for presentations of persons.'),
    motd_conf: ConferenceName.nullable().describe('The conference for notices.'),
    kom_news_conf: ConferenceName.nullable().describe('The conference for news about the LysKOM server.'),
    motd_of_lyskom: textNo.describe('The number of a text to show at login. 0 means none.'),
  })
  .meta({ id: 'ServerInfo', description: 'The version of the LysKOM server and its special conferences.' })

export type ListedServer = z.output<typeof ListedServer>
export const ListedServer = z
  .strictObject({
    id: z.string().describe('The first segment of paths.'),
    name: z.string(),
    host: z.string(),
    port: z
      .int()
      .min(1)
      .max(2 ** 16 - 1),
    sort_order: count.describe('The position in a list of servers, from 0.'),
    up: z
      .boolean()
      .nullable()
      .describe('Whether the last attempt to open a session reached the server. Null while that is unknown.'),
  })
  .meta({ id: 'ListedServer', description: 'A LysKOM server of the gateway.' })

export type ServerList = z.output<typeof ServerList>
export const ServerList = z
  .record(z.string(), ListedServer)
  .meta({ id: 'ServerList', description: 'The LysKOM servers of the gateway by id.' })

export type Stats = z.output<typeof Stats>
export const Stats = z
  .record(z.string().regex(/^komgate\.[a-z0-9.-]+\.last$/), count)
  .meta({ id: 'Stats', description: 'Counters since the start of the gateway, by name.' })
