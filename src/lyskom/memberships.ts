import { mapConcurrent } from '../map-concurrent.ts'
import { noBits } from '../protocol/codec.ts'
import { KomError } from '../protocol/errors.ts'
import { type Membership as MembershipStat, membershipType } from '../protocol/types.ts'
import { CollectedSize } from './collected-size.ts'
import { getMicroConference, type MicroConference } from './conferences.ts'
import { ALL_MEMBERSHIPS, getUnreadConfs, queryReadTexts } from './membership-stats.ts'
import { readMiscInfo } from './misc-info.ts'
import type { NameTable, PersonName } from './names.ts'
import type { LyskomSession } from './session.ts'

/** A membership with the names of its conference and of the person who added the member. */
export interface Membership extends Omit<MembershipStat, 'conference' | 'addedBy'> {
  persNo: number
  conference: MicroConference
  addedBy: PersonName
}

/** One page of a person's memberships. */
export interface MembershipPage {
  /** whether there are memberships after this page */
  hasMore: boolean
  memberships: Membership[]
}

/** Selects a page of memberships. */
export interface PageOptions {
  /** whether to include only conferences that may have unread texts */
  unread: boolean
  /** whether to include passive memberships */
  passive: boolean
  /** number of memberships before the page */
  first: number
  /** size of the page, counted before passive memberships are left out */
  count: number
}

/** The type of a membership without any flag. */
const ACTIVE = noBits(membershipType)

/**
 * Returns one membership. Two round trips.
 *
 * @throws KomError `not-member`, `undefined-person` or `undefined-conference`
 */
export async function getMembership(session: LyskomSession, persNo: number, confNo: number): Promise<Membership> {
  const conference = getMicroConference(session, confNo)
  conference.catch(() => undefined)
  // Await the membership first, because its error is more precise than that of the conference.
  const stat = await queryReadTexts(session, persNo, confNo, false)
  const [found, names] = await Promise.all([conference, session.names.load([stat.addedBy])])
  return withNames(stat, persNo, found, names)
}

/**
 * Returns a page of memberships in the person's own order. Three round trips.
 *
 * @throws KomError `undefined-person`, or `index-out-of-range` if there is no membership at `first` and `unread` is
 * false
 */
export async function getMemberships(
  session: LyskomSession,
  persNo: number,
  { unread, passive, first, count }: PageOptions,
): Promise<MembershipPage> {
  const size = new CollectedSize(session.connection)
  // Request one membership more to find out whether there are more.
  const stats = unread
    ? await mapConcurrent(
        await getUnreadConfs(session, persNo, { ranges: false, first, count: count + 1, size }),
        ({ membership }) => membership(),
      )
    : await session.connection.call('get-membership', {
        person: persNo,
        first,
        noOfConfs: Math.min(count + 1, ALL_MEMBERSHIPS),
        wantReadRanges: false,
        maxRanges: 0,
      })
  const page = stats.slice(0, count).filter(({ type }) => passive || !type.passive)
  const [conferences, names] = await Promise.all([
    mapConcurrent(page, async (stat) => {
      const conference = await getMicroConference(session, stat.conference)
      size.add(1, conference.name.length)
      return conference
    }),
    session.names.load(
      page.map(({ addedBy }) => addedBy),
      size,
    ),
  ])
  const memberships = conferences.map((conference, i) =>
    withNames(page[i] as MembershipStat, persNo, conference, names),
  )
  return { hasMore: stats.length > count, memberships }
}

/** Returns a membership with the names in `names` and `conference`. */
export function withNames(
  stat: MembershipStat,
  persNo: number,
  conference: MicroConference,
  names: NameTable,
): Membership {
  const { position, lastTimeRead, priority, readRanges, addedAt, type } = stat
  const addedBy = names.person(stat.addedBy)
  return { persNo, position, lastTimeRead, conference, priority, readRanges, addedBy, addedAt, type }
}

/**
 * Adds a person to a conference as an active member, or changes the membership. One round trip.
 *
 * @param options `priority` from 0 to 255; `where`, the position in the person's list
 * @throws KomError, e.g. `access-denied`
 */
export async function addMember(
  { connection }: LyskomSession,
  persNo: number,
  confNo: number,
  { priority, where }: { priority: number; where: number },
): Promise<void> {
  await connection.call('add-member', { confNo, persNo, priority, where, type: ACTIVE })
}

/**
 * Ends a membership. One round trip.
 *
 * @throws KomError `not-member`
 */
export async function removeMember({ connection }: LyskomSession, persNo: number, confNo: number): Promise<void> {
  await connection.call('sub-member', { confNo, persNo })
}

/**
 * Marks the newest `noOfUnread` texts of a conference as unread by the logged-in person, and all others as read. One
 * round trip.
 *
 * @throws KomError `not-member`
 */
export async function setUnread({ connection }: LyskomSession, confNo: number, noOfUnread: number): Promise<void> {
  await connection.call('set-unread', { confNo, noOfUnread })
}

/**
 * Marks a text as read by the logged-in person in one conference. One round trip.
 *
 * @param conference conference number
 * @param localNo the local number of the text in this conference
 * @throws KomError `not-member` or `no-such-local-text`
 */
export async function markLocalAsRead(
  { connection }: LyskomSession,
  conference: number,
  localNo: number,
): Promise<void> {
  await connection.call('mark-as-read', { conference, text: [localNo] })
}

/**
 * Marks a text as read or unread in each of its recipient conferences of which the logged-in person is a member. Two
 * round trips: the first one returns the local numbers in the recipient conferences.
 *
 * @param read true to mark as read, false to mark as unread
 * @throws KomError `no-such-text`
 */
export async function setRead({ connection }: LyskomSession, textNo: number, read: boolean): Promise<void> {
  const { miscInfo } = await connection.call('get-text-stat', { textNo })
  await mapConcurrent(readMiscInfo(miscInfo).recipients, async ({ confNo, localNo }) => {
    try {
      const textNos = [textNo]
      if (read) await connection.call('mark-as-read', { conference: confNo, text: [localNo] }, { textNos })
      else await connection.call('mark-as-unread', { conference: confNo, text: localNo }, { textNos })
    } catch (error) {
      if (!(error instanceof KomError && error.errorName === 'not-member')) throw error
    }
  })
}
