import { randomInt } from 'node:crypto'
import type { Context } from 'hono'
import type { AppKeys } from '../http/app-keys.ts'
import type { ListedServer } from '../http/context.ts'
import type { ErrorReports } from '../http/error-response.ts'
import type { SessionStore } from '../store/store.ts'

/** Options that the compatibility APIs share. */
export interface CompatOptions extends ErrorReports {
  /** the session store, which the LysKOM sessions of the gateway share */
  store: SessionStore
  /** ids of plain applications */
  apps: ReadonlySet<string>
  /** the LysKOM servers by id; their sessions are in the same store, with the server id as app */
  servers: ReadonlyMap<string, ListedServer>
  appKeys: AppKeys
  /** returns the client address of a request; see `clientAddressBehind` */
  clientAddress: (c: Context) => string
  /** the time to live of a sessman session after its last update */
  sessmanTtlMs: number
}

/** Headers of a response with a secret in it: some clients use GET, which proxies and browsers may cache. */
export const SECRET = { 'Cache-Control': 'no-store' }

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Returns a random secret of `length` letters and digits, uniformly distributed. */
export function newToken(length: number): string {
  return Array.from({ length }, () => ALPHANUMERIC[randomInt(ALPHANUMERIC.length)]).join('')
}
