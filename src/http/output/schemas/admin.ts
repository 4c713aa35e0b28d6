import { z } from 'zod'
import { ListedServer } from './server.ts'
import { count } from './values.ts'

export type AdminServer = z.output<typeof AdminServer>
export const AdminServer = z
  .strictObject({
    ...ListedServer.omit({ sort_order: true }).shape,
    since: z.iso.datetime().nullable().describe('When `up` got its value. Null before the first attempt.'),
    sessions: count.describe('The number of open sessions.'),
    open_ms: z.number().min(0).nullable().describe('How long the last session took to open, milliseconds.'),
    last_error: z
      .strictObject({
        code: z.string().describe('As in the label `code` of `komgate_sessions_failed_total`.'),
        time: z.iso.datetime(),
      })
      .nullable()
      .describe('The last attempt to open a session that failed.'),
  })
  .meta({ id: 'AdminServer', description: 'A LysKOM server, as operators see it.' })
