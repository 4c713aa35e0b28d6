import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { Context } from 'hono'
import type { Cluster, UnsignedRequest } from '../../cluster/cluster.ts'
import { ClientGoneError, ClusterError } from '../../cluster/errors.ts'
import type { ForwardedResponse } from '../../cluster/forwarded.ts'
import type { Owner } from '../../cluster/owner.ts'
import type { Slot } from '../../cluster/slots.ts'
import type { Registry } from '../../sessions/registry.ts'
import type { Env } from '../env.ts'
import { OpenStreams } from '../open-streams.ts'
import { adminTarget } from './admin-requests.ts'
import { headersOf, responseOf } from './messages.ts'

/** How long a node may take for its part of a list, milliseconds: an incomplete list is better than one that is late. */
const LIST_MS = 2000
const NOT_FOUND = 404
const GATEWAY_TIMEOUT = 504

/** What another node has answered to a request for every node. */
export interface NodeAnswer<T> {
  slot: Slot
  owner: Owner
  /** undefined if the node has not answered, or with an error */
  value: T | undefined
}

/** What the other nodes have answered. */
export interface NodeAnswers<T> {
  nodes: readonly NodeAnswer<T>[]
  /** the field `missing` of a response: URLs of nodes without a value, or null if the nodes are not known; empty if all have one */
  missing: { missing?: readonly string[] | null }
}

/** Options of `OtherNodes`. */
export interface OtherNodesOptions {
  cluster?: Cluster | undefined
  /** reports when this node shuts down */
  registry: Pick<Registry, 'once'>
  /** returns the client address of a request; see `clientAddressBehind` */
  clientAddress: (c: Context) => string
}

/** The other nodes of the cluster, for requests that concern the sessions of all nodes. Without a cluster there are none. */
export class OtherNodes {
  readonly #options: OtherNodesOptions
  readonly #streams = new OpenStreams()

  constructor(options: OtherNodesOptions) {
    this.#options = options
    options.registry.once('draining', () => this.#streams.endAll())
  }

  /**
   * Sends a GET request to all other nodes at the same time, and reads the JSON that each returns for itself alone. A
   * request that another node has sent in this way goes no further. Never rejects because of a node or of Redis.
   */
  async readAll<T>(c: Context<Env>): Promise<NodeAnswers<T>> {
    const owners = await this.#owners(c).catch((error: unknown) => {
      if (error instanceof ClusterError) return undefined
      throw error
    })
    if (owners === undefined) return { nodes: [], missing: { missing: null } }
    const answers = await Promise.all(owners.map(([slot, owner]) => this.#read<T>(c, slot, owner)))
    const nodes = answers.filter((answer) => answer !== undefined)
    const missing = nodes.filter(({ value }) => value === undefined).map(({ owner }) => owner.url)
    return { nodes, missing: missing.length === 0 ? {} : { missing } }
  }

  /**
   * Sends the request to all other nodes at the same time, and returns the response of the one that has what it is about: the
   * first with a status of success, or else the error with the highest status. Returns undefined if every node answers 404.
   *
   * @throws ClusterError `cluster-unavailable` if Redis cannot be asked for the nodes
   * @throws ClusterError `node-unreachable` if a node does not answer, and none has it
   */
  async firstFound(c: Context<Env>): Promise<Response | undefined> {
    let worst: Rejection | undefined
    const answers = (await this.#owners(c)).map(async ([slot]) => {
      try {
        const response = await this.#send(c, slot, c.req.method)
        if (response === undefined) throw new Rejection(NOT_FOUND)
        if (isSuccess(response)) return response
        throw new Rejection(response.status, response)
      } catch (error) {
        const rejection = error instanceof Rejection ? error : new Rejection(GATEWAY_TIMEOUT, error)
        if (worst === undefined || rejection.status > worst.status) worst = rejection
        throw rejection
      }
    })
    const found = await Promise.any(answers).catch(() => undefined)
    if (found !== undefined) return responseOf(found, c, this.#streams)
    if (worst === undefined || worst.status === NOT_FOUND) return undefined
    if (isResponse(worst.cause)) return responseOf(worst.cause, c)
    throw worst.cause
  }

  /** Returns the other nodes; none for a request that another node has sent. */
  async #owners(c: Context<Env>): Promise<[Slot, Owner][]> {
    const { cluster } = this.#options
    if (cluster === undefined || c.env?.forwarded !== undefined) return []
    const { epoch } = cluster.lease.owner
    return [...(await cluster.nodes())].filter(([, owner]) => owner.epoch !== epoch)
  }

  /** Returns what a node has answered to a GET request; undefined if it has ended. */
  async #read<T>(c: Context<Env>, slot: Slot, owner: Owner): Promise<NodeAnswer<T> | undefined> {
    try {
      const response = await this.#send(c, slot, 'GET', LIST_MS)
      return response && { slot, owner, value: await jsonOf<T>(response) }
    } catch (error) {
      // It has not answered in time, or not at all.
      if (error instanceof ClientGoneError || error instanceof ClusterError) return { slot, owner, value: undefined }
      throw error
    }
  }

  /**
   * Sends the request to the node of a slot, which may wait before it answers: a session ends after its pending calls.
   * Returns undefined if the node has ended.
   * @param timeoutMs the time until the end of the response, milliseconds; unlimited if not given
   */
  async #send(c: Context<Env>, slot: Slot, method: string, timeoutMs?: number): Promise<ForwardedResponse | undefined> {
    const { cluster, clientAddress } = this.#options
    // A listener on the connection of the client for each node would be too many.
    const onGone = (end: () => void): void => {
      if (timeoutMs !== undefined) setTimeout(end, timeoutMs).unref()
    }
    const request: UnsignedRequest = { method, target: adminTarget(c), headers: headersOf(c), onGone }
    return await cluster?.forward(slot, request, clientAddress(c))
  }
}

/** Why a node has not what a request is about: its response, or the error if there is none. */
class Rejection extends Error {
  constructor(
    readonly status: number,
    override readonly cause?: unknown,
  ) {
    super(`status ${status}`)
  }
}

function isSuccess({ status }: ForwardedResponse): boolean {
  return status >= 200 && status < 300
}

function isResponse(cause: unknown): cause is ForwardedResponse {
  return cause instanceof Object && 'status' in cause
}

/** Returns the JSON of a successful response; undefined for others, and if the body does not arrive in time. */
async function jsonOf<T>(response: ForwardedResponse): Promise<T | undefined> {
  const { body } = response
  if (!isSuccess(response)) {
    if (body instanceof Readable) body.destroy()
    return undefined
  }
  try {
    return JSON.parse(body instanceof Readable ? await text(body) : Buffer.from(body).toString()) as T
  } catch {
    return undefined
  }
}
