import type { CollectedSize } from './collected-size.ts'
import { type Content, readContent, readSubject } from './content.ts'
import type { LyskomSession } from './session.ts'
import { END_OF_TEXT, getTextStatus, type TextHead, type TextStatus, unlessGone } from './texts.ts'

/** A text without its body. */
export interface TextOverview {
  head: TextHead
  /** null for a user area, for a text that is deleted meanwhile, and if no subject was requested */
  subject: string | null
}

/** A text status and the subject of the text, which may arrive later. */
export interface StatusWithSubject {
  status: TextStatus
  /** null if it is not requested */
  subject: Promise<string | null> | null
}

type Start = Promise<Uint8Array> | undefined

/** Number of bytes of a text that are requested for its subject. A longer subject takes one more call. */
const START_BYTES = 512

/**
 * Returns the status of a text and requests its subject. One round trip for the status; two more at most for the
 * subject, none if the content is cached or the subject has less than 512 bytes.
 *
 * @param size counts status and subject
 * @throws KomError `no-such-text` if the text does not exist or the person may not read it
 */
export async function getStatusAndSubject(
  session: LyskomSession,
  textNo: number,
  size: CollectedSize,
): Promise<StatusWithSubject> {
  const start = session.bodies.has(textNo) ? undefined : requestBytes(session, textNo, START_BYTES)
  // For a text that may not be read, the caller gets the error of get-text-stat instead.
  start?.catch(() => undefined)
  const status = await getTextStatus(session, textNo, size)
  const subject = getSubject(session, status, start, size)
  // The caller may fail before it awaits the subject.
  subject.catch(() => undefined)
  return { status, subject }
}

async function getSubject(session: LyskomSession, status: TextStatus, start: Start, size: CollectedSize) {
  const subject = (await unlessGone(readOrFetch(session, status, start))) ?? null
  size.add(1, subject?.length ?? 0)
  return subject
}

/** @param start the requested start of the text; undefined if its content is probably cached */
async function readOrFetch(
  session: LyskomSession,
  { textNo, stat, contentType }: TextStatus,
  start: Start,
): Promise<Content['subject']> {
  const { bodies } = session
  const cached = start === undefined ? bodies.get(textNo, stat.creationTime, contentType) : undefined
  if (cached !== undefined) return cached.subject
  const bytes = await (start ?? requestBytes(session, textNo, START_BYTES))
  const isWhole = bytes.length < START_BYTES
  const subject = isWhole ? undefined : readSubject(bytes, contentType)
  if (subject !== undefined) return subject
  const content = readContent(isWhole ? bytes : await requestBytes(session, textNo, END_OF_TEXT + 1), contentType)
  bodies.set(textNo, stat.creationTime, contentType, content)
  return content.subject
}

/** @param count the largest number of bytes */
function requestBytes({ connection }: LyskomSession, text: number, count: number): Promise<Uint8Array> {
  return connection.call('get-text', { text, startChar: 0, endChar: count - 1 })
}
