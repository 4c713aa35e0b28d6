import { randomBytes } from 'node:crypto'
import { type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Context } from 'hono'
import type { Registry } from '../sessions/registry.ts'
import { keyOf } from '../sessions/store/record.ts'
import { header } from './header.ts'
import { connectionIdsIn } from './ids.ts'

/** What names a request, to whoever asks and in the log. */
export const REQUEST_ID_HEADER = 'X-Request-Id'
const HEADER_KEY = REQUEST_ID_HEADER.toLowerCase()
type HeadersOfNode = OutgoingHttpHeaders | OutgoingHttpHeader[]
/** Headers with ids, tokens and keys. */
const CREDENTIALS = ['authorization', 'cookie', 'httpkom-connection']
/** The tokens of microapp have as many characters. */
const SHORTEST_TOKEN = 16
const GOOD = /^[A-Za-z0-9._=-]{1,128}$/

/** Names for requests: the one that a request brings along, from a proxy in front perhaps, or one of our own. */
export class RequestIds {
  readonly #registry: Registry
  readonly #prefix = randomBytes(6).toString('hex')
  #last = 0

  constructor(registry: Registry) {
    this.#registry = registry
  }

  of(c: Context): string {
    const given = header(c, HEADER_KEY)
    if (given !== undefined && GOOD.test(given) && !this.#isSecret(given, c)) return given
    return `${this.#prefix}-${(++this.#last).toString(36)}`
  }

  /** Request ids are logged, so none may hold what opens a session, in any spelling. */
  #isSecret(text: string, c: Context): boolean {
    for (const id of connectionIdsIn(text)) if (this.#registry.byKey(keyOf(id)) !== undefined) return true
    if (text.length < SHORTEST_TOKEN) return false
    return c.req.url.includes(text) || CREDENTIALS.some((name) => header(c, name)?.includes(text) === true)
  }
}

/**
 * An answer of Node's that tells which request it is to. Hono's `c.header` and Node's `setHeader` would both take all
 * its headers apart, which costs more than the rest of a short answer.
 */
export class NamedResponse<R extends IncomingMessage = IncomingMessage> extends ServerResponse<R> {
  requestId: string | undefined

  override writeHead(status: number, reason?: string, headers?: HeadersOfNode): this
  override writeHead(status: number, headers?: HeadersOfNode): this
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
