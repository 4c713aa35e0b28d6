import { ProtocolError } from './errors.ts'
import type { UnfinishedHolder } from './unfinished-messages.ts'

const LF = 0x0a
const PERCENT = 0x25
const ZERO = 0x30
const NINE = 0x39
const H = 0x48

/** Announced lengths are compared with limits, never computed with: beyond this they stop growing. */
const HUGE = 2 ** 40

const FIRST_BUFFER = 256
/** The holder of a framer whose unfinished message counts towards no common bound. */
const UNBOUNDED: UnfinishedHolder = { unfinished: undefined, overflow: () => undefined }
/** How far the buffer trusts an announced length: beyond it, room is made only as bytes really come. */
const TRUSTED_ANNOUNCEMENT = 1024 * 1024

/**
 * Cuts the server's byte stream into whole messages: everything up to a line feed that is not inside a Hollerith
 * string (`5Hab\ncd`). It reads each byte once, skips the inside of strings without looking, and copies only what
 * is split between chunks, so a message in single bytes costs little more than a whole one.
 *
 * Messages are handed out with their LF, in order, while `push` runs. A message is a view on the chunk or on a
 * buffer that the framer gives away with it; it is never written to again.
 */
export class Framer {
  readonly #onMessage: (message: Buffer, holder: UnfinishedHolder) => void
  readonly #maxBytes: number
  readonly #holder: UnfinishedHolder
  #isDropped = false
  /** The beginning of a message whose end has not come; `#held` bytes of it are filled. */
  #buffer: Buffer | undefined
  #held = 0
  /** Bytes of the current string that have not come. */
  #skip = 0
  /** The run of digits just before the cursor as a number, or -1. */
  #digits = -1
  /** The message began with `%%`: a line of text for people, in which nothing is a string. */
  #refusal = false

  /**
   * @param maxBytes a message longer than this, announced or received, is a `message-too-large` error
   * @param holder in whose name unfinished messages are held; passed to `onMessage`, so that connections share one
   * function instead of a closure each
   */
  constructor(
    onMessage: (message: Buffer, holder: UnfinishedHolder) => void,
    maxBytes: number,
    holder: UnfinishedHolder = UNBOUNDED,
  ) {
    this.#onMessage = onMessage
    this.#maxBytes = maxBytes
    this.#holder = holder
  }

  /** Whether a message has begun and not ended. */
  get partial(): boolean {
    return this.#held > 0
  }

  /** What has come of the unfinished message: at the end of a stream, its last words. */
  rest(): Buffer {
    return this.#buffer?.subarray(0, this.#held) ?? Buffer.alloc(0)
  }

  /** Drops the unfinished message. From then on nothing is kept. */
  drop(): void {
    this.#isDropped = true
    this.#release()
  }

  /** Takes the next chunk. Throws a `ProtocolError`; the stream is useless from then on. */
  push(chunk: Buffer): void {
    const length = chunk.length
    let start = 0
    // The rest of a string that began in an earlier chunk is passed over unread.
    let at = Math.min(this.#skip, length)
    this.#skip -= at
    let digits = this.#digits
    while (at < length) {
      const byte = chunk[at++] as number
      if (byte >= ZERO && byte <= NINE) {
        digits = digits < 0 ? byte - ZERO : digits < HUGE ? digits * 10 + byte - ZERO : HUGE
        continue
      }
      if (byte === LF) {
        this.#emit(chunk, start, at)
        start = at
      } else if (byte === H && digits >= 0 && !this.#refusal) {
        this.#limit(this.#held + at - start + digits)
        const here = Math.min(digits, length - at)
        this.#skip = digits - here
        at += here
      } else if (byte === PERCENT && this.#held + at - start === 2) {
        this.#refusal = (this.#held === 1 ? this.#buffer?.[0] : chunk[start]) === PERCENT
      }
      digits = -1
    }
    this.#digits = digits
    if (start < length) this.#hold(chunk, start)
  }

  #emit(chunk: Buffer, start: number, end: number): void {
    this.#refusal = false
    if (this.#held === 0) {
      this.#limit(end - start)
      this.#onMessage(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end), this.#holder)
      return
    }
    this.#hold(chunk.subarray(0, end), start)
    const message = (this.#buffer as Buffer).subarray(0, this.#held)
    this.#release()
    this.#onMessage(message, this.#holder)
  }

  #release(): void {
    this.#buffer = undefined
    this.#held = 0
    this.#holder.unfinished?.release(this.#holder)
  }

  #hold(chunk: Buffer, start: number): void {
    if (this.#isDropped) return
    const total = this.#held + chunk.length - start
    this.#limit(total)
    let buffer = this.#buffer
    if (buffer === undefined || buffer.length < total) {
      const announced = Math.min(total + this.#skip + 1, Math.max(total, TRUSTED_ANNOUNCEMENT))
      const size = Math.max(FIRST_BUFFER, announced, this.#held * 2)
      this.#holder.unfinished?.hold(this.#holder, size)
      const grown = Buffer.allocUnsafe(size)
      if (buffer !== undefined) buffer.copy(grown, 0, 0, this.#held)
      this.#buffer = buffer = grown
    }
    if (chunk.length - start === 1) buffer[this.#held] = chunk[start] as number
    else chunk.copy(buffer, this.#held, start)
    this.#held = total
  }

  #limit(bytes: number): void {
    if (bytes > this.#maxBytes) {
      throw new ProtocolError('message-too-large', `a message of over ${this.#maxBytes} bytes`, 'message-size')
    }
  }
}
