import { nfc } from '../nfc.ts'
import { LATIN1 } from '../writer.ts'
import { digitsUpTo } from './digits.ts'
import { InvalidFieldError, invalid } from './invalid-field-error.ts'
import type { JsonMapping } from './mapping.ts'

/** Values that are the same in JSON. */
const same = <T>(value: T): T => value

/** INT8, INT16 and INT32: a number. Input may be a string of digits. */
export function int(max: number): JsonMapping<number> {
  const digits = digitsUpTo(max)
  return {
    toJson: same,
    fromJson(json) {
      const value = typeof json === 'string' && digits.test(json) ? Number(json) : json
      if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max) {
        throw invalid(`must be a whole number from 0 to ${max}.`)
      }
      return value
    },
    size: 4,
  }
}

/** BOOL: a boolean. */
export const bool: JsonMapping<boolean> = {
  toJson: same,
  fromJson(json) {
    if (typeof json !== 'boolean') throw invalid('must be true or false.')
    return json
  },
  size: 5,
}

/** The numbers that JSON does not have, as Protocol A writes them. */
const NOT_FINITE = new Map([
  ['inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
  ['nan', Number.NaN],
])
/** The JSON of infinite floats and of NaN. */
export const NOT_FINITE_NAMES: readonly string[] = [...NOT_FINITE.keys()]

/** FLOAT: a number; `"inf"`, `"-inf"` and `"nan"` where JSON has no number. */
export const float: JsonMapping<number> = {
  toJson(value) {
    if (Number.isFinite(value)) return value
    return NOT_FINITE_NAMES.find((name) => Object.is(NOT_FINITE.get(name), value))
  },
  fromJson(json) {
    const value = typeof json === 'string' ? NOT_FINITE.get(json) : json
    if (typeof value !== 'number') throw invalid('must be a number.')
    return value
  },
  size: 6,
}

/** An empty request or reply: null. */
export const nothing: JsonMapping<undefined> = {
  toJson: () => null,
  fromJson(json) {
    if (json !== null) throw invalid('must be null.')
    return undefined
  },
  size: 4,
}

/** HOLLERITH in ISO 8859-1: a string. Input is normalized to NFC. */
export const latin1: JsonMapping<string> = {
  toJson: same,
  fromJson(json) {
    if (typeof json !== 'string') throw invalid('must be a string.')
    if (LATIN1.test(json)) return json
    const normalized = nfc(json)
    if (!LATIN1.test(normalized)) throw invalid('holds characters outside ISO 8859-1.')
    return normalized
  },
  size: ({ length }) => length + 2,
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** HOLLERITH of bytes: a string if they are UTF-8, otherwise `{latin1}` with one character for each byte. */
export const byteString: JsonMapping<Uint8Array> = {
  toJson(value) {
    try {
      return utf8.decode(value)
    } catch {
      return { latin1: Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1') }
    }
  },
  fromJson(json) {
    if (typeof json === 'string') {
      if (!json.isWellFormed()) throw invalid('holds a lone surrogate.')
      return Buffer.from(json, 'utf8')
    }
    const { latin1: text, ...others } = (json ?? {}) as { latin1?: unknown }
    if (typeof text !== 'string' || Object.keys(others).length > 0) {
      throw invalid('must be a string or {"latin1": a string}.')
    }
    if (!LATIN1.test(text)) {
      throw new InvalidFieldError((field) => `${field('latin1')} holds characters outside ISO 8859-1.`)
    }
    return Buffer.from(text, 'latin1')
  },
  size: ({ length }) => length + 2,
}
