import { type Context, Hono } from 'hono'
import type { GatewaySession } from '../../sessions/gateway-session.ts'
import type { GuessLimits } from '../../sessions/guess-limits.ts'
import type { Registry } from '../../sessions/registry.ts'
import { handleOf } from '../../store/record.ts'
import type { Env } from '../env.ts'
import { RequestError } from '../errors/request-error.ts'
import { wireTrace } from '../events/wire-trace.ts'
import { bearer } from '../middleware/app-key.ts'
import { AppKeys } from '../middleware/app-keys.ts'
import { closeOnRequest } from '../middleware/current-session.ts'
import { empty } from '../node/responses.ts'
import type { ErrorObservers } from '../output/error-response.ts'
import { jsonList, mapPages, pagesOf } from '../output/json-list.ts'

const ADMIN = 'admin'
/** Sessions per page of the list: some milliseconds of work. */
const PAGE = 500

/** Options of `adminRoutes`. */
export interface AdminRouteOptions {
  registry: Registry
  /** the key that allows access to the sessions of all clients */
  adminKey: string
  /** limits the rate of failed attempts on the key */
  keyGuesses: GuessLimits
  /** returns the client address of a request; see `clientAddressBehind` */
  clientAddress: (c: Context) => string
  /** the idle timeout of a session in milliseconds */
  sessionIdleMs: number
  observers: ErrorObservers
}

/** Lists, traces and ends the sessions of all clients, for operators with the admin key; mounted under `/admin`. */
export function adminRoutes(options: AdminRouteOptions) {
  const { registry, adminKey, keyGuesses, clientAddress, sessionIdleMs, observers } = options
  const keys = new AppKeys([{ app: ADMIN, key: adminKey }], { guesses: keyGuesses, subject: ADMIN })

  const find = (handle: string): GatewaySession => {
    for (const session of registry.all()) if (handleOf(session.key) === handle) return session
    throw new RequestError('not-found', 'There is no such session.')
  }

  return new Hono<Env>({ strict: false })
    .use((c, next) => {
      if (keys.allow(ADMIN, bearer(c), clientAddress(c))) return next()
      throw new RequestError('invalid-key', '"Authorization: Bearer" with the admin key is required.')
    })
    .get('/sessions', (c) => {
      const now = performance.now()
      const pages = pagesOf(registry.all(), PAGE)
      return jsonList(
        c,
        'sessions',
        mapPages(pages, (session) => sessionJson(session, now, sessionIdleMs)),
        observers.onInternalError,
      )
    })
    .delete('/sessions/:handle', async (c) => {
      await closeOnRequest(c, find(c.req.param('handle')), 'admin')
      return empty(204)
    })
    .get('/sessions/:handle/trace', (c) => wireTrace(registry, find(c.req.param('handle'))))
}

/** @param now milliseconds of `performance.now()` */
function sessionJson(
  { key, serverId, clientAddress, lyskom, lastUsed, hasStreams }: GatewaySession,
  now: number,
  idleMs: number,
) {
  const { name, version } = lyskom.client
  const idle = Math.max(0, now - lastUsed)
  return {
    handle: handleOf(key),
    server: serverId,
    session_no: lyskom.connection.sessionNo,
    pers_no: lyskom.persNo === 0 ? null : lyskom.persNo,
    client: `${name} ${version}`.trim(),
    address: clientAddress,
    idle: seconds(idle),
    calls: lyskom.connection.calls,
    // An open stream suspends the idle timeout.
    lease: hasStreams ? null : Math.max(0, seconds(idleMs - idle)),
  }
}

function seconds(ms: number): number {
  return Math.round(ms / 1000)
}
