/**
 * Node has no event for a response that its client leaves unread: `drain` follows only `write`, and never the data of
 * `end`. Overriding two methods costs a request less than listeners on its response.
 */

import type { IncomingMessage } from 'node:http'
import type { DirectStream } from './direct-stream.ts'
import { NamedResponse } from './request-id.ts'

/** The connection that a response reports to. */
export interface ResponseOwner {
  /** The response is finished, or its connection is closed. */
  ended(): void
  /** The client has not read the whole response yet. */
  unread(): void
}

/** A response that reports to its connection. */
export class TrackedResponse<R extends IncomingMessage = IncomingMessage> extends NamedResponse<R> {
  owner: ResponseOwner | undefined
  /** the body, if it writes itself */
  stream: DirectStream | undefined
  /** whether the beginning of the stream is handed to the operating system */
  hasStreamed = false

  override end(...rest: unknown[]): this {
    super.end(...(rest as []))
    if (this.writableLength > 0) this.owner?.unread()
    return this
  }

  override write(chunk: unknown, ...rest: unknown[]): boolean {
    const hasRoom = super.write(chunk, ...(rest as []))
    if (!hasRoom) this.owner?.unread()
    return hasRoom
  }
}
