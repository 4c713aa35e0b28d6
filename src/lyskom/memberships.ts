import { mapConcurrent } from '../map-concurrent.ts'
import { noBits } from '../protocol/codec.ts'
import { KomError, ProtocolError } from '../protocol/errors.ts'
import { type Membership as MembershipStat, membershipType } from '../protocol/types.ts'
import { CollectedSize } from './collected-size.ts'
import { getMicroConference, type MicroConference } from './conferences.ts'
import { readMiscInfo } from './misc-info.ts'
import type { NameTable, PersonName } from './names.ts'
import { TEXTS_PER_CALL } from './numbers.ts'
import type { LyskomSession } from './session.ts'
import { existingTexts } from './text-mapping.ts'
import { type LocalRange, unreadRanges } from './unread.ts'

/** A membership with the names of its conference and of the person who added the member. */
export interface Membership extends Omit<MembershipStat, 'conference' | 'addedBy'> {
  persNo: number
  conference: MicroConference
  addedBy: PersonName
}

/** The unread texts of a person in one conference. */
export interface Unread {
  persNo: number
  confNo: number
  /** global text numbers, in the order of the local numbers */
  textNos: number[]
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

/** A page size that includes all memberships of a person: the protocol counts them with 16 bits. */
const ALL = 2 ** 16 - 1
/**
 * Limit on the calls that map unread texts in one operation. It suffices for 16.7 million unread local numbers; the
 * largest LysKOM server has fewer texts in total.
 */
const MAX_MAPPINGS = 2 ** 16
/** Limit on the number of unread texts that one operation returns. */
const MAX_UNREAD = 2 ** 22

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
        noOfConfs: Math.min(count + 1, ALL),
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

function withNames(stat: MembershipStat, persNo: number, conference: MicroConference, names: NameTable): Membership {
  const { position, lastTimeRead, priority, readRanges, addedAt, type } = stat
  const addedBy = names.person(stat.addedBy)
  return { persNo, position, lastTimeRead, conference, priority, readRanges, addedBy, addedAt, type }
}

/**
 * Returns the unread texts of all conferences that have any. Three round trips for any number of conferences.
 *
 * @throws KomError `undefined-person`
 * @throws ProtocolError `over-bound` if there are more unread texts than can be listed
 */
export async function getAllUnread(session: LyskomSession, persNo: number): Promise<Unread[]> {
  const size = new CollectedSize(session.connection)
  const confs = await getUnreadConfs(session, persNo, { ranges: true, first: 0, count: ALL, size })
  const states = await mapConcurrent(confs, ({ confNo, membership }) => getReadState(session, confNo, membership()))
  const all = await mapUnread(session, persNo, states)
  return all.filter(({ textNos }) => textNos.length > 0)
}

/**
 * Returns the unread texts of one conference. Two round trips.
 *
 * @throws KomError `not-member`
 * @throws ProtocolError `over-bound` if there are more unread texts than can be listed
 */
export async function getUnread(session: LyskomSession, persNo: number, confNo: number): Promise<Unread> {
  const state = await getReadState(session, confNo, queryReadTexts(session, persNo, confNo, true))
  const [unread] = await mapUnread(session, persNo, [state])
  return unread as Unread
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

function queryReadTexts(
  { connection }: LyskomSession,
  person: number,
  conference: number,
  wantReadRanges: boolean,
): Promise<MembershipStat> {
  return connection.call('query-read-texts', { person, conference, wantReadRanges, maxRanges: 0 })
}

interface UnreadConf {
  confNo: number
  /** returns the membership; requests it unless the server has already sent it */
  membership: () => Promise<MembershipStat>
}

/** Returns the conferences that may have unread texts, in the person's own order. `size` counts the memberships. */
async function getUnreadConfs(
  session: LyskomSession,
  persNo: number,
  { ranges, first, count, size }: { ranges: boolean; first: number; count: number; size: CollectedSize },
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
  const own = session.connection.call('get-membership', {
    person: persNo,
    first: 0,
    noOfConfs: ALL,
    wantReadRanges: ranges,
    maxRanges: 0,
  })
  const [confNos, memberships] = await Promise.all([unread, own])
  const wanted = new Set(confNos)
  return memberships
    .filter(({ conference }) => wanted.has(conference))
    .slice(first, first + count)
    .map((membership) => ({ confNo: membership.conference, membership: () => Promise.resolve(membership) }))
}

/** The texts read in a conference, and its highest local number. */
interface ReadState {
  confNo: number
  readRanges: MembershipStat['readRanges']
  highestLocalNo: number
}

/** Returns the read state of a conference. One round trip. */
async function getReadState(
  session: LyskomSession,
  confNo: number,
  membership: Promise<MembershipStat>,
): Promise<ReadState> {
  const conference = getMicroConference(session, confNo)
  conference.catch(() => undefined)
  // Await the membership first, because its error is more precise than that of the conference.
  const { readRanges } = await membership
  const { highestLocalNo } = await conference
  return { confNo, readRanges, highestLocalNo }
}

/** Returns the unread texts of each conference. One round trip. Throws `over-bound` if there are too many. */
async function mapUnread(session: LyskomSession, persNo: number, states: readonly ReadState[]): Promise<Unread[]> {
  const all = states.map(({ confNo }): Unread => ({ persNo, confNo, textNos: [] }))
  const mappings: { of: number; range: LocalRange }[] = []
  for (const [of, { readRanges, highestLocalNo }] of states.entries()) {
    const room = MAX_MAPPINGS - mappings.length
    const ranges = unreadRanges(readRanges, highestLocalNo, TEXTS_PER_CALL, room + 1)
    if (ranges.length > room) throw tooMuchUnread(session)
    for (const range of ranges) mappings.push({ of, range })
  }
  let total = 0
  const mapped = await mapConcurrent(mappings, async ({ of, range }) => {
    const textNos = await mapTexts(session, (states[of] as ReadState).confNo, range)
    total += textNos.length
    if (total > MAX_UNREAD) throw tooMuchUnread(session)
    return textNos
  })
  for (const [i, { of }] of mappings.entries()) {
    const { textNos } = all[of] as Unread
    for (const textNo of mapped[i] as number[]) textNos.push(textNo)
  }
  return all
}

function tooMuchUnread({ connection }: LyskomSession): ProtocolError {
  connection.boundHit('unread-texts')
  return new ProtocolError('over-bound', 'more unread texts than can be listed (unread-texts)', 'unread-texts')
}

/** Returns the existing texts whose local numbers are in the range. */
async function mapTexts({ connection }: LyskomSession, confNo: number, { first, last }: LocalRange): Promise<number[]> {
  const size = last - first + 1
  const params = { confNo, firstLocalNo: first, noOfExistingTexts: size }
  const mapping = await connection.call('local-to-global', params).catch((error: unknown) => {
    // The conference has no text at or after this local number.
    if (error instanceof KomError && error.errorName === 'no-such-local-text') return undefined
    throw error
  })
  if (mapping === undefined) return []
  const texts = existingTexts(mapping.block).filter(({ localNumber }) => localNumber <= last)
  return texts.slice(0, size).map(({ globalNumber }) => globalNumber)
}
