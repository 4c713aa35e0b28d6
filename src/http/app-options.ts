import type { Context } from 'hono'
import type { Cluster } from '../cluster/cluster.ts'
import type { Metrics } from '../ops/metrics/metrics.ts'
import type { Tracing } from '../ops/tracing.ts'
import type { GuessLimits } from '../sessions/guess-limits.ts'
import type { SessionRecords } from '../sessions/records.ts'
import type { Registry } from '../sessions/registry.ts'
import type { SessionStore } from '../store/store.ts'
import type { Observers } from './bare-app.ts'
import type { WebsocketLimitOptions } from './events/websocket-limits.ts'
import type { ConnectionIdOptions } from './middleware/connection-id.ts'
import type { CorsOptions } from './middleware/cors.ts'
import type { UnreadBudget } from './node/unread-budget.ts'
import type { AdminSetting } from './output/schemas/index.ts'
import type { ListedServer } from './routes/gateway.ts'

/** Options of the HTTP interface, by topic. */
export interface AppOptions {
  /** the LysKOM servers by id */
  servers: ReadonlyMap<string, ListedServer>
  /** the live sessions, their records, and the store of the records */
  sessions: { registry: Registry; records: SessionRecords; store: SessionStore }
  http: AppHttpOptions
  limits: WebsocketLimitOptions
  admin: AppAdminOptions
  /** returns the client address of a request; see `clientAddressBehind` */
  clientAddress: (c: Context) => string
  /** limits the rate of failed attempts on keys */
  keyGuesses: GuessLimits
  /** bounds the memory of messages that clients of WebSockets do not read */
  unreadBudget: UnreadBudget
  metrics: Metrics
  /** creates a span for each request */
  tracing?: Tracing | undefined
  observers: Observers
  /** the nodes that have the sessions of other ids */
  cluster?: Cluster | undefined
}

/** Settings of the HTTP interface. */
export interface AppHttpOptions extends ConnectionIdOptions, CorsOptions {
  /** the prefix of every path, `/kom` for example; empty for none */
  basePath: string
  /** the size limit of a request body, bytes */
  maxBodyBytes: number
  /** whether a request without a connection id gets a new session */
  autoCreate: boolean
  /** whether the web client is served */
  web: 'on' | 'off'
}

/** Settings of metrics, health checks and administration. */
export interface AppAdminOptions {
  /** the port that serves them; undefined if the HTTP interface does */
  adminPort?: number | undefined
  /** the key that allows access to the sessions of all clients; empty disables that access */
  adminKey: string
  /** when the gateway started */
  started: Date
  /** the settings in force, without secrets */
  settings: readonly AdminSetting[]
}
