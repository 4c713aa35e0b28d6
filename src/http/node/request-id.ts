/**
 * Hono's `c.header` and Node's `setHeader` both re-parse all headers of a response to add one: with `c.header` for
 * `X-Request-Id`, who-am-i has 35 % less throughput.
 */

import { randomBytes } from 'node:crypto'
import { type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Context } from 'hono'
import type { Cluster } from '../../cluster/cluster.ts'
import type { Registry } from '../../sessions/registry.ts'
import { keyOf } from '../../store/record.ts'
import { connectionIdsIn } from '../input/ids.ts'

/** The header with the id of a request, which the log holds too. */
export const REQUEST_ID_HEADER = 'X-Request-Id'
const HEADER_KEY = REQUEST_ID_HEADER.toLowerCase()
type NodeHeaders = OutgoingHttpHeaders | OutgoingHttpHeader[]
/** Headers that carry ids, tokens and keys. */
const CREDENTIALS = ['authorization', 'cookie', 'httpkom-connection']
/** The length of microapp's tokens, which are the shortest. */
const SHORTEST_TOKEN = 16
const VALID = /^[A-Za-z0-9._=-]{1,128}$/

/**
 * Determines request ids: the `X-Request-Id` of the request, set by a reverse proxy for example, or a generated one.
 */
export class RequestIds {
  readonly #registry: Registry
  readonly #cluster: Pick<Cluster, 'isOfKnownNode'> | undefined
  readonly #prefix = randomBytes(6).toString('hex')
  #last = 0

  /** @param cluster the nodes that have the sessions of other ids */
  constructor(registry: Registry, cluster?: Pick<Cluster, 'isOfKnownNode'>) {
    this.#registry = registry
    this.#cluster = cluster
  }

  /** Returns the id of a request. */
  of(c: Context): string {
    const given = c.req.header(HEADER_KEY)
    if (given !== undefined && VALID.test(given) && !this.#isSecret(given, c)) return given
    return `${this.#prefix}-${(++this.#last).toString(36)}`
  }

  /** Request ids are logged, so they may not contain a connection id or a token, in any spelling. */
  #isSecret(text: string, c: Context): boolean {
    for (const id of connectionIdsIn(text)) {
      if (this.#registry.byKey(keyOf(id)) !== undefined || this.#cluster?.isOfKnownNode(id) === true) return true
      if (credentialsOf(c).some((each) => each.includes(id))) return true
    }
    if (text.length < SHORTEST_TOKEN) return false
    return credentialsOf(c).some((each) => each.includes(text))
  }
}

/** Returns the parts of a request that may hold ids, tokens and keys. */
function credentialsOf({ req }: Context): string[] {
  return [req.url, ...CREDENTIALS.map((name) => req.header(name) ?? '')]
}

/** A Node response that adds the `X-Request-Id` header. */
export class NamedResponse<R extends IncomingMessage = IncomingMessage> extends ServerResponse<R> {
  requestId: string | undefined

  override writeHead(status: number, reason?: string, headers?: NodeHeaders): this
  override writeHead(status: number, headers?: NodeHeaders): this
  override writeHead(status: number, ...rest: unknown[]): this {
    const [headers] = rest
    if (this.requestId === undefined) return super.writeHead(status, ...(rest as []))
    if (typeof headers === 'object' && !Array.isArray(headers)) {
      return super.writeHead(status, Object.assign({ [REQUEST_ID_HEADER]: this.requestId }, headers))
    }
    this.setHeader(REQUEST_ID_HEADER, this.requestId)
    return super.writeHead(status, ...(rest as []))
  }
}
