import iconv from 'iconv-lite'
import { DOUBLE_BYTE, decodeWithAdditions, isDoubleByte, JIS } from './double-byte.ts'
import { codecName } from './names.ts'
import { TABLES } from './tables.ts'
import { type Decoder, decodeWide, utf7, utf8, utf8Sig, wideForm } from './utf.ts'

/** iconv-lite substitutes it for invalid bytes. */
const REPLACEMENT = '\ufffd'
const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
/** The double-byte charsets that iconv-lite decodes like Python. */
const DOUBLE_BYTE_OF_ICONV = new Set(['big5hkscs', 'cp949'])

/** Decoders of Python's codecs, created on first use. Their number is limited by that of the names in `codecName`. */
const decoders = new Map<string, Decoder>()

/**
 * Decodes text like Python's codec in strict mode, or by the WHATWG Encoding Standard for labels that only this
 * standard defines, such as `x-sjis`.
 *
 * @param bytes the encoded text
 * @param label charset label, in lower case
 * @returns undefined for an unknown label, and for bytes that are invalid in the charset
 */
export function decodeStrictly(bytes: Buffer, label: string): string | undefined {
  if (label === 'utf-8') return utf8(bytes)
  const name = codecName(label)
  if (name !== undefined) return decoderOf(name)(bytes)
  const encoding = encodingOf(label)
  // Node 20 decodes windows-1252 as ISO 8859-1: https://github.com/nodejs/node/issues/60888
  if (encoding === 'windows-1252') return decoderOf('cp1252')(bytes)
  return encoding === undefined ? undefined : decodeByStandard(bytes, encoding)
}

function decoderOf(name: string): Decoder {
  const known = decoders.get(name)
  if (known !== undefined) return known
  const decoder = makeDecoder(name)
  decoders.set(name, decoder)
  return decoder
}

function makeDecoder(name: string): Decoder {
  if (name === 'ascii' || name === 'latin_1' || name === 'iso8859_1') return (bytes) => bytes.toString('latin1')
  if (name === 'utf_8') return utf8
  if (name === 'utf_8_sig') return utf8Sig
  if (name === 'utf_7') return utf7
  if (/^utf_(?:16|32)/.test(name)) {
    return (bytes) => {
      const form = wideForm(name, bytes)
      return form && decodeWide(bytes, form)
    }
  }
  const table = TABLES[name]
  if (table !== undefined) return byTable(table)
  if (name.startsWith('iso2022_jp')) return (bytes) => replaced(decodeByStandard(bytes, 'iso-2022-jp'), JIS)
  // Approximation: the characters that the newer standards add are rare.
  if (name.startsWith('euc_jis')) return decoderOf('euc_jp')
  if (name.startsWith('shift_jis') && name !== 'shift_jis') return decoderOf('shift_jis')
  if (DOUBLE_BYTE_OF_ICONV.has(name)) return (bytes) => byIconv(bytes, name)
  const pairs = DOUBLE_BYTE[name]
  // A loop over a table is faster than the single-byte codecs of iconv-lite.
  if (pairs === undefined) return byTable(iconv.decode(EVERY_BYTE, name))
  return (bytes) => {
    if (!isDoubleByte(bytes, pairs)) return undefined
    const text = decodeWithAdditions(bytes, pairs, (part) => byIconv(part, pairs.iconv))
    return text !== undefined && pairs.reject?.test(text) ? undefined : replaced(text, pairs.replace)
  }
}

/**
 * Creates a decoder for a single-byte charset.
 *
 * @param table the characters of the highest byte values, up to 255; the values below are ASCII
 */
function byTable(table: string): Decoder {
  const first = 256 - table.length
  const units = Uint16Array.from({ length: 256 }, (_, byte) => (byte < first ? byte : table.charCodeAt(byte - first)))
  return (bytes) => {
    const text = new Uint16Array(bytes.length)
    for (let at = 0; at < bytes.length; at++) text[at] = units[bytes[at] as number] as number
    // All platforms that komgate supports are little-endian.
    return unlessReplaced(Buffer.from(text.buffer).toString('utf16le'))
  }
}

function byIconv(bytes: Buffer, name: string): string | undefined {
  return unlessReplaced(iconv.decode(bytes, name, { stripBOM: false }))
}

/** Returns undefined for a text with invalid bytes. */
function unlessReplaced(text: string): string | undefined {
  return text.includes(REPLACEMENT) ? undefined : text
}

/** Replaces characters by the characters to which they are mapped. */
function replaced(text: string | undefined, characters: ReadonlyMap<string, string> | undefined): string | undefined {
  if (text === undefined || characters === undefined) return text
  return text.replace(
    new RegExp(`[${[...characters.keys()].join('')}]`, 'g'),
    (found) => characters.get(found) ?? found,
  )
}

/** Returns the name of the encoding that the Encoding Standard assigns to a label. */
function encodingOf(label: string): string | undefined {
  try {
    return new TextDecoder(label).encoding
  } catch {
    return undefined
  }
}

function decodeByStandard(bytes: Buffer, encoding: string): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
