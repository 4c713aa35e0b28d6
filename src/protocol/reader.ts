import { BOUNDS, type Bound } from './bounds.ts'
import { KomError, ProtocolError } from './errors.ts'

const LF = 0x0a
const SPACE = 0x20
const STAR = 0x2a
const ZERO = 0x30
const H = 0x48
const OPEN = 0x7b
const CLOSE = 0x7d

/** Longer than any number of the protocol, and short enough for the value to be an exact integer. */
const MAX_DIGITS = 15
/** Longest message that a view on a string of it keeps in memory, in bytes: the size of the chunks that sockets read. */
const MAX_KEPT = 65_536
/** Characters of a number that `anyInt` converts. They suffice to exceed `Number.MAX_SAFE_INTEGER`. */
const MAX_TOKEN = 40
const FLOAT = /^-?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d{1,3})?|inf|nan)$/

/**
 * Reads the tokens of one message. The message must end with LF: it terminates every scan, so that no method needs a
 * bounds check.
 *
 * Each reading method skips the spaces before its token. It throws a `ProtocolError` with code `unreadable` for any
 * other token, and with code `over-bound` for strings and arrays over their bound (see `BOUNDS`).
 */
export class Reader {
  readonly #bytes: Buffer
  readonly #isBounded: boolean
  readonly #maxElements: number
  #at: number
  /** Number of array elements read so far. */
  #elements = 0
  /** Total length of the strings read so far, in bytes. */
  #stringBytes = 0

  /**
   * @param message one message, LF included
   * @param at byte offset of the first token
   * @param isBounded whether to enforce `BOUNDS`: true for messages of a LysKOM server, false for requests
   * @param maxElements limit on the elements of all arrays of a request together; more throw a `KomError` `long-array`
   */
  constructor(message: Buffer, at = 0, isBounded = false, maxElements = Number.POSITIVE_INFINITY) {
    if (message[message.length - 1] !== LF)
      throw new ProtocolError('unreadable', 'expected a message that ends with a line feed')
    this.#bytes = message
    this.#isBounded = isBounded
    this.#maxElements = maxElements
    this.#at = at
  }

  /** Returns the byte at the cursor. Does not skip spaces and does not move the cursor. */
  peek(): number {
    return this.#bytes[this.#at] as number
  }

  /** Number of unread bytes, LF included. */
  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  /** Reads an unsigned integer of at most `max`. */
  int(max: number): number {
    const value = this.#digits('a number')
    if (value > max) this.#fail(`a number of at most ${max}`)
    return value
  }

