import { type CompatApiName, compatApis } from '../../src/compat/compat-apis.ts'
import { heartbeatFor } from '../../src/connection/settings.ts'
import { type DeclaredRoutes, declareRoutes } from '../../src/http/declared-routes.ts'
import { AppKeys, keyGuessLimits } from '../../src/http/middleware/app-keys.ts'
import { UnreadBudget } from '../../src/http/node/unread-budget.ts'
import { Metrics } from '../../src/ops/metrics/metrics.ts'
import { SessionRecords } from '../../src/sessions/records.ts'
import { Registry } from '../../src/sessions/registry.ts'
import { MemoryBackend } from '../../src/store/backends/memory.ts'
import { SessionStore } from '../../src/store/store.ts'
import { DEFAULTS } from './config.ts'

/** Options of `declaredRoutes`. */
export interface DeclaredRouteOptions {
  /** the admin key; default: none, and no administration */
  adminKey?: string
  /** the compatibility APIs; default: none */
  compat?: readonly CompatApiName[]
}

/** Returns the declared routes of a gateway with default settings. They are for reading; no gateway runs. */
export function declaredRoutes({ adminKey = '', compat = [] }: DeclaredRouteOptions = {}): DeclaredRoutes {
  const connections = { settings: DEFAULTS, heartbeat: heartbeatFor(DEFAULTS) }
  const registry = new Registry({ servers: new Map(), connections, lyskom: DEFAULTS, limits: DEFAULTS })
  const store = new SessionStore(new MemoryBackend({ maxRecords: 1, maxBytes: 1 }))
  const keyGuesses = keyGuessLimits(DEFAULTS)
  const clientAddress = () => ''
  const observers = { onLimit: () => undefined, onAccess: () => undefined, onInternalError: () => undefined }
  const options = {
    servers: new Map(),
    sessions: {
      registry,
      store,
      records: new SessionRecords({ registry, store, idleMs: DEFAULTS.sessionIdleMs, onStore: () => undefined }),
    },
    http: DEFAULTS,
    limits: DEFAULTS,
    admin: { adminKey, started: new Date(0), settings: [] },
    clientAddress,
    keyGuesses,
    unreadBudget: new UnreadBudget(DEFAULTS),
    metrics: new Metrics(),
    observers,
  }
  const apis = compatApis(compat, {
    store,
    serverIds: new Set(),
    appIds: new Set(),
    appKeys: new AppKeys([], { subject: 'app' }),
    sessmanTtlMs: DEFAULTS.sessmanTtlMs,
    clientAddress,
    observers,
  })
  return declareRoutes(options, apis)
}
