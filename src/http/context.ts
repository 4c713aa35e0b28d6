import type { HttpBindings } from '@hono/node-server'
import type { MiddlewareHandler } from 'hono'
import type { Metrics } from '../metrics/metrics.ts'
import type { KomError } from '../protocol/errors.ts'
import type { GuessLimits } from '../sessions/guess-limits.ts'
import type { LimitName } from '../sessions/limit-error.ts'
import type { SessionRecords } from '../sessions/records.ts'
import type { OpenedSession } from '../sessions/registry.ts'
import type { SessionStore } from '../sessions/store/store.ts'
import type { AppKeys } from './app-keys.ts'
import type { HttpCounters } from './counters.ts'
import type { ConnectionIdOptions } from './middleware/connection-id.ts'
import type { UnreadBudget } from './node/unread-budget.ts'

/** A LysKOM server as `GET /` lists it. */
export interface ListedServer {
  id: string
  name: string
  host: string
  port: number
  sortOrder: number
}

/** Another session manager for which this one stands in. */
export const FACES = ['rest-sessions', 'sessman', 'microapp'] as const
export type FaceName = (typeof FACES)[number]

/** One line of the access log. Holds nothing that a client would want kept secret. */
export interface AccessEntry {
  method: string
  /** without the query, connection ids replaced */
  path: string
  status: number
  ms: number
  /** the session's handle, when the request carried a good id */
  session: string | undefined
  requestId: string
}

export interface AppOptions extends ConnectionIdOptions {
  servers: ReadonlyMap<string, ListedServer>
  store: SessionStore
  records: SessionRecords
  /** the other session managers whose interfaces are served */
  faces: readonly FaceName[]
  /** ids of plain applications, which keep their sessions here */
  apps: ReadonlySet<string>
  appKeys: AppKeys
  /** how long a session of sessman's lives after its last update */
  sessmanTtlMs: number
  counters: HttpCounters
  metrics: Metrics
  /** makes a span of each request, where there is tracing */
  requestSpans?: MiddlewareHandler<Env>
  /** who has it may see everybody's sessions; empty where nobody may */
  adminKey: string
  /** slows the guessing of keys */
  keyGuesses: GuessLimits
  /** whether metrics, health and administration are on another port */
  isWatchedElsewhere: boolean
  /** everything that `GET /stats` shows */
  stats: () => Record<string, number>
  /** what stands before every path, `/kom` for example; empty for nothing */
  basePath: string
  corsMaxAgeSeconds: number
  maxBodyBytes: number
  maxWebsocketsPerSession: number
  maxWebsocketMessagesPerSecond: number
  /** bounds the memory of responses and messages that clients do not read */
  unreadBudget: UnreadBudget
  /** somebody was turned away by a limit */
  onLimit: (limit: LimitName) => void
  onAccess: (entry: AccessEntry) => void
  /** an error that is our own fault; the client is told nothing of it */
  onInternalError: (error: unknown, requestId?: string) => void
}

/** What middleware leaves for the routes. */
export interface Env {
  /** Node's side of the request; absent under another server than ours */
  Bindings?: Partial<HttpBindings>
  Variables: {
    /** what names the request in the log */
    requestId: string
    /** the server that the path names; set for all its routes */
    serverId: string
    /** set by `requireSession` */
    opened: OpenedSession
    /** set by `namedErrors` */
    namedErrors: NamedErrors
  }
}

/** Statuses of the LysKOM errors that a route names; the others have the status of `KOM_STATUS`. */
export type NamedErrors = Readonly<Partial<Record<KomError['errorName'], 400 | 401 | 404>>>
