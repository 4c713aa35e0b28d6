import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { LimitName } from '../../sessions/limit-error.ts'
import { networkOf } from '../../sessions/network.ts'
import { plainAddress } from '../client-address.ts'
import { TrustedProxies } from '../trusted-proxies.ts'
import { Backlog } from './backlog.ts'
import { type ConnectionContext, HttpConnection, type RequestHandler } from './http-connection.ts'
import type { UnreadBudget } from './unread-budget.ts'

export interface ConnectionsOptions {
  budget: UnreadBudget
  trustedProxies: readonly string[]
  onLimit?: (limit: LimitName) => void
}

/**
 * The connections of an HTTP server, WebSockets included. Node's `closeAllConnections` leaves out the sockets that were
 * upgraded, and `close` waits for them without a deadline.
 */
export class Connections {
  readonly #known = new Map<Socket, HttpConnection>()
  readonly #context: ConnectionContext
  #whenNoneBusy: (() => void) | undefined

  constructor(server: Server, { budget, trustedProxies, onLimit }: ConnectionsOptions) {
    this.#context = {
      budget,
      backlog: new Backlog(),
      busy: 0,
      isDraining: false,
      onWait: () => onLimit?.('requests-per-connection'),
      onIdle: () => {
        if (this.#context.busy === 0) this.#whenNoneBusy?.()
      },
    }
    const proxies = new TrustedProxies(trustedProxies)
    server.prependListener('connection', (socket: Socket) => {
      // A socket is announced again when its request for an upgrade is ignored.
      if (this.#known.has(socket)) return
      const address = plainAddress(socket.remoteAddress ?? '') ?? ''
      const network = proxies.has(address) ? undefined : networkOf(address)
      this.#known.set(socket, new HttpConnection(this.#context, socket, network))
      socket.once('close', () => this.#known.delete(socket))
    })
  }

  get isDraining(): boolean {
    return this.#context.isDraining
  }

  of(socket: Socket): HttpConnection | undefined {
    return this.#known.get(socket)
  }

  /** Makes a handler of requests that takes those of one connection one after the other. */
  inOrder(handle: RequestHandler): RequestHandler {
    return (request, response) => {
      const connection = this.#known.get(request.socket)
      if (connection === undefined) handle(request, response)
      else connection.accept({ request, response, handle })
    }
  }

  /** Asks clients to send no more requests. Resolves when those in flight are answered. */
  drained(): Promise<void> {
    this.#context.isDraining = true
    return new Promise((resolve) => {
      this.#whenNoneBusy = resolve
      this.#context.onIdle()
    })
  }

  destroyAll(): void {
    for (const socket of this.#known.keys()) socket.destroy()
  }
}
