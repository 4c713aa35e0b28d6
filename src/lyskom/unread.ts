import { ConcurrencyLimit } from '../concurrency-limit.ts'
import { mapConcurrent } from '../map-concurrent.ts'
import { KomError, ProtocolError } from '../protocol/errors.ts'
import type { Membership as MembershipStat, TextMapping } from '../protocol/types.ts'
import { CollectedSize } from './collected-size.ts'
import { getMicroConference } from './conferences.ts'
import { ALL_MEMBERSHIPS, getUnreadConfs, queryReadTexts } from './membership-stats.ts'
import { MAX_TEXT_NO, TEXTS_PER_CALL } from './numbers.ts'
import type { LyskomSession } from './session.ts'
import { existingTexts } from './text-mapping.ts'
import { isRead, type LocalRange, type ReadRanges, unreadRanges } from './unread-ranges.ts'

/** The numbers of unread texts in one conference, in the order of the local numbers. */
interface UnreadTexts {
  /** global text numbers */
  textNos: number[]
  /** the local number of each text */
  localNos: number[]
}

/** The unread texts of a person in one conference. */
export interface Unread extends UnreadTexts {
  persNo: number
  confNo: number
}

/** The first unread texts in a conference, as far as the server lists them without further calls. */
export interface FirstUnread extends UnreadTexts {
  /** the highest local number that they include */
  covered: number
  /** whether the conference has no text above `covered` */
  isComplete: boolean
}

/**
 * Limit on the calls that map unread texts in one operation. It suffices for 16.7 million unread local numbers; the
 * largest LysKOM server has fewer texts in total.
 */
const MAX_MAPPINGS = 2 ** 16
/** Limit on the number of unread texts that one operation returns. */
const MAX_UNREAD = 2 ** 22
/** Calls at the same time: more than the in-flight window of a connection, below its limit on waiting calls. */
const CONCURRENCY = 256

/** Stands for the first unread texts of a conference of which nothing is known. */
const NOTHING: FirstUnread = { textNos: [], localNos: [], covered: 0, isComplete: false }

/**
 * Returns the unread texts of all conferences that have any, in the person's own order. Three round trips for any number
 * of conferences.
 *
 * @throws KomError `undefined-person`
 * @throws ProtocolError `over-bound` if there are more unread texts than can be listed
 */
export async function getAllUnread(session: LyskomSession, persNo: number): Promise<Unread[]> {
  const size = new CollectedSize(session.connection)
  const confs = await getUnreadConfs(session, persNo, { ranges: true, first: 0, count: ALL_MEMBERSHIPS, size })
  const isOwn = persNo === session.persNo
  const reader = new UnreadReader(session, { requests: new ConcurrencyLimit(CONCURRENCY), isOwn })
  const all = await mapConcurrent(confs, async ({ confNo, membership }) => ({
    persNo,
    confNo,
    ...(await readUnread(session, reader, confNo, membership(), isOwn)),
  }))
  return all.filter(({ textNos }) => textNos.length > 0)
}

/**
 * Returns the unread texts of one conference. Two round trips.
 *
 * @throws KomError `not-member`
 * @throws ProtocolError `over-bound` if there are more unread texts than can be listed
 */
export async function getUnread(session: LyskomSession, persNo: number, confNo: number): Promise<Unread> {
  const isOwn = persNo === session.persNo
  const reader = new UnreadReader(session, { requests: new ConcurrencyLimit(CONCURRENCY), isOwn })
  const membership = queryReadTexts(session, persNo, confNo, true)
  return { persNo, confNo, ...(await readUnread(session, reader, confNo, membership, false)) }
}

/**
 * Two round trips.
 *
 * @param isKnown whether the server has already sent the membership; otherwise it takes the first round trip
 */
async function readUnread(
  session: LyskomSession,
  reader: UnreadReader,
  confNo: number,
  membership: Promise<MembershipStat>,
  isKnown: boolean,
): Promise<UnreadTexts> {
  const conference = getMicroConference(session, confNo)
  conference.catch(() => undefined)
  // Await the membership first, because its error is more precise than that of the conference.
  const { readRanges } = await membership
  const first = isKnown ? await reader.first(confNo, readRanges) : NOTHING
  const { highestLocalNo } = await conference
  return await reader.all(confNo, readRanges, first, highestLocalNo)
}

/** Options of `UnreadReader`. */
interface UnreadReaderOptions {
  /** limits the concurrent calls */
  requests: ConcurrencyLimit
  /** whether the texts are those that the logged-in person has not read */
  isOwn: boolean
}

/** Reads which texts are unread in the conferences of one operation. */
export class UnreadReader {
  readonly #session: LyskomSession
  readonly #requests: ConcurrencyLimit
  readonly #isOwn: boolean
  /** calls made and texts found, in all conferences */
  #mappings = 0
  #texts = 0

