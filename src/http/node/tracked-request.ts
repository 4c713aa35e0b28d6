import { IncomingMessage } from 'node:http'

/** A request that reports to its connection how much of its body has arrived. */
export class TrackedRequest extends IncomingMessage {
  /** bytes of the body received so far */
  receivedBytes = 0
  /** called for each received part of the body */
  onReceived: (() => void) | undefined

  override push(chunk: Buffer | null, encoding?: BufferEncoding): boolean {
    if (chunk !== null) {
      this.receivedBytes += chunk.length
      this.onReceived?.()
    }
    return super.push(chunk, encoding)
  }
}
