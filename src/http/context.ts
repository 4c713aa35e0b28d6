import type { HttpBindings } from '@hono/node-server'
import type { MiddlewareHandler } from 'hono'
import type { Metrics } from '../ops/metrics/metrics.ts'
import type { GatewaySession } from '../sessions/gateway-session.ts'
import type { GuessLimits } from '../sessions/guess-limits.ts'
import type { LimitName } from '../sessions/limit-error.ts'
import type { SessionRecords } from '../sessions/records.ts'
import type { SessionStore } from '../store/store.ts'
import type { AppKeys } from './app-keys.ts'
import type { ConnectionIdOptions } from './middleware/connection-id.ts'
import type { UnreadBudget } from './node/unread-budget.ts'
import type { NamedErrors } from './status.ts'

/** A LysKOM server in the response of `GET /`. */
export interface ListedServer {
  id: string
  name: string
  host: string
  port: number
  sortOrder: number
}

/** One line of the access log. Contains no secrets of clients. */
export interface AccessEntry {
  method: string
  /** without the query string; connection ids are replaced */
  path: string
  status: number
  ms: number
  /** the handle of the session, if the request carried a valid id */
  session: string | undefined
  requestId: string
}

/** Options of the HTTP applications. */
export interface AppOptions extends ConnectionIdOptions {
  servers: ReadonlyMap<string, ListedServer>
  store: SessionStore
  records: SessionRecords
  /** ids of the plain applications that store their sessions in the gateway */
  apps: ReadonlySet<string>
  appKeys: AppKeys
  /** the time to live of a sessman session after its last update */
  sessmanTtlMs: number
  metrics: Metrics
  /** creates a span for each request; absent without tracing */
  requestSpans?: MiddlewareHandler<Env>
  /** the key that allows access to the sessions of all clients; empty disables that access */
  adminKey: string
  /** limits the rate of failed attempts on keys */
  keyGuesses: GuessLimits
  /** whether metrics, health and administration are served on another port */
  hasAdminPort: boolean
  /** the prefix of every path, `/kom` for example; empty for none */
  basePath: string
  corsMaxAgeSeconds: number
  maxBodyBytes: number
  /** open WebSockets of one session */
  maxWebsocketsPerSession: number
  /** messages that a client may send on one WebSocket */
  maxWebsocketMessagesPerSecond: number
  /** bounds the memory of responses and messages that clients do not read */
  unreadBudget: UnreadBudget
  /** called for each request or message that a limit rejects */
  onLimit: (limit: LimitName) => void
  /** called for each request after its response */
  onAccess: (entry: AccessEntry) => void
  /** called for an error that is the gateway's own fault; the client gets no details */
  onInternalError: (error: unknown, requestId?: string) => void
}

/** The Hono environment: bindings and variables that middleware sets for the routes. */
export interface Env {
  /** Node's request and response; absent under other servers */
  Bindings?: Partial<HttpBindings>
  Variables: {
    /** the id of the request in the log and in `X-Request-Id` */
    requestId: string
    /** the id of the server in the path; set for all routes below it */
    serverId: string
    /** set by `requireSession` */
    session: GatewaySession
    /** set by `namedErrors` */
    namedErrors: NamedErrors
  }
}