  constructor(session: LyskomSession, { requests, isOwn }: UnreadReaderOptions) {
    this.#session = session
    this.#requests = requests
    this.#isOwn = isOwn
  }

  /**
   * Returns the unread texts among those that the person has read in part, and the first 255 after the last one that the
   * person has read. These calls need no highest local number. One round trip.
   *
   * @throws ProtocolError `over-bound` if there are more unread texts than can be listed
   */
  async first(confNo: number, read: ReadRanges): Promise<FirstUnread> {
    const next = Math.min((read.at(-1)?.lastRead ?? 0) + 1, MAX_TEXT_NO)
    const ranges = this.#ranges(read, next)
    const mappings = await Promise.all(
      ranges.map((range, i) => {
        const isLast = i === ranges.length - 1
        return this.#map(confNo, read, isLast ? { first: range.first, last: Number.POSITIVE_INFINITY } : range)
      }),
    )
    const { end, hasMore } = mappings.at(-1) ?? { end: next, hasMore: false }
    return { ...concatenated(mappings), covered: end - 1, isComplete: !hasMore }
  }

  /**
   * Returns all unread texts of a conference. One round trip, none if `first` is complete.
   *
   * @param first the result of `first`, or `NOTHING`
   * @param highest the highest local number of the conference
   * @throws ProtocolError `over-bound` if there are more unread texts than can be listed
   */
  async all(confNo: number, read: ReadRanges, first: FirstUnread, highest: number): Promise<UnreadTexts> {
    const { covered, isComplete } = first
    if (isComplete) return { textNos: first.textNos, localNos: first.localNos }
    const later = [{ firstRead: 1, lastRead: covered }, ...read.filter(({ lastRead }) => lastRead > covered)]
    const mappings = await Promise.all(this.#ranges(later, highest).map((range) => this.#map(confNo, read, range)))
    return concatenated([first, ...mappings])
  }

  #ranges(read: ReadRanges, highest: number): LocalRange[] {
    const room = MAX_MAPPINGS - this.#mappings
    const ranges = unreadRanges(read, highest, TEXTS_PER_CALL, room + 1)
    if (ranges.length > room) throw tooMuchUnread(this.#session)
    this.#mappings += ranges.length
    return ranges
  }

  /** Returns the existing texts of a range that are unread, at most 255. */
  async #map(confNo: number, read: ReadRanges, { first, last }: LocalRange): Promise<Mapped> {
    const noOfExistingTexts = Math.min(last - first + 1, TEXTS_PER_CALL)
    const mapping = await this.#requests.run(() => this.#mapLocals(confNo, first, noOfExistingTexts))
    if (mapping === undefined) return { textNos: [], localNos: [], end: first, hasMore: false }
    const { block, rangeEnd, moreTextsExists } = mapping
    const texts = existingTexts(block)
      .slice(0, noOfExistingTexts)
      .filter(({ localNumber }) => localNumber <= last && !isRead(read, localNumber))
    this.#texts += texts.length
    if (this.#texts > MAX_UNREAD) throw tooMuchUnread(this.#session)
    return {
      textNos: texts.map(({ globalNumber }) => globalNumber),
      localNos: texts.map(({ localNumber }) => localNumber),
      end: Math.max(first, rangeEnd),
      hasMore: moreTextsExists,
    }
  }

  /**
   * Maps local numbers from `firstLocalNo` on. Returns undefined if the conference has none, or if the person has lost
   * access to it meanwhile.
   */
  async #mapLocals(confNo: number, firstLocalNo: number, noOfExistingTexts: number): Promise<TextMapping | undefined> {
    const { connection } = this.#session
    try {
      return await connection.call('local-to-global', { confNo, firstLocalNo, noOfExistingTexts })
    } catch (error) {
      if (!(error instanceof KomError)) throw error
      if (NO_TEXTS.includes(error.errorName) || (this.#isOwn && error.errorName === 'access-denied')) return undefined
      throw error
    }
  }
}

/** Errors of local-to-global for a conference without texts from a local number on, and for a deleted one. */
const NO_TEXTS = ['no-such-local-text', 'undefined-conference']

/** The unread texts of a range of local numbers. */
interface Mapped extends UnreadTexts {
  /** the local number after the last one that the server has mapped */
  end: number
  /** whether the conference has texts from `end` on */
  hasMore: boolean
}

function concatenated(parts: readonly UnreadTexts[]): UnreadTexts {
  const all: UnreadTexts = { textNos: [], localNos: [] }
  for (const { textNos, localNos } of parts) {
    for (const textNo of textNos) all.textNos.push(textNo)
    for (const localNo of localNos) all.localNos.push(localNo)
  }
  return all
}

function tooMuchUnread({ connection }: LyskomSession): ProtocolError {
  connection.boundHit('unread-texts')
  return new ProtocolError('over-bound', 'more unread texts than can be listed (unread-texts)', 'unread-texts')
}