  /** Reads an unsigned integer of any length. Returns `Number.MAX_SAFE_INTEGER` for larger values. */
  anyInt(): number {
    this.#spaces()
    const start = this.#at
    while (!this.#atSeparator()) this.#at++
    const token = this.#bytes.toString('latin1', start, Math.min(this.#at, start + MAX_TOKEN))
    if (!/^\d+$/.test(token)) this.#fail('a number')
    return Math.min(Number(token), Number.MAX_SAFE_INTEGER)
  }

  /** Reads a BOOL: `0` or `1`. */
  bool(): boolean {
    return this.int(1) === 1
  }

  /** Reads a FLOAT in the format of C's `%g`, `inf` and `nan` included. */
  float(): number {
    this.#spaces()
    const start = this.#at
    while (!this.#atSeparator()) this.#at++
    const token = this.#bytes.toString('latin1', start, this.#at)
    if (!FLOAT.test(token)) this.#fail('a floating point number')
    if (token.endsWith('inf')) return token === 'inf' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
    return Number(token)
  }

  /**
   * Reads a Hollerith string. A text, and a string in a short message, is a view on the message: copy it to keep it
   * without the message.
   */
  bytes(bound: Bound = BOUNDS.byteString): Buffer {
    const length = this.#hollerith(bound)
    const start = this.#at
    this.#at += length
    const view = this.#bytes.subarray(start, this.#at)
    // A view of one byte would keep 32 MB.
    return bound === BOUNDS.text || this.#bytes.length <= MAX_KEPT ? view : Buffer.from(view)
  }

  /** Reads a Hollerith string and decodes it as ISO 8859-1. */
  latin1(bound: Bound = BOUNDS.shortString): string {
    const length = this.#hollerith(bound)
    const start = this.#at
    this.#at += length
    return this.#bytes.toString('latin1', start, this.#at)
  }

  /** Reads a bit string of any length. Returns the offset of its first bit, for `bit`, and the number of bits. */
  bits(): { start: number; length: number } {
    this.#spaces()
    const start = this.#at
    while (((this.#bytes[this.#at] as number) & 0xfe) === ZERO) this.#at++
    if (this.#at === start || !this.#atSeparator()) this.#fail('a bit string')
    return { start, length: this.#at - start }
  }

  /** Reads a bit string of exactly `count` bits. Returns the offset of its first bit, for `bit`. */
  bitsOf(count: number): number {
    this.#spaces()
    const start = this.#at
    while (((this.#bytes[this.#at] as number) & 0xfe) === ZERO) this.#at++
    if (this.#at - start !== count || !this.#atSeparator()) this.#fail(`a bit string of ${count} bits`)
    return start
  }

  /** Returns the bit at an offset that was computed from the result of `bits` or `bitsOf`. */
  bit(at: number): boolean {
    return this.#bytes[at] === ZERO + 1
  }

  /** Reads the length of an array, and whether its elements follow: they do after `N {`, and do not after `N *`. */
  arrayStart(bound: Bound = BOUNDS.array): { length: number; follows: boolean } {
    const length = this.#digits('the length of an array')
    const follows = this.arrayOpen()
    if (follows) {
      // Each element takes at least two bytes, so a larger length cannot be true.
      if (length > this.remaining / 2) this.#fail(`an array of ${length} elements`)
      this.#elements += length
      if (this.#elements > this.#maxElements) throw KomError.of('long-array', this.#maxElements)
      if (length > bound.max) this.#over(bound, `an array of ${length} elements`)
      if (this.#elements > BOUNDS.elements.max) this.#over(BOUNDS.elements, `${this.#elements} elements in one message`)
    }
    return { length, follows }
  }

  /** Reads `{` or `*`. Returns true for `{`, after which the elements follow, and false for `*`, which omits them. */
  arrayOpen(): boolean {
    this.#spaces()
    const byte = this.#bytes[this.#at]
    if (byte !== OPEN && byte !== STAR) this.#fail('{ or *')
    this.#at++
    return byte === OPEN
  }

  /** Reads the `}` that ends an array. */
  arrayEnd(): void {
    this.#spaces()
    if (this.#bytes[this.#at] !== CLOSE) this.#fail('the end of an array')
    this.#at++
  }

  /** Checks that only spaces and the LF are left. */
  end(): void {
    this.#spaces()
    if (this.#at !== this.#bytes.length - 1) this.#fail('the end of the message')
  }

  /**
   * Reads an unsigned integer.
   *
   * @param what the expected token, for the error
   */
  #digits(what: string): number {
    this.#spaces()
    const bytes = this.#bytes
    const start = this.#at
    let at = start
    let value = 0
    for (;;) {
      const digit = (bytes[at] as number) - ZERO
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
      at++
    }
    this.#at = at
    if (at === start || at - start > MAX_DIGITS) this.#fail(what)
    return value
  }

  /** Reads the length of a Hollerith string and its `H`. Returns the length, in bytes. */
  #hollerith(bound: Bound): number {
    const length = this.#digits('a string')
    if (this.#bytes[this.#at] !== H) this.#fail('a string')
    this.#at++
    if (length >= this.remaining) this.#fail(`a string of ${length} bytes`)
    if (bound !== BOUNDS.text) {
      this.#stringBytes += length
      if (length > bound.max) this.#over(bound, `a string of ${length} bytes`)
      if (this.#stringBytes > BOUNDS.strings.max) this.#over(BOUNDS.strings, 'strings in one message')
    }
    return length
  }

  #spaces(): void {
    while (this.#bytes[this.#at] === SPACE) this.#at++
  }

  #atSeparator(): boolean {
    const byte = this.#bytes[this.#at]
    return byte === SPACE || byte === LF || byte === CLOSE
  }

  /** Throws `over-bound`, unless this reader does not enforce bounds. */
  #over(bound: Bound, what: string): void {
    if (!this.#isBounded) return
    throw new ProtocolError('over-bound', `${what}, over the bound of ${bound.max} (${bound.name})`, bound.name)
  }

  /** Throws an error without quoting the message, which may hold a text or a password. */
  #fail(expected: string): never {
    throw new ProtocolError('unreadable', `expected ${expected} at byte ${this.#at} of ${this.#bytes.length}`)
  }
}
