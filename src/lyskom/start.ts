import { ConcurrencyLimit } from '../concurrency-limit.ts'
import type { Reply } from '../protocol/calls/index.ts'
import { KomError } from '../protocol/errors.ts'
import type { Membership as MembershipStat } from '../protocol/types.ts'
import { CollectedSize } from './collected-size.ts'
import { getMicroConference, type MicroConference } from './conferences.ts'
import { getMarks } from './marks.ts'
import { getOwnMemberships } from './membership-stats.ts'
import { type Membership, withNames } from './memberships.ts'
import type { PersonName } from './names.ts'
import { getOnlineSessions, type OnlineSession } from './online.ts'
import { getServerInfo, type ServerInfo } from './server-info.ts'
import type { LyskomSession } from './session.ts'
import { getTexts, type Text } from './texts.ts'
import { type FirstUnread, type Unread, UnreadReader } from './unread.ts'

/** The parts of a start that can be left out. */
export const START_PARTS = ['server', 'memberships', 'unread', 'marks', 'sessions'] as const
type StartPart = (typeof START_PARTS)[number]

/** Selects what a start reads. */
export interface StartOptions {
  include: ReadonlySet<StartPart>
  /** the largest number of texts */
  texts: number
}

/** What a client shows first. Parts that are left out are undefined. */
export interface Start {
  sessionNo: number
  person: PersonName
  server: ServerInfo | undefined
  /** in reading order */
  memberships: Membership[] | undefined
  /** in reading order */
  unread: Unread[] | undefined
  marks: Reply<'get-marks'> | undefined
  sessions: OnlineSession[] | undefined
  /** the first unread texts, in reading order */
  texts: Text[]
}

/**
 * Number of calls for memberships and unread texts that are made at the same time: as many as the in-flight window of a
 * connection admits. Others would wait before the calls for the texts, on whose replies further calls depend.
 */
const CONCURRENCY = 20

/**
 * Returns what a client shows first: the memberships of the logged-in person, the unread texts, the marks, the server and
 * the sessions. Five round trips, four without texts. With n memberships and m conferences with unread texts, it takes
 * about n + m calls besides those for the texts.
 *
 * @throws KomError `login-first`
 * @throws ProtocolError `over-bound` if there is too much in all
 */
export async function getStart(session: LyskomSession, { include, texts }: StartOptions): Promise<Start> {
  const size = new CollectedSize(session.connection)
  const part = <T>(name: StartPart, read: () => Promise<T>) => (include.has(name) ? read() : undefined)
  // The calls are sent in this order, and most of all depends on the first ones.
  const [reading, person, marks, server, sessions] = await Promise.all([
    readMemberships(session, { include, texts }, size),
    session.names.person(session.persNo),
    part('marks', () => getMarks(session)),
    part('server', () => getServerInfo(session)),
    part('sessions', () => getOnlineSessions(session, 0)),
  ])
  return { sessionNo: session.connection.sessionNo, person, server, marks, sessions, ...reading }
}

async function readMemberships(
  session: LyskomSession,
  { include, texts }: StartOptions,
  size: CollectedSize,
): Promise<Pick<Start, 'memberships' | 'unread' | 'texts'>> {
  const { connection, persNo } = session
  const listsAll = include.has('memberships')
  const needsUnread = include.has('unread') || texts > 0
  if (!listsAll && !needsUnread) return { memberships: undefined, unread: undefined, texts: [] }
  const [all, unreadConfs] = await Promise.all([
    getOwnMemberships(session, needsUnread).catch(noneIfOutOfRange),
    needsUnread ? connection.call('get-unread-confs', { persNo }) : [],
  ])
  const inOrder = all.sort(byReadingOrder)
  const wanted = new Set(unreadConfs)
  const unreadStats = inOrder.filter(({ conference }) => wanted.has(conference))

  const requests = new ConcurrencyLimit(CONCURRENCY)
  const reader = new UnreadReader(session, { requests, isOwn: true })
  const readFirst = ({ conference, readRanges }: MembershipStat) => reader.first(conference, readRanges)
  // Begin with the conferences of the texts, because further calls depend on these.
  const firsts = unreadStats.slice(0, texts).map(readFirst)
  const conferences = new Map(
    (listsAll ? inOrder : unreadStats).map(({ conference }) => [
      conference,
      requests.run(() => getIfExists(session, conference)),
    ]),
  )
  firsts.push(...unreadStats.slice(texts).map(readFirst))
  const unread = unreadStats.map(async ({ conference: confNo, readRanges }, i): Promise<Unread> => {
    const first = (await firsts[i]) as FirstUnread
    const conference = await conferences.get(confNo)
    if (conference === undefined) return { persNo, confNo, textNos: [], localNos: [] }
    return { persNo, confNo, ...(await reader.all(confNo, readRanges, first, conference.highestLocalNo)) }
  })
  const [memberships, lists, read] = await Promise.all([
    listsAll ? nameMemberships(session, inOrder, conferences, size) : undefined,
    Promise.all(unread),
    firstTexts(firsts, unread, texts).then((textNos) => getTexts(session, textNos, size)),
    ...conferences.values(),
  ])
  return {
    memberships,
    unread: include.has('unread') ? lists.filter(({ textNos }) => textNos.length > 0) : undefined,
    texts: read,
  }
}

/** lyskomd rejects the list of a person without memberships, who has left even their letterbox. */
function noneIfOutOfRange(error: unknown): MembershipStat[] {
  if (error instanceof KomError && error.errorName === 'index-out-of-range') return []
  throw error
}

/** By descending priority, and within a priority in the person's own order. */
function byReadingOrder(a: MembershipStat, b: MembershipStat): number {
  return b.priority - a.priority || a.position - b.position
}

/** Returns the numbers of the first texts that are unread in any of the conferences. */
async function firstTexts(
  firsts: readonly Promise<FirstUnread>[],
  unread: readonly Promise<Unread>[],
  count: number,
): Promise<number[]> {
  const textNos = new Set<number>()
  for (const [i, first] of firsts.entries()) {
    for (const textNo of (await first).textNos) textNos.add(textNo)
    if (textNos.size < count) for (const textNo of (await unread[i])?.textNos ?? []) textNos.add(textNo)
    if (textNos.size >= count) break
  }
  return [...textNos].slice(0, count)
}

/**
 * Returns the memberships with names. A conference that has been deleted meanwhile, or is hidden from the person who has
 * been expelled from it, is left out, and the memberships after it have the positions that they have since then.
 */
async function nameMemberships(
  session: LyskomSession,
  stats: readonly MembershipStat[],
  conferences: ReadonlyMap<number, Promise<MicroConference | undefined>>,
  size: CollectedSize,
): Promise<Membership[]> {
  const addedBy = stats.map((stat) => stat.addedBy)
  const [names, found] = await Promise.all([
    session.names.load(addedBy, size),
    Promise.all(stats.map(({ conference }) => conferences.get(conference))),
  ])
  const gone = stats.filter((_, i) => found[i] === undefined)
  return stats.flatMap((stat, i) => {
    const conference = found[i]
    if (conference === undefined) return []
    size.add(1, conference.name.length)
    const position = stat.position - gone.filter((left) => left.position < stat.position).length
    return withNames({ ...stat, position }, session.persNo, conference, names)
  })
}

/** Returns a conference; undefined if it does not exist for the person any more. One round trip. */
async function getIfExists(session: LyskomSession, confNo: number): Promise<MicroConference | undefined> {
  try {
    return await getMicroConference(session, confNo)
  } catch (error) {
    if (error instanceof KomError && error.errorName === 'undefined-conference') return undefined
    throw error
  }
}
