import { ProtocolError } from './errors.ts'

const LF = 0x0a
const SPACE = 0x20
const STAR = 0x2a
const ZERO = 0x30
const H = 0x48
const OPEN = 0x7b
const CLOSE = 0x7d

/** Most requests fit, and so much comes from Node's pool. */
const ROOM = 128

/** What the strings of the protocol can hold: each character a byte of ISO 8859-1. */
export const LATIN1 = /^[\0-\xff]*$/

/**
 * Builds one message as bytes, tokens separated by single spaces. The only place where bytes for the wire are
 * made: whatever is in a string is data, since its length goes before it.
 */
export class Writer {
  #bytes: Buffer
  #length = 0
  /** Whether a token stands before the cursor, from which the next one must be separated. */
  #afterToken = false

  /** Whether an empty array is `0 *`, as a server writes it; a client must write `0 { }`. */
  readonly emptyArrayIsStar: boolean

  constructor(room = ROOM, { emptyArrayIsStar = false } = {}) {
    this.#bytes = Buffer.allocUnsafe(room)
    this.emptyArrayIsStar = emptyArrayIsStar
  }

  /** A character that stands before the first token without a space (`=`, `%`, `:`). */
  mark(ascii: number): void {
    this.#room(1)
    this.#bytes[this.#length++] = ascii
  }

  /** A whole number from 0 to `max`. */
  int(value: number, max: number): void {
    if (!Number.isInteger(value) || value < 0 || value > max) {
      throw new ProtocolError('unwritable', `not a whole number from 0 to ${max}`)
    }
    this.#separate(20)
    this.#digits(value)
  }

  bool(value: boolean): void {
    if (typeof value !== 'boolean') throw new ProtocolError('unwritable', 'not a boolean')
    this.#separate(1)
    this.#bytes[this.#length++] = value ? ZERO + 1 : ZERO
  }

  float(value: number): void {
    if (typeof value !== 'number') throw new ProtocolError('unwritable', 'not a number')
    const token = Number.isFinite(value) ? String(Number(value.toPrecision(6))) : percentG(value)
    this.#separate(token.length)
    this.#length += this.#bytes.write(token, this.#length, 'latin1')
  }

  bytes(value: Uint8Array): void {
    if (!(value instanceof Uint8Array)) throw new ProtocolError('unwritable', 'not bytes')
    this.#hollerith(value.length)
    this.#bytes.set(value, this.#length)
    this.#length += value.length
  }

  latin1(value: string): void {
    if (typeof value !== 'string') throw new ProtocolError('unwritable', 'not a string')
    if (!LATIN1.test(value)) throw new ProtocolError('unwritable', 'a character outside ISO 8859-1')
    this.#hollerith(value.length)
    this.#length += this.#bytes.write(value, this.#length, 'latin1')
  }

  bits(values: readonly boolean[]): void {
    this.#separate(values.length)
    for (const value of values) this.#bytes[this.#length++] = value ? ZERO + 1 : ZERO
  }

  /** `N {`. */
  arrayStart(length: number): void {
    this.#separate(22)
    this.#digits(length)
    this.arrayOpen()
  }

  arrayOpen(): void {
    this.#separate(1)
    this.#bytes[this.#length++] = OPEN
  }

  arrayEnd(): void {
    this.#separate(1)
    this.#bytes[this.#length++] = CLOSE
  }

  /** `N *`: only the length of an array, as a server writes it. */
  arrayLength(length: number): void {
    this.int(length, Number.MAX_SAFE_INTEGER)
    this.star()
  }

  star(): void {
    this.#separate(1)
    this.#bytes[this.#length++] = STAR
  }

  /** The message with its closing LF. The writer is spent. */
  end(): Buffer {
    this.#room(1)
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

  /** Room for `bytes` more, and a space if a token came before. */
  #separate(bytes: number): void {
    this.#room(bytes + 1)
    if (this.#afterToken) this.#bytes[this.#length++] = SPACE
    this.#afterToken = true
  }

  #room(bytes: number): void {
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
