import type { Context } from 'hono'
import { validate } from 'uuid'
import type { Cluster } from '../../cluster/cluster.ts'
import { ClientGoneError, ClusterError } from '../../cluster/errors.ts'
import type { Slot } from '../../cluster/slots.ts'
import type { Registry } from '../../sessions/registry.ts'
import type { Env } from '../env.ts'
import { RequestError } from '../errors/request-error.ts'
import type { ConnectionIds, IdSource } from '../middleware/connection-id.ts'
import { OpenStreams } from '../open-streams.ts'
import { livenessRequest } from './liveness.ts'
import { init, requestOf, responseOf } from './messages.ts'
import { tunnel } from './tunnel.ts'

/** nginx's status for a request whose client has disconnected before the response. */
const CLIENT_GONE = 499

/** Options of `Forwarding`. */
export interface ForwardingOptions {
  cluster: Cluster
  /** reports when this node shuts down */
  registry: Pick<Registry, 'once'>
  ids: ConnectionIds
  /** returns the client address of a request; see `clientAddressBehind` */
  clientAddress: (c: Context) => string
}

/** Answers requests for sessions of other nodes with the responses of these nodes. */
export class Forwarding {
  readonly #options: ForwardingOptions
  readonly #streams = new OpenStreams()

  constructor(options: ForwardingOptions) {
    this.#options = options
    options.registry.once('draining', () => this.#streams.endAll())
  }

  /**
   * Returns the response of the node that has the session of a request; undefined if the request is for this node.
   *
   * @throws RequestError `invalid-session` (403) if the node of the session has ended
   * @throws ClusterError as `Forwarder.forward` does; `misdirected` for a request that another node has forwarded
   */
  async respond(c: Context<Env>, from: IdSource): Promise<Response | undefined> {
    const slot = await this.#foreignSlot(c, from)
    return slot === undefined ? undefined : ((await this.#forward(c, slot)) ?? rejectEnded())
  }

  /** Like `respond`, for a request for a WebSocket: connects the client with the node if that accepts. */
  async respondToUpgrade(c: Context<Env>, from: IdSource): Promise<Response | undefined> {
    const { cluster, clientAddress } = this.#options
    const slot = await this.#foreignSlot(c, from)
    if (slot === undefined) return undefined
    try {
      const upgraded = await cluster.upgrade(slot, await requestOf(c), clientAddress(c))
      if (upgraded === undefined) return rejectEnded()
      if ('status' in upgraded) return new Response(upgraded.body, init(upgraded.status, upgraded.headers))
      tunnel(c, upgraded, this.#streams)
      return new Response(null)
    } catch (error) {
      return responseToGone(error)
    }
  }

  /**
   * Returns the first of several ids whose session is live, on any node; undefined if none is.
   * @throws ClusterError as `Forwarder.forward` does, if it is not certain
   */
  async firstLive(c: Context<Env>, ids: readonly string[]): Promise<string | undefined> {
    for (const id of ids) if (await this.#isLive(c, id)) return id
    return undefined
  }

  /** Sets `cookieId` for a request whose session a cookie selects, so that this and the other node mean the same one. */
  async #chooseCookie(c: Context<Env>, cookies: readonly string[]): Promise<void> {
    const id = cookies.length > 1 ? ((await this.firstLive(c, cookies)) ?? cookies[0]) : cookies[0]
    // Anything else is unknown on this node as on all others, and may not be valid in a header.
    if (id !== undefined && validate(id)) c.set('cookieId', id)
  }

  async #isLive(c: Context<Env>, id: string): Promise<boolean> {
    const { cluster, ids, clientAddress } = this.#options
    if (!validate(id)) return false
    const confirmation = cluster.confirmSlot()
    if (confirmation !== undefined) await confirmation
    const slot = cluster.foreignSlot(id)
    if (slot === undefined) return ids.isLive(c, id)
    const request = livenessRequest(id, c.get('serverId') as string | undefined)
    const response = await cluster.forward(slot, request, clientAddress(c))
    return response?.status === 204
  }

  /** Returns the slot of the session of a request, if another node has it. */
  async #foreignSlot(c: Context<Env>, from: IdSource): Promise<Slot | undefined> {
    const { cluster, ids } = this.#options
    if (c.env?.batch !== undefined) return undefined
    const cookies = ids.inCookies(c, from)
    if (cookies.length > 0) await this.#chooseCookie(c, cookies)
    const connectionId = ids.of(c, from)
    const id = connectionId ?? ids.ticketOf(c, from)
    if (id === undefined) return undefined
    const confirmation = cluster.confirmSlot()
    if (confirmation !== undefined) await confirmation
    const slot = cluster.foreignSlot(id)
    if (slot !== undefined && c.env?.forwarded !== undefined) {
      throw new ClusterError('misdirected', 'another node has forwarded a request for a slot of a third one')
    }
    if (slot !== undefined && connectionId !== undefined) c.set('foreignId', connectionId)
    return slot
  }

  async #forward(c: Context<Env>, slot: Slot): Promise<Response | undefined> {
    const { cluster, clientAddress } = this.#options
    try {
      const response = await cluster.forward(slot, await requestOf(c), clientAddress(c))
      return response && responseOf(response, c, this.#streams)
    } catch (error) {
      return responseToGone(error)
    }
  }
}

/** Returns the response to a client that has disconnected: nothing receives it, but the log has its status. */
function responseToGone(error: unknown): Response {
  if (!(error instanceof ClientGoneError)) throw error
  return new Response(null, { status: CLIENT_GONE })
}

function rejectEnded(): never {
  throw new RequestError('invalid-session', 'There is no such session.')
}
