import type { Context } from 'hono'
import type { Cluster } from '../../cluster/cluster.ts'
import type { Owner } from '../../cluster/owner.ts'
import type { Slot } from '../../cluster/slots.ts'
import type { Env } from '../env.ts'
import { requestOf, responseOf } from './messages.ts'

/** The answer of another node to a request for every node. */
export interface NodeAnswer {
  slot: Slot
  owner: Owner
  /** undefined if the node does not answer */
  response: Response | undefined
}

/** Options of `OtherNodes`. */
export interface OtherNodesOptions {
  cluster?: Cluster | undefined
  /** returns the client address of a request; see `clientAddressBehind` */
  clientAddress: (c: Context) => string
}

/** The other nodes of the cluster, for requests that concern the sessions of all nodes. Without a cluster there are none. */
export class OtherNodes {
  readonly #options: OtherNodesOptions

  constructor(options: OtherNodesOptions) {
    this.#options = options
  }

  /**
   * Sends the request to each other node, which answers for its own sessions alone. A request that another node has sent in
   * this way goes no further.
   * @throws ClusterError `cluster-unavailable` if Redis cannot be asked for the nodes
   */
  async *ask(c: Context<Env>): AsyncGenerator<NodeAnswer, void, undefined> {
    const { cluster, clientAddress } = this.#options
    if (cluster === undefined || c.env?.forwarded !== undefined) return
    const request = await requestOf(c)
    for (const [slot, owner] of await cluster.nodes()) {
      if (owner.epoch === cluster.lease.owner.epoch) continue
      const answer = await cluster.ask(owner, request, clientAddress(c)).catch(() => undefined)
      yield { slot, owner, response: answer && responseOf(answer, c) }
    }
  }

  /** Returns the first response of another node that has what the request is about; undefined if none has. */
  async firstFound(c: Context<Env>): Promise<Response | undefined> {
    for await (const { response } of this.ask(c)) {
      if (response !== undefined && response.status !== 404) return response
      await response?.body?.cancel()
    }
    return undefined
  }
}
