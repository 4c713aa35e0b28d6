import { ProtocolError } from './errors.ts'
import type { UnfinishedHolder } from './unfinished-messages.ts'

const LF = 0x0a
const PERCENT = 0x25
const ZERO = 0x30
const NINE = 0x39
const H = 0x48

/** Cap on announced lengths. They are only compared with limits, so larger values need not be exact. */
const HUGE = 2 ** 40

/** Smallest buffer for an unfinished message, in bytes. */
const FIRST_BUFFER = 256
/** The default holder: its unfinished message counts towards no common limit. */
const WITHOUT_LIMIT: UnfinishedHolder = { unfinished: undefined, overflow: () => undefined }
/** Largest buffer, in bytes, allocated for an announced length. Beyond it the buffer grows with the received bytes. */
const TRUSTED_ANNOUNCEMENT = 1024 * 1024

/**
 * Splits the byte stream of a LysKOM server into messages. A message ends with a line feed (LF) that is not inside a
 * Hollerith string (`5Hab\ncd`).
 *
 * `push` calls `onMessage` synchronously for each complete message, in order, LF included. The message is a view on the
 * chunk or on a buffer that the framer never writes to again, so the receiver may keep it.
 *
 * The framer reads each byte once, skips the contents of strings, and copies only messages that are split between
 * chunks. A message that arrives in single bytes therefore costs little more than one that arrives whole.
 */
export class Framer {
  readonly #onMessage: (message: Buffer, holder: UnfinishedHolder) => void
  readonly #maxBytes: number
  readonly #holder: UnfinishedHolder
  #isDropped = false
  /** The received part of an unfinished message, in the first `#held` bytes. */
  #buffer: Buffer | undefined
  #held = 0
  /** Bytes of the current string that have not been received. */
  #skip = 0
  /** The value of the digits just before the cursor, or -1 if there are none. */
  #digits = -1
  /** Whether the message begins with `%%`. It is then human-readable text without Hollerith strings. */
  #refusal = false

  /**
   * @param onMessage receives each message and `holder`. Connections can thereby share one function instead of creating
   * a closure each.
   * @param maxBytes size limit of a message in bytes, LF included, for announced and for received bytes
   * @param holder the owner of the unfinished message in the common limit (see `UnfinishedMessages`)
   */
  constructor(
    onMessage: (message: Buffer, holder: UnfinishedHolder) => void,
    maxBytes: number,
    holder: UnfinishedHolder = WITHOUT_LIMIT,
  ) {
    this.#onMessage = onMessage
    this.#maxBytes = maxBytes
    this.#holder = holder
  }

  /** Whether part of an unfinished message has been received. */
  get partial(): boolean {
    return this.#held > 0
  }

  /**
   * Returns the received part of the unfinished message; an empty buffer if there is none. At the end of a stream it
   * may be a refusal without a line feed.
   */
  rest(): Buffer {
    return this.#buffer?.subarray(0, this.#held) ?? Buffer.alloc(0)
  }

  /** Discards the unfinished message, and never buffers one again. For a connection that is closed. */
  drop(): void {
    this.#isDropped = true
    this.#release()
  }

  /**
   * Processes the next chunk of the stream.
   *
   * @throws ProtocolError `message-too-large` for a message over `maxBytes`, or when this connection must end because
   * all unfinished messages together are over their limit. The stream cannot be resumed after an error.
   */
  push(chunk: Buffer): void {
    const length = chunk.length
    let start = 0
    // Skip the rest of a string that began in an earlier chunk.
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
        this.#checkSize(this.#held + at - start + digits)
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

  /** Passes on the message that ends at `end`. */
  #emit(chunk: Buffer, start: number, end: number): void {
    this.#refusal = false
    if (this.#held === 0) {
      this.#checkSize(end - start)
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

  /** Buffers a chunk from `start` on as part of the unfinished message. */
  #hold(chunk: Buffer, start: number): void {
    if (this.#isDropped) return
    const total = this.#held + chunk.length - start
    this.#checkSize(total)
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

  /** Throws `message-too-large` if a message of `bytes` bytes exceeds the limit. */
  #checkSize(bytes: number): void {
    if (bytes > this.#maxBytes) {
      throw new ProtocolError('message-too-large', `a message of more than ${this.#maxBytes} bytes`, 'message-size')
    }
  }
}
