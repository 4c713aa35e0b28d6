import { z } from 'zod'
import { ListedServer } from './server.ts'
import { count, Time } from './values.ts'

export type AdminServer = z.output<typeof AdminServer>
export const AdminServer = z
  .strictObject({
    ...ListedServer.omit({ sort_order: true }).shape,
    since: z.iso.datetime().nullable().describe('When `up` got its value. Null before the first attempt.'),
    sessions: count.describe('The number of open sessions.'),
    open_ms: z.number().min(0).nullable().describe('How long the last session or check took to open, milliseconds.'),
    last_error: z
      .strictObject({
        code: z.string().describe('As in the label `code` of `komgate_sessions_failed_total`.'),
        time: z.iso.datetime(),
      })
      .nullable()
      .describe('The last attempt to open a session, or check, that failed.'),
  })
  .meta({ id: 'AdminServer', description: 'A LysKOM server, as operators see it.' })

export type AdminCheck = z.output<typeof AdminCheck>
export const AdminCheck = z
  .strictObject({
    time: Time.describe('The time on the LysKOM server.'),
    open_ms: z.number().min(0).describe('How long the connection took to open, milliseconds.'),
    reply_ms: z.number().min(0).describe('How long the server took to reply to get-time, milliseconds.'),
  })
  .meta({ id: 'AdminCheck', description: 'A LysKOM server that responds.' })

export type AdminNode = z.output<typeof AdminNode>
export const AdminNode = z
  .strictObject({
    url: z.string().describe('Where other nodes reach it.'),
    slot: z.string().describe('The first three digits of the connection ids that it creates.'),
    is_asked: z.boolean().describe('Whether it is the node that answers.'),
    version: z.string().nullable().describe('The version of komgate. Null, as what follows, if it does not answer.'),
    started: z.iso.datetime().nullable(),
    sessions: count.nullable().describe('The number of open sessions.'),
  })
  .meta({ id: 'AdminNode', description: 'A node of a cluster.' })

export const MissingNodes = z
  .array(z.string())
  .nullable()
  .meta({
    id: 'MissingNodes',
    description:
      'The URLs of nodes that have not answered, so that their part is missing; null if Redis cannot be asked for the ' +
      'nodes. Absent if nothing is missing.',
  })

export type AdminSetting = z.output<typeof AdminSetting>
export const AdminSetting = z
  .strictObject({
    name: z.string(),
    flag: z.string().describe('On the command line.'),
    variable: z.string().describe('In the environment.'),
    value: z.string().describe('As on the command line. `…` stands for a secret.'),
    default: z.string(),
    source: z
      .enum(['default', 'flag', 'environment', 'option'])
      .describe('Where the value is from; `option` for a program that embeds the gateway.'),
    is_masked: z.boolean().describe('Whether a secret is left out of the value.'),
    description: z.string(),
  })
  .meta({ id: 'AdminSetting', description: 'A setting in force.' })

export type AdminSettings = z.output<typeof AdminSettings>
export const AdminSettings = z
  .strictObject({
    version: z.string().describe('The version of komgate.'),
    node: z.string().describe('The version of Node.'),
    started: z.iso.datetime().describe('When the gateway started.'),
    settings: z.array(AdminSetting),
  })
  .meta({ id: 'AdminSettings', description: 'The program and its settings.' })

const ms = z.number().min(0)
const noneMs = ms.nullable()

export type AdminFigures = z.output<typeof AdminFigures>
export const AdminFigures = z
  .strictObject({
    interval_ms: count.describe('The interval of samples.'),
    limit_hits: z.record(z.string(), count).describe('How often each limit has rejected something since the start.'),
    samples: z.array(
      z.strictObject({
        time: count.describe('The end of the interval, milliseconds since 1970.'),
        sessions: count,
        requests_per_s: z.number().min(0),
        request_p50_ms: noneMs.describe('Streams are left out. Null without requests.'),
        request_p99_ms: noneMs,
        call_p50_ms: noneMs.describe('The time that LysKOM servers took to reply. Null without calls.'),
        call_p99_ms: noneMs,
        loop_p99_ms: ms.describe('The delay of the event loop.'),
        loop_max_ms: ms,
        memory_bytes: count.describe('The resident memory.'),
        heap_bytes: count.describe('The used part of the JavaScript heap.'),
        limit_hits: count.describe('What limits rejected in the interval.'),
      }),
    ),
  })
  .meta({ id: 'AdminFigures', description: 'The figures of up to 15 minutes, oldest first.' })
