import { mapConcurrent } from '../map-concurrent.ts'
import { KomError } from '../protocol/errors.ts'
import { CollectedSize } from './collected-size.ts'
import type { ConferenceName, PersonName } from './names.ts'
import type { LyskomSession } from './session.ts'

/** A visible session of a person. */
export interface OnlineSession {
  sessionNo: number
  person: PersonName
  /** null for none, and for one that the asking person may not know of */
  workingConference: ConferenceName | null
  /** seconds since the person was last active */
  idle: number
  whatAmIDoing: string
  /** name and version of the client program; null if the asking session is not logged in */
  client: { name: string; version: string } | null
  /** host that the session is connected from; null if the asking session is not logged in */
  address: string | null
}

/** The details of a session that the server shows to logged-in persons. */
type Details = Pick<OnlineSession, 'client' | 'address'>

const UNKNOWN: Details = { client: null, address: null }

/**
 * Returns the visible sessions of persons, latest first. Two round trips.
 *
 * @param activeWithin leaves out sessions that were idle for more seconds; 0 for none. Sessions whose client never
 * reports activity are not left out.
 */
export async function getOnlineSessions(session: LyskomSession, activeWithin: number): Promise<OnlineSession[]> {
  const { connection, names, persNo } = session
  const infos = await connection.call('who-is-on-dynamic', {
    wantVisible: true,
    wantInvisible: false,
    activeLast: activeWithin,
  })
  const size = new CollectedSize(connection)
  const [table, details] = await Promise.all([
    names.load(
      infos.flatMap(({ person, workingConference }) => [person, workingConference]),
      size,
    ),
    mapConcurrent(infos, (info) => (persNo === 0 ? Promise.resolve(UNKNOWN) : getDetails(session, info.session, size))),
  ])
  return infos.flatMap((info, i) => {
    const detail = details[i]
    // The session has ended meanwhile.
    if (detail === undefined) return []
    const { session: sessionNo, person, workingConference, idleTime: idle, whatAmIDoing } = info
    size.add(1, whatAmIDoing.length)
    return {
      sessionNo,
      person: table.person(person),
      workingConference: workingConference === 0 ? null : table.conference(workingConference),
      idle,
      whatAmIDoing,
      ...detail,
    }
  })
}

/** Returns the details of a session; undefined if it has ended. One round trip. */
async function getDetails(
  { connection }: LyskomSession,
  sessionNo: number,
  size: CollectedSize,
): Promise<Details | undefined> {
  try {
    const [{ hostname }, name, version] = await Promise.all([
      connection.call('get-static-session-info', { sessionNo }),
      connection.call('get-client-name', { session: sessionNo }),
      connection.call('get-client-version', { session: sessionNo }),
    ])
    size.add(3, hostname.length + name.length + version.length)
    return { address: hostname, client: { name, version } }
  } catch (error) {
    if (error instanceof KomError && error.errorName === 'undefined-session') return undefined
    throw error
  }
}
