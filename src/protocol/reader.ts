import { BOUNDS, type Bound } from './bounds.ts'
import { ProtocolError } from './errors.ts'

const LF = 0x0a
const SPACE = 0x20
const STAR = 0x2a
const ZERO = 0x30
const H = 0x48
const OPEN = 0x7b
const CLOSE = 0x7d

/** More digits than any number of the protocol, and few enough to be exact. */
const MAX_DIGITS = 15
/** Enough of a number to see that it is huge. */
const MAX_TOKEN = 40
const FLOAT = /^-?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d{1,3})?|inf|nan)$/

/**
 * A cursor over one whole message, its closing LF included: the LF is what stops every scan, so nothing here
 * needs to compare with the end. Every method skips the spaces before its token and throws
 * `ProtocolError('unreadable')` on anything but that token.
 */
export class Reader {
  readonly #bytes: Buffer
  readonly #isBounded: boolean
  #at: number
  /** Elements of the arrays read so far. */
  #elements = 0
  /** Bytes of the strings read so far. */
  #stringBytes = 0

  /** @param isBounded whether the message is from a LysKOM server, whose strings and arrays have bounds */
  constructor(message: Buffer, at = 0, isBounded = false) {
    if (message[message.length - 1] !== LF) throw new ProtocolError('unreadable', 'a message without a line feed')
    this.#bytes = message
    this.#isBounded = isBounded
    this.#at = at
  }

  /** The byte at the cursor, spaces not skipped. */
  peek(): number {
    return this.#bytes[this.#at] as number
  }

  /** Bytes that have not been read, the LF among them. */
  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  /** A whole number without sign, at most `max`. */
  int(max: number): number {
    const value = this.#digits('a number')
    if (value > max) this.#fail(`a number of at most ${max}`)
    return value
  }

  /** A whole number of any length; what is too large to be exact is the largest exact one. */
  anyInt(): number {
    this.#spaces()
    const start = this.#at
    while (!this.#atSeparator()) this.#at++
    const token = this.#bytes.toString('latin1', start, Math.min(this.#at, start + MAX_TOKEN))
    if (!/^\d+$/.test(token)) this.#fail('a number')
    return Math.min(Number(token), Number.MAX_SAFE_INTEGER)
  }

  bool(): boolean {
    return this.int(1) === 1
  }

  /** As C's `%g` prints it. */
  float(): number {
    this.#spaces()
    const start = this.#at
    while (!this.#atSeparator()) this.#at++
    const token = this.#bytes.toString('latin1', start, this.#at)
    if (!FLOAT.test(token)) this.#fail('a floating point number')
    if (token.endsWith('inf')) return token === 'inf' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
    return Number(token)
  }

  /** A Hollerith string; a view on the message, so copy what outlives it. */
  bytes(bound: Bound = BOUNDS.byteString): Buffer {
    const length = this.#hollerith(bound)
    const start = this.#at
    this.#at += length
    return this.#bytes.subarray(start, this.#at)
  }

  /** A Hollerith string as ISO 8859-1. */
  latin1(bound: Bound = BOUNDS.shortString): string {
    const length = this.#hollerith(bound)
    const start = this.#at
    this.#at += length
    return this.#bytes.toString('latin1', start, this.#at)
  }

  /** A bit string; returns where its `0`s and `1`s begin and how many they are, for `bit`. */
  bits(): { start: number; length: number } {
    this.#spaces()
    const start = this.#at
    while (((this.#bytes[this.#at] as number) & 0xfe) === ZERO) this.#at++
    if (this.#at === start || !this.#atSeparator()) this.#fail('a bit string')
    return { start, length: this.#at - start }
  }

  /** Exactly `count` bits; returns where they begin, for `bit`. */
  bitsOf(count: number): number {
    this.#spaces()
    const start = this.#at
    while (((this.#bytes[this.#at] as number) & 0xfe) === ZERO) this.#at++
    if (this.#at - start !== count || !this.#atSeparator()) this.#fail(`a bit string of ${count} bits`)
    return start
  }

  bit(at: number): boolean {
    return this.#bytes[at] === ZERO + 1
  }

  /** The length of an array and whether its elements follow: `N {` says yes, `N *` no. */
  arrayStart(bound: Bound = BOUNDS.array): { length: number; follows: boolean } {
    const length = this.#digits('the length of an array')
    const follows = this.arrayOpen()
    if (follows) {
      // Each element takes at least two bytes.
      if (length > this.remaining / 2) this.#fail('an array as long as it says')
      this.#elements += length
      if (length > bound.max) this.#over(bound, `an array of ${length} elements`)
      if (this.#elements > BOUNDS.elements.max) this.#over(BOUNDS.elements, `${this.#elements} elements in one message`)
    }
    return { length, follows }
  }

  /** `{` (elements follow) or `*` (they do not). */
  arrayOpen(): boolean {
    this.#spaces()
    const byte = this.#bytes[this.#at]
    if (byte !== OPEN && byte !== STAR) this.#fail('{ or *')
    this.#at++
    return byte === OPEN
  }

  arrayEnd(): void {
    this.#spaces()
    if (this.#bytes[this.#at] !== CLOSE) this.#fail('the end of an array')
    this.#at++
  }

  /** The end of the message: its LF and nothing before it but spaces. */
  end(): void {
    this.#spaces()
    if (this.#at !== this.#bytes.length - 1) this.#fail('the end of the message')
  }

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

  #hollerith(bound: Bound): number {
    const length = this.#digits('a string')
    if (this.#bytes[this.#at] !== H) this.#fail('a string')
    this.#at++
    if (length >= this.remaining) this.#fail('a string as long as it says')
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

  #over(bound: Bound, what: string): void {
    if (!this.#isBounded) return
    throw new ProtocolError('over-bound', `${what}, over the bound of ${bound.max} (${bound.name})`, bound.name)
  }

  /** The message is not quoted: it may hold a text or a password. */
  #fail(expected: string): never {
    throw new ProtocolError('unreadable', `expected ${expected} at byte ${this.#at} of ${this.#bytes.length}`)
  }
}
