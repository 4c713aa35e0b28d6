/** What a text's bytes mean: content types, charsets, subject and body (chapter LysKOM Content Types). */
import { AUX_ITEMS } from '../protocol/aux-items.ts'
import type { AuxItem } from '../protocol/types.ts'

export const USER_AREA = 'x-kom/user-area'
const KOM_BASIC = 'text/x-kom-basic'
/** The old name of the ordinary kind of text. */
const KOM_TEXT = 'x-kom/text'
const DEFAULT = 'text/plain'

/** Charsets whose first 256 characters are those of ISO 8859-1, which TextDecoder takes for windows-1252. */
const LATIN1 = new Set(['iso-8859-1', 'iso8859-1', 'latin1', 'latin-1', 'us-ascii', 'ascii', 'x-ctext'])

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

/** Decodes by the declared charset; ISO 8859-1 when there is none, it is unknown, or the bytes are not in it. */
export function decode(bytes: Uint8Array, charset: string | undefined): string {
  if (charset === undefined || LATIN1.has(charset)) return latin1(bytes)
  try {
    return new TextDecoder(charset, { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return latin1(bytes)
  }
}

/** A stored text is its subject, a line feed, and its body; without a line feed all of it is body. */
export function splitText(text: Uint8Array): { subject: Uint8Array; body: Uint8Array } {
  const end = text.indexOf(0x0a)
  return end < 0
    ? { subject: text.subarray(0, 0), body: text }
    : { subject: text.subarray(0, end), body: text.subarray(end + 1) }
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
