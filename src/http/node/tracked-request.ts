import { IncomingMessage } from 'node:http'

/** The connection that a request reports to. */
export interface RequestOwner {
  /** A part of the body has arrived. */
  received(request: TrackedRequest): void
}

/** A request that reports to its connection how much of its body has arrived. */
export class TrackedRequest extends IncomingMessage {
  /** bytes of the body received so far */
  receivedBytes = 0
  owner: RequestOwner | undefined

  override push(chunk: Buffer | null, encoding?: BufferEncoding): boolean {
    if (chunk !== null) {
      this.receivedBytes += chunk.length
      this.owner?.received(this)
    }
    return super.push(chunk, encoding)
  }
}
