import { z } from 'zod'
import { Membership, NumberedUnread } from './memberships.ts'
import { Person } from './names.ts'
import { OnlineSession } from './reading.ts'
import { ServerInfo } from './server.ts'
import { Mark, Text } from './texts.ts'
import { sessionNo } from './values.ts'

export type Start = z.output<typeof Start>
export const Start = z
  .strictObject({
    position: z
      .string()
      .regex(/^[0-9a-f]{12}-[0-9]+$/)
      .describe('The position in the event log after which every event has been or will be: resume from it.'),
    session: z.strictObject({ session_no: sessionNo }),
    person: Person,
    server: ServerInfo.exactOptional(),
    memberships: z
      .array(Membership)
      .exactOptional()
      .describe('All, in reading order: by descending `priority`, and then by `position`.'),
    unread: z.array(NumberedUnread).exactOptional().describe('Conferences with unread texts, in reading order.'),
    marks: z.array(Mark).exactOptional(),
    sessions: z.array(OnlineSession).exactOptional(),
    texts: z
      .record(z.string().regex(/^[0-9]+$/), Text)
      .describe('The first unread texts by number, without those that are deleted meanwhile.'),
  })
  .meta({ id: 'Start', description: 'What a client shows first, and the position from which events keep it current.' })
