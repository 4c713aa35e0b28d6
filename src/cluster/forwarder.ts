import { Readable } from 'node:stream'
import { ClientGoneError, ClusterError, type ClusterErrorCode, NotReadError, RefusedError } from './errors.ts'
import type { ForwardedRequest, ForwardedResponse, UpgradeResponse } from './forwarded.ts'
import type { NodeClient, Sent } from './node-client.ts'
import { isSameOwner, type Owner } from './owner.ts'
import type { Owners } from './owners.ts'
import type { Slot } from './slots.ts'
import { StreamChecks } from './stream-checks.ts'

/** After this time without a response, and then at this interval, the owner is checked, milliseconds. */
const CHECK_MS = 1000

/** How the forwarding of a request ended, for the metrics. */
export type ForwardingOutcome = 'answered' | 'no-owner' | 'aborted' | ClusterErrorCode

type AnyResponse = ForwardedResponse | UpgradeResponse
type Send<T> = (owner: Owner) => Sent<T>

/** Options of `Forwarder`. */
export interface ForwarderOptions {
  owners: Owners
  client: NodeClient
  /** whether a node answers as the owner that it was */
  isAlive: (owner: Owner) => Promise<boolean>
  /** reads the clock of Redis again; never rejects */
  refreshClock: () => Promise<void>
}

/** Sends requests to the nodes that hold the slots of their sessions. */
export class Forwarder {
  /** the number of requests by outcome */
  readonly outcomes = new Map<ForwardingOutcome, number>()
  readonly #options: ForwarderOptions
  readonly #owners: Owners
  readonly #client: NodeClient
  readonly #streams: StreamChecks

  constructor(options: ForwarderOptions) {
    this.#options = options
    this.#owners = options.owners
    this.#client = options.client
    this.#streams = new StreamChecks(options.isAlive)
  }

  /**
   * Sends a request to the owner of a slot, and to the next one if the slot has another owner by now.
   *
   * @returns the response; undefined if the slot has no owner, because the node has ended: its sessions have ended too
   * @throws ClusterError `node-unreachable` if the owner is alive but does not answer: the session is kept
   * @throws ClusterError `cluster-unavailable` if the owner is not known, or does not answer, while Redis cannot be asked, and
   *   if the body cannot be sent again
   * @throws ClientGoneError if the client disconnects before the response
   */
  async forward(slot: Slot, request: ForwardedRequest): Promise<ForwardedResponse | undefined> {
    const isRepeatable = request.body === undefined || request.body instanceof Uint8Array
    return await this.#counted(slot, isRepeatable, (owner) => this.#client.request(owner, request))
  }

  /** Like `forward`, for a request for a WebSocket. */
  async upgrade(slot: Slot, request: ForwardedRequest): Promise<UpgradeResponse | undefined> {
    return await this.#counted(slot, true, (owner) => this.#client.upgrade(owner, request))
  }

  async #counted<T extends AnyResponse>(slot: Slot, isRepeatable: boolean, send: Send<T>): Promise<T | undefined> {
    let outcome: ForwardingOutcome = 'aborted'
    try {
      const response = await this.#toOwner(slot, isRepeatable, send)
      outcome = response === undefined ? 'no-owner' : 'answered'
      return response
    } catch (error) {
      if (error instanceof ClusterError) outcome = error.code
      throw error
    } finally {
      this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1)
    }
  }

  async #toOwner<T extends AnyResponse>(slot: Slot, isRepeatable: boolean, send: Send<T>): Promise<T | undefined> {
    const known = isRepeatable ? this.#owners.of(slot) : this.#presentOwner(slot)
    const owner = known instanceof Promise ? await known : known
    if (owner === undefined) return undefined
    const first = await this.#attempt(slot, owner, send)
    if (!(first instanceof Failure)) return first
    const isRefused = first.error instanceof RefusedError
    // The clock of Redis has been set, or another server has taken its place.
    if (isRefused) await this.#options.refreshClock()
    const now = await this.#owners.lookUp(slot)
    if (now === undefined) return undefined
    const mayRepeat = isRefused || first.error instanceof NotReadError
    if (isSameOwner(now, owner) && !mayRepeat) throw unreachable(now, first)
    // Two owners cannot both carry the request out: its id is of one of them.
    if (!isRepeatable) throw new ClusterError('cluster-unavailable', 'the body cannot be sent to the new owner again')
    const second = await this.#attempt(slot, now, send)
    if (second instanceof Failure) throw unreachable(now, second)
    return second
  }

  /** Returns the owner of a slot as Redis names it, or else the one that is known. */
  async #presentOwner(slot: Slot): Promise<Owner | undefined> {
    return await this.#owners.lookUp(slot).catch(() => this.#owners.of(slot))
  }

  async #attempt<T extends AnyResponse>(slot: Slot, owner: Owner, send: Send<T>): Promise<T | Failure> {
    const sent = send(owner)
    const checks = setInterval(() => void this.#check(slot, owner, sent), CHECK_MS)
    try {
      return this.#checked(owner, await sent.response)
    } catch (error) {
      if (error instanceof ClientGoneError) throw error
      return new Failure(error)
    } finally {
      clearInterval(checks)
    }
  }

  /** Has the owner checked while a response goes on as a stream or as a WebSocket. Returns the response. */
  #checked<T extends AnyResponse>(owner: Owner, response: T): T {
    const stream = 'socket' in response ? response.socket : response.body
    if (stream instanceof Readable) this.#streams.add(owner, stream)
    return response
  }

  /**
   * Aborts a request that waits for its response if another node has taken the slot, or the owner does not answer any more.
   * The process may be stopped, or packets may be lost, while the kernels keep the connection. A node that has given up
   * its slot finishes its requests.
   */
  async #check(slot: Slot, owner: Owner, sent: Sent<unknown>): Promise<void> {
    // While Redis cannot be asked, the owner may still answer.
    const now = await this.#owners.lookUp(slot).catch(() => owner)
    if (now !== undefined && !isSameOwner(now, owner)) sent.abort(new Error('another node has taken the slot'))
    else if (this.#owners.isSilent(owner) || !(await this.#options.isAlive(owner)))
      sent.abort(new Error('the node does not answer on a new connection'))
  }
}

/** Why a node has not answered. */
class Failure {
  constructor(readonly error: unknown) {}
}

function unreachable({ url }: Owner, { error }: Failure): ClusterError {
  return new ClusterError('node-unreachable', `the node ${url} does not answer`, { cause: error })
}
