import { ProtocolError } from './errors.ts'

const LF = 0x0a
const SPACE = 0x20
const STAR = 0x2a
const ZERO = 0x30
const H = 0x48
const OPEN = 0x7b
const CLOSE = 0x7d

/** Initial buffer size in bytes: large enough for most requests, small enough for Node's buffer pool. */
const INITIAL_BYTES = 128

/** Matches strings that ISO 8859-1 can encode. It is the charset of all strings of the protocol except texts. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: readers of JSON Schemas do not know the escape \0
export const LATIN1 = /^[\u0000-\u00ff]*$/

/**
 * Builds one message, with its tokens separated by single spaces. All bytes sent to a LysKOM server are built here.
 * Strings are written with their length first, so their content cannot be mistaken for tokens.
 *
 * Each writing method throws a `ProtocolError` with code `unwritable` for a value of the wrong type or range.
 */
export class Writer {
  #bytes: Buffer
  #length = 0
  /** Whether the next token must be preceded by a space. */
  #afterToken = false

  /** Whether an empty array is written as `0 *`, as a server does. A client must write `0 { }`. */
  readonly emptyArrayIsStar: boolean

  /**
   * @param initialBytes initial buffer size in bytes; the buffer grows as needed
   * @param options `emptyArrayIsStar`: see the field; false by default
   */
  constructor(initialBytes = INITIAL_BYTES, { emptyArrayIsStar = false } = {}) {
    this.#bytes = Buffer.allocUnsafe(initialBytes)
    this.emptyArrayIsStar = emptyArrayIsStar
  }

  /**
   * Writes a character that precedes the first token without a space.
   *
   * @param ascii its code: `=`, `%`, `:`, or `A` in the greeting of a client
   */
  mark(ascii: number): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = ascii
  }

  /** Writes an integer from 0 to `max`. */
  int(value: number, max: number): void {
    if (!Number.isInteger(value) || value < 0 || value > max) {
      throw new ProtocolError('unwritable', `not a whole number from 0 to ${max}`)
    }
    this.#separate(20)
    this.#digits(value)
  }

  /** Writes a BOOL as `0` or `1`. */
  bool(value: boolean): void {
    if (typeof value !== 'boolean') throw new ProtocolError('unwritable', 'not a boolean')
    this.#separate(1)
    this.#bytes[this.#length++] = value ? ZERO + 1 : ZERO
  }

  /** Writes a FLOAT with six significant digits, or as `inf`, `-inf` or `nan`. */
  float(value: number): void {
    if (typeof value !== 'number') throw new ProtocolError('unwritable', 'not a number')
    const token = Number.isFinite(value) ? String(Number(value.toPrecision(6))) : percentG(value)
    this.#separate(token.length)
    this.#length += this.#bytes.write(token, this.#length, 'latin1')
  }

  /** Writes bytes as a Hollerith string. */
  bytes(value: Uint8Array): void {
    if (!(value instanceof Uint8Array)) throw new ProtocolError('unwritable', 'not bytes')
    this.#hollerith(value.length)
    this.#bytes.set(value, this.#length)
    this.#length += value.length
  }

  /** Writes a string in ISO 8859-1 as a Hollerith string. */
  latin1(value: string): void {
    if (typeof value !== 'string') throw new ProtocolError('unwritable', 'not a string')
    if (!LATIN1.test(value)) throw new ProtocolError('unwritable', 'a character outside ISO 8859-1')
    this.#hollerith(value.length)
    this.#length += this.#bytes.write(value, this.#length, 'latin1')
  }

  /** Writes a bit string, first bit first. */
  bits(values: readonly boolean[]): void {
    this.#separate(values.length)
    for (const value of values) this.#bytes[this.#length++] = value ? ZERO + 1 : ZERO
  }

  /** Writes the length of an array and its opening brace: `N {`. */
  arrayStart(length: number): void {
    this.#separate(22)
    this.#digits(length)
    this.arrayOpen()
  }

  /** Writes `{`. */
  arrayOpen(): void {
    this.#separate(1)
    this.#bytes[this.#length++] = OPEN
  }

  /** Writes `}`. */
  arrayEnd(): void {
    this.#separate(1)
    this.#bytes[this.#length++] = CLOSE
  }

  /** Writes only the length of an array, as a server may: `N *`. */
  arrayLength(length: number): void {
    this.int(length, Number.MAX_SAFE_INTEGER)
    this.star()
  }

  /** Writes `*`, in place of the elements of an array. */
  star(): void {
    this.#separate(1)
    this.#bytes[this.#length++] = STAR
  }

  /** Ends the message with LF and returns it. The writer must not be used again. */
  end(): Buffer {
    this.#reserve(1)
    this.#bytes[this.#length++] = LF
    return this.#bytes.subarray(0, this.#length)
  }

  #hollerith(length: number): void {
    this.#separate(length + 12)
    this.#digits(length)
    this.#bytes[this.#length++] = H
  }

  #digits(value: number): void {
    if (value < 10) this.#bytes[this.#length++] = ZERO + value
    else this.#length += this.#bytes.write(String(value), this.#length, 'latin1')
  }

  /** Reserves `bytes` bytes for a token, and writes the space before it if there is a token before it. */
  #separate(bytes: number): void {
    this.#reserve(bytes + 1)
    if (this.#afterToken) this.#bytes[this.#length++] = SPACE
    this.#afterToken = true
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }
}

function percentG(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  return value > 0 ? 'inf' : '-inf'
}
