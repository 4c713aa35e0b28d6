import { randomInt } from 'node:crypto'
import type { Context } from 'hono'
import { mergePath } from 'hono/utils/url'
import type { AppKeys } from '../http/middleware/app-keys.ts'
import type { ErrorObservers } from '../http/output/error-response.ts'
import type { AnyRoute } from '../http/routes/route.ts'
import type { SessionStore } from '../store/store.ts'

/** Options that the compatibility APIs share. */
export interface CompatOptions {
  /** the session store, which the LysKOM sessions of the gateway share */
  store: SessionStore
  /** authorizes the programs that may list, end and store the sessions of an app */
  appKeys: AppKeys
  /** returns the client address of a request; see `clientAddressBehind` */
  clientAddress: (c: Context) => string
  observers: ErrorObservers
}

/** Headers of a response with a secret in it: some clients use GET, which proxies and browsers may cache. */
export const NO_STORE = { 'Cache-Control': 'no-store' }

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Returns a random secret of `length` letters and digits, uniformly distributed. */
export function newToken(length: number): string {
  return Array.from({ length }, () => ALPHANUMERIC[randomInt(ALPHANUMERIC.length)]).join('')
}

/** Returns routes with their paths below `path`. */
export function under(path: string, routes: readonly AnyRoute[]): AnyRoute[] {
  return routes.map((route) => ({ ...route, path: mergePath(path, route.path) }))
}
