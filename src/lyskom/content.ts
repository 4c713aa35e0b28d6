/** Interprets the bytes of a text: content type, charset, subject and body (chapter LysKOM Content Types). */
import { AUX_ITEMS } from '../protocol/aux-items.ts'
import type { AuxItem } from '../protocol/types.ts'
import { decodeStrictly } from './charsets/charsets.ts'
import { codecName } from './charsets/names.ts'
import { type Wide, wideForm } from './charsets/utf.ts'

/** The content type of user areas. */
export const USER_AREA = 'x-kom/user-area'
const KOM_BASIC = 'text/x-kom-basic'
/** The old name of `text/x-kom-basic`. */
const KOM_TEXT = 'x-kom/text'
const DEFAULT = 'text/plain'
const LF = 0x0a

/** The usual labels of ISO 8859-1, and other labels that httpkom decodes as ISO 8859-1. */
const LATIN1 = new Set(['iso-8859-1', 'latin1', 'latin-1', 'us-ascii', 'ascii', 'x-ctext'])
/** The usual labels of UTF-8. */
const UTF8 = new Set(['utf-8', 'utf8'])

/** A parsed content type. */
export interface ContentType {
  /** type and subtype in lower case, with all parameters except the charset: `text/html;x=y` */
  type: string
  /** in lower case */
  charset: string | undefined
}

/** Length limit of a content type, in characters. Content types in use are shorter. */
export const MAX_CONTENT_TYPE = 1000

/** Parses a content type: `type/subtype;parameter=value`. Returns undefined if it is malformed. */
export function parseContentType(text: string): ContentType | undefined {
  if (text.length > MAX_CONTENT_TYPE) return undefined
  if (!/^[\x20-\x7e]*$/.test(text)) return undefined
  const [full = '', ...parameters] = text.split(';').map((part) => part.trim())
  if (!/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/.test(full)) return undefined
  const name = full.toLowerCase() === KOM_TEXT ? KOM_BASIC : full.toLowerCase()
  const isCharset = (parameter: string): boolean => /^charset\s*=/i.test(parameter)
  const charset = parameters
    .find(isCharset)
    ?.replace(/^[^=]*=\s*/, '')
    .replaceAll('"', '')
  const others = parameters.filter((parameter) => parameter !== '' && !isCharset(parameter))
  return { type: [name, ...others].join(';'), charset: charset?.toLowerCase() }
}

/** Returns the content type of a text from its aux-items; `text/plain` if there is none or it is malformed. */
export function contentTypeOf(auxItems: readonly AuxItem[]): ContentType {
  const item = auxItems.find(({ tag, flags }) => tag === AUX_ITEMS['content-type'] && !flags.deleted)
  const declared = item && parseContentType(latin1(item.data))
  return declared ?? { type: DEFAULT, charset: undefined }
}

/** Returns whether the content type is text. */
export function isText({ type }: ContentType): boolean {
  return type.startsWith('text/')
}

/**
 * Size limit, in bytes, of texts to decode in charsets other than UTF-8. Larger ones would block the event loop for
 * seconds; lyskomd's own limit is 131,072.
 */
const MAX_DECODED = 8 * 1024 * 1024

/**
 * Decodes text as Python's codec of that name does, for compatibility with httpkom. Falls back to ISO 8859-1 if there
 * is no charset, if it is unknown, if the bytes are invalid in it, and for texts over 8 MiB that are not in UTF-8.
 */
export function decode(bytes: Uint8Array, charset: string | undefined): string {
  if (charset === undefined || LATIN1.has(charset)) return latin1(bytes)
  if (bytes.length > MAX_DECODED && !UTF8.has(charset)) return latin1(bytes)
  return decodeStrictly(bufferOf(bytes), charset) ?? latin1(bytes)
}

/**
 * Splits a stored text into subject and body at its first line feed. Without a line feed, all of it is the body. Both
 * parts are in the charset of the text.
 */
export function splitText(text: Uint8Array, charset?: string): { subject: Uint8Array; body: Uint8Array } {
  const end = text.indexOf(LF)
  if (end < 0) return { subject: text.subarray(0, 0), body: text }
  const codec = charset === undefined || UTF8.has(charset) ? undefined : codecName(charset)
  const form = codec === undefined ? undefined : wideForm(codec, text)
  return (form && splitWide(text, form, end)) ?? { subject: text.subarray(0, end), body: text.subarray(end + 1) }
}

/**
 * Splits a text in UTF-16 or UTF-32 that is encoded as a whole, including its line feed.
 *
 * @param end offset of the first byte with the value of a line feed
 * @returns undefined if subject and body are encoded separately, with a line feed of one byte between them
 */
function splitWide(text: Uint8Array, { unit, littleEndian, bom }: Wide, end: number) {
  if (text.length % unit !== 0) return undefined
  const low = littleEndian ? 0 : unit - 1
  const isLineFeed = (at: number): boolean => {
    if (at < 0 || at % unit !== 0) return false
    for (let i = 0; i < unit; i++) if (text[at + i] !== (i === low ? LF : 0)) return false
    return true
  }
  const isPlain = bom === 0 && text.subarray(0, end).every((byte) => byte >= 0x20)
  if (isPlain && !isLineFeed(end - low) && (text.length - end - 1) % unit === 0) return undefined
  for (let found = end; found >= 0; found = text.indexOf(LF, found + 1)) {
    const at = found - low
    if (!isLineFeed(at)) continue
    // Repeat the byte order mark, which the body needs to be decoded.
    const body = Buffer.concat([text.subarray(0, bom), text.subarray(at + unit)])
    return { subject: text.subarray(0, at), body }
  }
  return { subject: text.subarray(0, 0), body: text }
}

/** The content of a text. It depends on the stored bytes and the content type alone. */
export interface Content {
  /** null for a user area, which has no subject */
  subject: string | null
  /** decoded if the content type is text or a user area, else bytes: a view on the stored ones */
  body: string | Uint8Array
}

/** Splits a stored text into subject and body and decodes what is text. */
export function readContent(bytes: Uint8Array, contentType: ContentType): Content {
  const { type, charset } = contentType
  if (type === USER_AREA) return { subject: null, body: decode(bytes, charset) }
  const isTextual = isText(contentType)
  const { subject, body } = splitText(bytes, isTextual ? charset : undefined)
  return { subject: decode(subject, charset), body: isTextual ? decode(body, charset) : body }
}

/**
 * Returns the subject of a text of which only the start is known, the same as `readContent` of the whole text. Returns
 * undefined if the start does not suffice.
 */
export function readSubject(start: Uint8Array, contentType: ContentType): Content['subject'] | undefined {
  const { type, charset } = contentType
  if (type === USER_AREA) return null
  const end = start.indexOf(LF)
  if (end < 0) return undefined
  const codec = charset === undefined || !isText(contentType) ? undefined : codecName(charset)
  if (codec !== undefined && wideForm(codec, start) !== undefined) return undefined
  return decode(start.subarray(0, end), charset)
}

/** Decodes bytes as ISO 8859-1. */
export function latin1(bytes: Uint8Array): string {
  return bufferOf(bytes).toString('latin1')
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
