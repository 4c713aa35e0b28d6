import type { CollectedSize } from './collected-size.ts'
import { type Content, readContent, readSubject } from './content.ts'
import { END_OF_TEXT, type TextStatus } from './read-text.ts'
import type { LyskomSession } from './session.ts'
import { type TextHead, unlessGone } from './texts.ts'

/** A text without its body. */
export interface TextOverview {
  head: TextHead
  /** null for a user area, for a text that is deleted meanwhile, and if no subject was requested */
  subject: string | null
}

/** Number of bytes of a text that are requested for its subject. A longer subject takes one more call. */
const START_BYTES = 512

/**
 * Returns the subject of a text: null for a user area and for a text that is deleted meanwhile. At most two round trips;
 * one if the subject has less than 512 bytes, none if the content is cached.
 *
 * @param status the status of the text, which proves the permission to read it
 * @param size counts the subject
 */
export async function getSubject(
  session: LyskomSession,
  status: TextStatus,
  size: CollectedSize,
): Promise<string | null> {
  const subject = (await unlessGone(cachedOrRead(session, status))) ?? null
  size.add(1, subject?.length ?? 0)
  return subject
}

async function cachedOrRead(
  session: LyskomSession,
  { textNo, stat, contentType }: TextStatus,
): Promise<Content['subject']> {
  const { bodies } = session
  const cached = bodies.get(textNo, stat.creationTime, contentType)
  if (cached !== undefined) return cached.subject
  const start = await requestBytes(session, textNo, START_BYTES)
  const isWhole = start.length < START_BYTES
  const subject = isWhole ? undefined : readSubject(start, contentType)
  if (subject !== undefined) return subject
  const content = readContent(isWhole ? start : await requestBytes(session, textNo, END_OF_TEXT + 1), contentType)
  bodies.set(textNo, stat.creationTime, contentType, content)
  return content.subject
}

/** @param count the largest number of bytes */
function requestBytes({ connection }: LyskomSession, text: number, count: number): Promise<Uint8Array> {
  return connection.call('get-text', { text, startChar: 0, endChar: count - 1 })
}
