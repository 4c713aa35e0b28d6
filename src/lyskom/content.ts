/** What a text's bytes mean: content types, charsets, subject and body (chapter LysKOM Content Types). */
import { AUX_ITEMS } from '../protocol/aux-items.ts'
import type { AuxItem } from '../protocol/types.ts'
import { decodeStrictly } from './charsets/charsets.ts'
import { codecName } from './charsets/names.ts'
import { type Wide, wideForm } from './charsets/utf.ts'

export const USER_AREA = 'x-kom/user-area'
const KOM_BASIC = 'text/x-kom-basic'
/** The old name of the ordinary kind of text. */
const KOM_TEXT = 'x-kom/text'
const DEFAULT = 'text/plain'
const LF = 0x0a

/** The usual labels of ISO 8859-1, and what httpkom reads as ISO 8859-1. */
const LATIN1 = new Set(['iso-8859-1', 'latin1', 'latin-1', 'us-ascii', 'ascii', 'x-ctext'])
/** The usual labels of UTF-8. */
const UTF8 = new Set(['utf-8', 'utf8'])

export interface ContentType {
  /** in lower case, with its parameters but the charset: `text/html;x=y` */
  type: string
  charset: string | undefined
}

/** Characters. Longer than any content type in use. */
export const MAX_CONTENT_TYPE = 1000

/** A type, a slash, a subtype; parameters behind semicolons. Undefined for what is no content type. */
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

/** The content type that a text's aux-items say it has. */
export function contentTypeOf(auxItems: readonly AuxItem[]): ContentType {
  const item = auxItems.find(({ tag, flags }) => tag === AUX_ITEMS['content-type'] && !flags.deleted)
  const declared = item && parseContentType(latin1(item.data))
  return declared ?? { type: DEFAULT, charset: undefined }
}

export function isText({ type }: ContentType): boolean {
  return type.startsWith('text/')
}

/** Bytes. Larger texts in other charsets than UTF-8 would block the event loop for seconds; lyskomd takes 131,072. */
const MAX_DECODED = 8 * 1024 * 1024

/**
 * Decodes as Python's codec of that name, which is what httpkom does; by ISO 8859-1 without a charset, for an unknown one,
 * and for bytes that are not in it.
 */
export function decode(bytes: Uint8Array, charset: string | undefined): string {
  if (charset === undefined || LATIN1.has(charset)) return latin1(bytes)
  if (bytes.length > MAX_DECODED && !UTF8.has(charset)) return latin1(bytes)
  return decodeStrictly(bufferOf(bytes), charset) ?? latin1(bytes)
}

/**
 * A stored text is its subject, a line feed, and its body; without a line feed all of it is body. Both parts decode by the
 * charset of the text.
 */
export function splitText(text: Uint8Array, charset?: string): { subject: Uint8Array; body: Uint8Array } {
  const end = text.indexOf(LF)
  if (end < 0) return { subject: text.subarray(0, 0), body: text }
  const codec = charset === undefined || UTF8.has(charset) ? undefined : codecName(charset)
  const form = codec === undefined ? undefined : wideForm(codec, text)
  return (form && splitWide(text, form, end)) ?? { subject: text.subarray(0, end), body: text.subarray(end + 1) }
}

/**
 * Splits a text that is in UTF-16 or UTF-32 as a whole, its line feed included.
 * @param end the first byte that looks like a line feed
 * @returns undefined if the client has encoded subject and body, and put a line feed of one byte between
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
    // The body has the byte order of the text.
    const body = Buffer.concat([text.subarray(0, bom), text.subarray(at + unit)])
    return { subject: text.subarray(0, at), body }
  }
  return { subject: text.subarray(0, 0), body: text }
}

export function latin1(bytes: Uint8Array): string {
  return bufferOf(bytes).toString('latin1')
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
