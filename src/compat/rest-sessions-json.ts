/** The JSON of sessions in REST-Sessions. */
import { z } from 'zod'
import type { SessionRecord } from '../store/record.ts'

/** Schema of a number of things. */
export const count = z.int().min(0)

export type Session = z.output<typeof Session>
export const Session = z
  .strictObject({
    id: z.string().describe('The user. Empty for a session of a LysKOM server that is not logged in.'),
    r: count.min(1).describe('The number of reads. The creation of the session counts as one.'),
    w: count.min(1).describe('The number of writes. The creation of the session counts as one.'),
    ttl: count.nullable().describe('The idle timeout in seconds. Null for none.'),
    idle: count.describe('Seconds since the last use.'),
    ip: z.string().describe('The address of the user.'),
    d: z.record(z.string(), z.unknown()).exactOptional().describe('The data. Absent if there is none.'),
  })
  .meta({ id: 'RestSessionsSession', description: 'A session in REST-Sessions.' })

/** Schema of a response that is an empty object if there is no such session. */
export const SessionOrNothing = z
  .union([Session, z.strictObject({})])
  .describe('The session. An empty object if there is none.')

/**
 * Returns a session as JSON.
 * @param lastUsed the record with the last use before the request
 * @param now milliseconds since 1970
 */
export function sessionJson(
  { user, reads, writes, idleMs, ip, data }: SessionRecord,
  lastUsed: SessionRecord,
  now: number,
): Session {
  return {
    id: user,
    r: reads + 1,
    w: writes + 1,
    ttl: idleMs === null ? null : Math.floor(idleMs / 1000),
    idle: Math.max(0, Math.floor((now - lastUsed.lastActive) / 1000)),
    ip,
    ...(Object.keys(data).length > 0 && { d: data }),
  }
}
