/**
 * Node's `closeAllConnections` leaves out upgraded sockets, and `close` waits for them without a deadline
 * (nodejs/node#53536).
 */

import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { LimitName } from '../../sessions/limit-error.ts'
import { networkOf } from '../../sessions/network.ts'
import { plainAddress } from '../input/client-address.ts'
import { TrustedProxies } from '../input/trusted-proxies.ts'
import { Backlog } from './backlog.ts'
import { type ConnectionContext, HttpConnection, type RequestHandler } from './http-connection.ts'
import type { UnreadBudget } from './unread-budget.ts'

/** Options of the connections of an HTTP server. */
export interface ConnectionsOptions {
  /** bounds the memory of responses that clients do not read */
  budget: UnreadBudget
  /** addresses and networks of proxies, to which the limit for each client network does not apply */
  trustedProxies: readonly string[]
  /** called when a request must wait for the response before it */
  onLimit?: (limit: LimitName) => void
}

/** Tracks the connections of an HTTP server, WebSockets included. */
export class Connections {
  readonly #known = new Map<Socket, HttpConnection>()
  readonly #context: ConnectionContext
  #onDrained: (() => void) | undefined

  constructor(server: Server, { budget, trustedProxies, onLimit }: ConnectionsOptions) {
    this.#context = {
      budget,
      backlog: new Backlog(),
      busy: 0,
      isDraining: false,
      onWait: () => onLimit?.('requests-per-connection'),
      onIdle: () => {
        if (this.#context.busy === 0) this.#onDrained?.()
      },
    }
    const proxies = new TrustedProxies(trustedProxies)
    server.prependListener('connection', (socket: Socket) => {
      // Ignoring an upgrade emits `connection` again for the same socket.
      if (this.#known.has(socket)) return
      const address = plainAddress(socket.remoteAddress ?? '') ?? ''
      const network = proxies.has(address) ? undefined : networkOf(address)
      this.#known.set(socket, new HttpConnection(this.#context, socket, network))
      socket.once('close', () => this.#known.delete(socket))
    })
  }

  /** Whether the server is closing: the last response of each connection carries `Connection: close`. */
  get isDraining(): boolean {
    return this.#context.isDraining
  }

  /** Returns the connection of a socket. */
  of(socket: Socket): HttpConnection | undefined {
    return this.#known.get(socket)
  }

  /** Returns a request handler that handles the requests of each connection one after the other. */
  inOrder(handle: RequestHandler): RequestHandler {
    return (request, response) => {
      const connection = this.#known.get(request.socket)
      if (connection === undefined) handle(request, response)
      else connection.accept({ request, response, handle })
    }
  }

  /** Adds `Connection: close` to further responses. Resolves when the requests in flight are answered. */
  drained(): Promise<void> {
    this.#context.isDraining = true
    return new Promise((resolve) => {
      this.#onDrained = resolve
      this.#context.onIdle()
    })
  }

  /** Destroys every socket immediately. */
  destroyAll(): void {
    for (const socket of this.#known.keys()) socket.destroy()
  }
}
