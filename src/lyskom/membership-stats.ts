import type { Membership as MembershipStat } from '../protocol/types.ts'
import type { CollectedSize } from './collected-size.ts'
import type { LyskomSession } from './session.ts'

/** A page size that includes all memberships of a person: the protocol counts them with 16 bits. */
export const ALL_MEMBERSHIPS = 2 ** 16 - 1

/** A conference that may have unread texts. */
interface UnreadConf {
  confNo: number
  /** returns the membership; requests it unless the server has already sent it */
  membership: () => Promise<MembershipStat>
}

/** Selects conferences that may have unread texts. */
interface UnreadConfsOptions {
  /** whether the memberships have their read ranges */
  ranges: boolean
  /** number of conferences to leave out */
  first: number
  /** the largest number of conferences */
  count: number
  /** counts the memberships of another person */
  size: CollectedSize
}

/**
 * Returns one membership. One round trip.
 *
 * @throws KomError `not-member`, `undefined-person` or `undefined-conference`
 */
export function queryReadTexts(
  { connection }: LyskomSession,
  person: number,
  conference: number,
  wantReadRanges: boolean,
): Promise<MembershipStat> {
  return connection.call('query-read-texts', { person, conference, wantReadRanges, maxRanges: 0 })
}

/** Returns all memberships of the logged-in person, in the person's own order. One round trip. */
export function getOwnMemberships(
  { connection, persNo }: LyskomSession,
  wantReadRanges: boolean,
): Promise<MembershipStat[]> {
  const all = { person: persNo, first: 0, noOfConfs: ALL_MEMBERSHIPS, wantReadRanges, maxRanges: 0 }
  return connection.call('get-membership', all)
}

/**
 * Returns the conferences that may have unread texts, in the person's own order. One round trip.
 *
 * @throws KomError `undefined-person`
 */
export async function getUnreadConfs(
  session: LyskomSession,
  persNo: number,
  { ranges, first, count, size }: UnreadConfsOptions,
): Promise<UnreadConf[]> {
  const unread = session.connection.call('get-unread-confs', { persNo })
  if (persNo !== session.persNo) {
    // The list of another person's memberships omits the secret ones and renumbers the others.
    const confNos = (await unread).slice(first, first + count)
    return confNos.map((confNo) => ({
      confNo,
      membership: async () => {
        const membership = await queryReadTexts(session, persNo, confNo, ranges)
        size.add(1 + membership.readRanges.length, 0)
        return membership
      },
    }))
  }
  const [confNos, memberships] = await Promise.all([unread, getOwnMemberships(session, ranges)])
  const wanted = new Set(confNos)
  return memberships
    .filter(({ conference }) => wanted.has(conference))
    .slice(first, first + count)
    .map((membership) => ({ confNo: membership.conference, membership: () => Promise.resolve(membership) }))
}
