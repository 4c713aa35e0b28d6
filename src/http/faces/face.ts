import { randomInt } from 'node:crypto'
import type { Context } from 'hono'
import type { LimitName } from '../../sessions/limit-error.ts'
import type { SessionStore } from '../../sessions/store/store.ts'
import type { AppKeys } from '../app-keys.ts'
import type { ListedServer } from '../context.ts'

/** What a face of another session manager stands on. */
export interface FaceOptions {
  store: SessionStore
  /** ids of plain applications */
  apps: ReadonlySet<string>
  /** the LysKOM servers by id; their sessions are in the same store, under the id */
  servers: ReadonlyMap<string, ListedServer>
  appKeys: AppKeys
  /** the address that a request comes from, as `clientAddressBehind` finds it */
  clientAddress: (c: Context) => string
  /** how long a session of sessman's lives after its last update */
  sessmanTtlMs: number
  /** told of every request that a limit turns away */
  onLimit: (limit: LimitName) => void
  /** called for every error that is the gateway's own fault */
  onInternalError: (error: unknown, requestId: string) => void
}

/** Headers of an answer with a secret in it: some clients ask with GET, and caches lie on the way. */
export const SECRET = { 'Cache-Control': 'no-store' }

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** A new secret of so many letters and digits, each as likely as any other. */
export function newToken(length: number): string {
  return Array.from({ length }, () => ALPHANUMERIC[randomInt(ALPHANUMERIC.length)]).join('')
}
