import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Context } from 'hono'
import type { Registry } from '../sessions/registry.ts'
import { keyOf } from '../sessions/store/record.ts'
import { header } from './header.ts'

/** What names a request, to whoever asks and in the log. */
export const REQUEST_ID_HEADER = 'X-Request-Id'
const HEADER_KEY = REQUEST_ID_HEADER.toLowerCase()
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
    if (given !== undefined && GOOD.test(given) && !this.#isSecret(given)) return given
    return `${this.#prefix}-${(++this.#last).toString(36)}`
  }

  /** It will be logged, and what opens a session must not be, whoever has put it here. */
  #isSecret(text: string): boolean {
    return this.#registry.byKey(keyOf(text)) !== undefined
  }
}

/**
 * Tells a name with the answer. On Node's own response where there is one: setting it on Hono's would make a `Headers`
 * of all headers, for ten times as much. Returns what is to be done when the answer is there.
 */
export function tellRequestId(c: Context, id: string): (() => void) | undefined {
  const outgoing = c.env?.outgoing as ServerResponse | undefined
  if (outgoing === undefined) return () => c.header(REQUEST_ID_HEADER, id)
  outgoing.setHeader(REQUEST_ID_HEADER, id)
  return undefined
}
