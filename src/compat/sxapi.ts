import type { Context, MiddlewareHandler } from 'hono'
import { LRUCache } from 'lru-cache'
import { v4 as uuid } from 'uuid'
import { clientAddress } from '../http/input/client-address.ts'
import { StoreError } from '../store/errors.ts'
import { type Key, keyOf } from '../store/record.ts'
import { SessionStore } from '../store/store.ts'
import { NO_STORE } from './compat-api.ts'
import { readSessionConfig, type SessionConfig } from './sxapi-config.ts'
import { type SessionResources, storeUrl } from './sxapi-resources.ts'
import { CurrentSession, type Session, type SessionContext, SessionError, SXAPI_APP } from './sxapi-session.ts'
import { LazyStore } from './sxapi-store.ts'
import { transportOf } from './sxapi-transports.ts'

/** The variables that the guard sets for the handlers after it: `new Hono<SessionEnv>()`, then `c.get('session')`. */
export interface SessionEnv {
  Variables: { session: Session }
}

/** Options of a session guard. */
export interface SessionOptions {
  /**
   * Returns the client address of a new session; default: the address of the socket. Clients can forge headers such as
   * `X-Forwarded-For`, unless a trusted proxy has written them.
   */
  address?: (c: Context) => string
  /** Called for each failure of the store; default: `console.error`. The client gets a 503. */
  report?: (error: unknown) => void
  /** returns the current time in milliseconds since 1970; for tests */
  clock?: () => number
}

/** How long after a renewal requests with the old id are still expected, and how many old keys the guard remembers. */
const RENEWED_MS = 60_000
const MAX_RENEWED = 1000

/** Hono middleware that requires a session for the routes after it. */
export interface SessionGuard extends MiddlewareHandler<SessionEnv> {
  /**
   * Opens the store now instead of on the first request, for programs that must not start without it. Rejects if the
   * store cannot be opened; later requests try again.
   */
  open(): Promise<void>
  /** Closes the store permanently. Further requests are answered with 503. */
  close(): Promise<void>
}

/**
 * Creates a session guard as in SXAPI Core: only requests with a session reach the handlers after it. Other requests
 * are answered with 401, and with 503 while the store is unavailable.
 *
 * @param config SXAPI's `session` section; false passes all requests without a session
 * @param resources SXAPI's `resources` section, or the URL of the resource that is used
 * @throws TypeError with the name of the invalid field
 */
export function session(
  config: SessionConfig | false,
  resources: SessionResources | string = {},
  options: SessionOptions = {},
): SessionGuard {
  if (config === false) return withoutSessions()
  const { duration, auto_create, transport: transportConfig, backend } = readSessionConfig(config)
  const { address = clientAddress, report = console.error, clock } = options
  const transport = transportOf(transportConfig, duration)
  const url = storeUrl(backend, resources)
  const lazyStore = new LazyStore(() => SessionStore.open(url, clock && { clock }))
  const useStore = storeAccess(lazyStore, report)
  const renewed = new LRUCache<Key, true>({ max: MAX_RENEWED, ttl: RENEWED_MS })
  const context: SessionContext = { useStore, onRenew: (oldKey) => renewed.set(oldKey, true) }

  const create = async (c: Context): Promise<CurrentSession> => {
    const id = uuid()
    const all = { key: keyOf(id), app: SXAPI_APP, user: '', ip: address(c) }
    const record = useStore((store) => store.create({ ...all, endsAt: store.now() + duration * 1000 }))
    return new CurrentSession(await record, id, context)
  }
  const find = async (c: Context, ids: readonly string[]): Promise<CurrentSession> => {
    for (const id of ids) {
      const record = await useStore((store) => store.touch(SXAPI_APP, keyOf(id)))
      if (record !== undefined) return new CurrentSession(record, undefined, context)
    }
    const rejection = ids.some((id) => renewed.has(keyOf(id))) ? 'renewed' : 'unknown'
    throw new SessionError('unknown', { headers: transport.reject(c, rejection) })
  }

  const guard: MiddlewareHandler<SessionEnv> = async (c, next) => {
    const ids = transport.idsOf(c)
    if (ids.length === 0 && !auto_create) {
      throw new SessionError('missing', { headers: transport.reject(c, 'missing') })
    }
    const current = await (ids.length === 0 ? create(c) : find(c, ids))
    c.set('session', current)
    await next()
    // After the handlers: a raw `Response` from a handler would lose headers that are set before it.
    if (current.hasEnded) addHeaders(c, transport.clear(c))
    else if (current.newId !== undefined) addHeaders(c, { ...transport.issue(c, current.newId), ...NO_STORE })
  }
  return Object.assign(guard, { open: async () => void (await lazyStore.get()), close: () => lazyStore.close() })
}

function withoutSessions(): SessionGuard {
  const guard: MiddlewareHandler<SessionEnv> = (_, next) => next()
  return Object.assign(guard, { open: async () => undefined, close: async () => undefined })
}

/** Returns a function that runs store operations and converts their failures to `SessionError`s. */
function storeAccess(lazyStore: LazyStore, report: (error: unknown) => void): SessionContext['useStore'] {
  return async (operation) => {
    const store = await lazyStore.get().catch((error: unknown) => {
      report(error)
      throw new SessionError('unavailable', { cause: error })
    })
    try {
      return await operation(store)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      if (error.code !== 'too-large') report(error)
      throw new SessionError(error.code, { cause: error })
    }
  }
}

function addHeaders(c: Context, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) c.header(name, value, { append: name === 'Set-Cookie' })
}
