import { z } from 'zod'
import { Person } from './names.ts'
import { confNo, count, sessionNo } from './values.ts'

export type SessionOpened = z.output<typeof SessionOpened>
export const SessionOpened = z
  .strictObject({
    session_no: sessionNo,
    connection_id: z.uuidv4().describe('Gives full access to the session, so keep it secret.'),
  })
  .meta({ id: 'SessionOpened', description: 'A new session.' })

export type Ticket = z.output<typeof Ticket>
export const Ticket = z
  .strictObject({
    ticket: z
      .string()
      .regex(/^[\w-]{43}$/)
      .describe('256 random bits in base64url. Gives access to the session once, so keep it secret until it is used.'),
    expires_in: count.describe('The time in which the ticket must be used, seconds.'),
  })
  .meta({ id: 'Ticket', description: 'A ticket stands for the connection id in one URL.' })

export type WhoAmI = z.output<typeof WhoAmI>
export const WhoAmI = z
  .strictObject({
    person: Person.nullable().describe('Null while the session is not logged in.'),
    session_no: sessionNo,
  })
  .meta({ id: 'WhoAmI', description: 'The logged-in person and the number of the session.' })

export type SessionData = z.output<typeof SessionData>
export const SessionData = z
  .record(z.string(), z.unknown())
  .meta({ id: 'SessionData', description: 'The data that clients keep in a session: any JSON object.' })

const recorded = {
  handle: z
    .string()
    .regex(/^[0-9a-f]{12}$/)
    .describe('Identifies the session in lists of sessions. It gives no access.'),
}
const used = {
  client: z.string().describe('Name and version of the client.'),
  address: z.string().describe('The IP address of the client.'),
  idle: count.describe('Seconds since the last request.'),
}

export type OwnSession = z.output<typeof OwnSession>
export const OwnSession = z
  .strictObject({ ...recorded, ...used })
  .meta({ id: 'OwnSession', description: 'Another session of the logged-in person on this gateway.' })

export type AdminSession = z.output<typeof AdminSession>
export const AdminSession = z
  .strictObject({
    ...recorded,
    server: z.string().describe('The id of the LysKOM server.'),
    session_no: sessionNo,
    pers_no: confNo.nullable().describe('Null while the session is not logged in.'),
    ...used,
    calls: count.describe('The number of calls to the LysKOM server since the session was opened.'),
    lease: count
      .nullable()
      .describe('Seconds until the session is closed unless it is used. Null while a stream is open.'),
  })
  .meta({ id: 'AdminSession', description: 'A session of any client, as operators see it.' })
