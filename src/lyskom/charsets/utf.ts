/** Decoders of Unicode charsets that behave like Python's codecs in strict mode. */
import { isUtf8 } from 'node:buffer'

/** Decodes text. Returns undefined for bytes that are invalid in the charset. */
export type Decoder = (bytes: Buffer) => string | undefined

/** Decodes UTF-8. */
export function utf8(bytes: Buffer): string | undefined {
  return isUtf8(bytes) ? bytes.toString() : undefined
}

/** Decodes UTF-8, and removes a leading byte order mark. */
export function utf8Sig(bytes: Buffer): string | undefined {
  return utf8(bytes)?.replace(/^\ufeff/, '')
}

/** The encoding form of a text in UTF-16 or UTF-32. */
export interface Wide {
  /** size of a code unit in bytes */
  unit: 2 | 4
  littleEndian: boolean
  /** size of the byte order mark in bytes; 0 without one */
  bom: number
}

/**
 * Returns the encoding form of a text in UTF-16 or UTF-32. As in Python, only `utf_16` and `utf_32` interpret a byte
 * order mark, and are little-endian without one.
 *
 * @param codec name of Python's codec, e.g. `utf_16_le`
 * @param bytes the encoded text
 * @returns undefined for other charsets
 */
export function wideForm(codec: string, bytes: Uint8Array): Wide | undefined {
  const [, bits, order] = /^utf_(16|32)(?:_([bl])e)?$/.exec(codec) ?? []
  if (bits === undefined) return undefined
  const unit = bits === '16' ? 2 : 4
  if (order !== undefined) return { unit, littleEndian: order === 'l', bom: 0 }
  const begins = (...mark: number[]): boolean => mark.every((byte, i) => bytes[i] === byte)
  const isLittle = unit === 2 ? begins(0xff, 0xfe) : begins(0xff, 0xfe, 0, 0)
  const isBig = unit === 2 ? begins(0xfe, 0xff) : begins(0, 0, 0xfe, 0xff)
  return { unit, littleEndian: !isBig, bom: isLittle || isBig ? unit : 0 }
}

/** Decodes UTF-16 or UTF-32, without the byte order mark. Returns undefined for invalid bytes. */
export function decodeWide(bytes: Buffer, { unit, littleEndian, bom }: Wide): string | undefined {
  if (bytes.length % unit !== 0) return undefined
  const text = bytes.subarray(bom)
  if (unit === 4) return utf32(text, littleEndian)
  const decoded = littleEndian ? text.toString('utf16le') : Buffer.from(text).swap16().toString('utf16le')
  return decoded.isWellFormed() ? decoded : undefined
}

function utf32(bytes: Buffer, littleEndian: boolean): string | undefined {
  const units = Buffer.allocUnsafe(bytes.length)
  let length = 0
  for (let at = 0; at < bytes.length; at += 4) {
    const point = littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return undefined
    if (point > 0xffff) {
      length = units.writeUInt16LE(0xd7c0 + (point >> 10), length)
      length = units.writeUInt16LE(0xdc00 + (point & 0x3ff), length)
    } else length = units.writeUInt16LE(point, length)
  }
  return units.toString('utf16le', 0, length)
}

const PLUS = 0x2b
const MINUS = 0x2d
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const DIGITS = new Int8Array(128).fill(-1)
for (let digit = 0; digit < 64; digit++) DIGITS[BASE64.charCodeAt(digit)] = digit

/** Decodes UTF-7 (RFC 2152) as strictly as Python: a shift sequence must end at a code unit, with padding bits of 0. */
export function utf7(bytes: Buffer): string | undefined {
  if (bytes.some((byte) => byte > 0x7f)) return undefined
  const units = Buffer.allocUnsafe(bytes.length * 2)
  let length = 0
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at++] as number
    if (byte !== PLUS) length = units.writeUInt16LE(byte, length)
    else if (bytes[at] === MINUS) {
      length = units.writeUInt16LE(PLUS, length)
      at++
    } else {
      if (at < bytes.length && (DIGITS[bytes[at] as number] as number) < 0) return undefined
      let value = 0
      let bits = 0
      for (let digit = DIGITS[bytes[at] ?? 0] as number; digit >= 0; digit = DIGITS[bytes[++at] ?? 0] as number) {
        value = (value << 6) | digit
        bits += 6
        if (bits < 16) continue
        bits -= 16
        length = units.writeUInt16LE(value >> bits, length)
        value &= (1 << bits) - 1
      }
      if (bits >= 6 || value !== 0) return undefined
      if (bytes[at] === MINUS) at++
    }
  }
  return units.toString('utf16le', 0, length)
}
