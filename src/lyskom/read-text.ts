import type { Connection } from '../connection/connection.ts'
import type { TextStat } from '../protocol/types.ts'
import { type Content, type ContentType, contentTypeOf, readContent } from './content.ts'
import type { LyskomSession } from './session.ts'

/** A text status with the content type from its aux-items. */
export interface TextStatus {
  textNo: number
  stat: TextStat
  contentType: ContentType
}

/** A text status with the content of the text. */
export interface ReadText extends TextStatus {
  content: Content
}

/** Returns a text with its status. One round trip. Throws the `KomError`s of `getText`. */
export async function readText(session: LyskomSession, textNo: number): Promise<ReadText> {
  const requested = requestBytes(session, textNo)
  const stat = await session.connection.call('get-text-stat', { textNo })
  const contentType = contentTypeOf(stat.auxItems)
  const content = await getContent(session, textNo, stat, contentType, requested)
  return { textNo, stat, contentType, content }
}

/** The index of the last character to request from get-text, beyond the end of any text. */
export const END_OF_TEXT = 2 ** 31 - 1

/** Requests the bytes of a text, concurrently with its status. Returns undefined if its content is probably cached. */
export function requestBytes({ connection, bodies }: LyskomSession, textNo: number): Promise<Uint8Array> | undefined {
  if (bodies.has(textNo)) return undefined
  const bytes = fetchBytes(connection, textNo)
  // For a text that may not be read, the caller reports the error of get-text-stat instead.
  bytes.catch(() => undefined)
  return bytes
}

/**
 * Returns the content of a text, from the cache or the server. The caller must have received the text's status from the
 * server in this session, which proves the permission to read the text.
 */
export async function getContent(
  { connection, bodies }: LyskomSession,
  textNo: number,
  { creationTime }: TextStat,
  contentType: ContentType,
  requested: Promise<Uint8Array> | undefined,
): Promise<Content> {
  const cached = requested === undefined ? bodies.get(textNo, creationTime, contentType) : undefined
  if (cached !== undefined) return cached
  const content = readContent(await (requested ?? fetchBytes(connection, textNo)), contentType)
  bodies.set(textNo, creationTime, contentType, content)
  return content
}

function fetchBytes(connection: Connection, textNo: number): Promise<Uint8Array> {
  return connection.call('get-text', { text: textNo, startChar: 0, endChar: END_OF_TEXT })
}
