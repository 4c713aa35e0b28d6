import type { ServerResponse } from 'node:http'
import { resetSocket } from '../node/reset-socket.ts'
import type { UnreadBudget, UnreadSource } from '../node/unread-budget.ts'

/** The size of the responses that a batch may hold at the same time: that of the largest message of a LysKOM server. */
export const MAX_HELD_BYTES = 33_554_432

/** Counts the memory of the responses that a batch holds until they are sent. */
export class HeldResponses implements UnreadSource {
  readonly network: string | undefined
  readonly #budget: UnreadBudget
  readonly #outgoing: ServerResponse | undefined
  #bytes = 0
  #isClosed = false

  /**
   * @param budget the limits for each client network and in total
   * @param network the client network
   * @param outgoing the response to the batch; undefined under another server than Node's, which the budget cannot reset
   */
  constructor(budget: UnreadBudget, network: string, outgoing: ServerResponse | undefined) {
    this.#budget = budget
    this.network = network
    // The response of a client that has disconnected emits no `close`.
    if (outgoing?.socket?.destroyed === false) {
      this.#outgoing = outgoing
      outgoing.once('close', () => this.close())
    }
  }

  /** Counts a response. Returns false, and counts nothing, if the batch then holds too much. */
  add(bytes: number): boolean {
    if (this.#bytes + bytes > MAX_HELD_BYTES) return false
    this.#count(bytes)
    return true
  }

  /** Discounts responses that are passed on to the connection of the client. */
  release(bytes: number): void {
    this.#count(-bytes)
  }

  /** Discounts all responses, and counts none from now on. */
  close(): void {
    this.#isClosed = true
    this.#bytes = 0
    this.#budget.remove(this)
  }

  unreadBytes(): number {
    return this.#bytes
  }

  drop(): void {
    this.close()
    const socket = this.#outgoing?.socket
    if (socket?.destroyed === false) resetSocket(socket)
  }

  #count(bytes: number): void {
    if (this.#isClosed) return
    this.#bytes += bytes
    if (this.#outgoing !== undefined) this.#budget.update(this)
  }
}
