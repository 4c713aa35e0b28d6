import { mapConcurrent } from '../map-concurrent.ts'
import type { TextMapping } from '../protocol/types.ts'
import { CollectedSize } from './collected-size.ts'
import { TEXTS_PER_CALL } from './numbers.ts'
import type { LyskomSession } from './session.ts'
import { getSubject, type TextOverview } from './subjects.ts'
import { existingTexts } from './text-mapping.ts'
import { describeTexts, getTextStatus, unlessGone } from './texts.ts'

/** Selects a page of texts. */
export interface TextPageOptions {
  /** the page ends before this local number; 0 for the newest texts */
  before: number
  /** the largest number of texts, 1 to `TEXTS_PER_CALL`; texts that may not be read count as well */
  count: number
  /** whether to read the subjects */
  subjects: boolean
}

/** A page of texts, newest first, without those that may not be read. */
export interface TextPage {
  texts: TextOverview[]
  /** the `before` of the next page; null if there are no older texts */
  nextBefore: number | null
}

/**
 * Returns a page of the texts of a conference. Four round trips.
 *
 * @throws KomError `undefined-conference`, `access-denied` or `long-array`
 */
export async function getConferenceTexts(
  session: LyskomSession,
  confNo: number,
  options: TextPageOptions,
): Promise<TextPage> {
  const localNoCeiling = options.before
  const range = { confNo, localNoCeiling, noOfExistingTexts: options.count }
  return describePage(session, await session.connection.call('local-to-global-reverse', range), options)
}

/**
 * Returns a page of the texts that a person has written. The local numbers count the person's texts. Four round trips.
 *
 * @throws KomError `undefined-person` or `long-array`
 */
export async function getCreatedTexts(
  session: LyskomSession,
  author: number,
  options: TextPageOptions,
): Promise<TextPage> {
  const localNoCeiling = options.before
  const range = { author, localNoCeiling, noOfExistingTexts: options.count }
  return describePage(session, await session.connection.call('map-created-texts-reverse', range), options)
}

/** Three round trips. */
async function describePage(
  session: LyskomSession,
  { block, moreTextsExists }: TextMapping,
  { count, subjects }: TextPageOptions,
): Promise<TextPage> {
  const mapped = existingTexts(block)
  const newest = mapped.slice(Math.max(0, mapped.length - Math.min(count, TEXTS_PER_CALL))).reverse()
  const size = new CollectedSize(session.connection)
  const found = await mapConcurrent(newest, ({ globalNumber }) =>
    unlessGone(getTextStatus(session, globalNumber, size)),
  )
  const readable = found.filter((status) => status !== undefined)
  const known = new Map(newest.map(({ globalNumber }, i) => [globalNumber, found[i]?.stat.author]))
  const [heads, read] = await Promise.all([
    describeTexts(session, readable, size, known),
    subjects ? mapConcurrent(readable, (status) => getSubject(session, status, size)) : [],
  ])
  const hasMore = moreTextsExists || newest.length < mapped.length
  return {
    texts: heads.map((head, i) => ({ head, subject: read[i] ?? null })),
    nextBefore: hasMore ? (newest.at(-1)?.localNumber ?? null) : null,
  }
}
