import { Hono } from 'hono'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { z } from 'zod'
import { under } from '../../src/compat/compat-api.ts'
import type { CompatApisOptions } from '../../src/compat/compat-apis.ts'
import type { Env, MatchedRoute } from '../../src/http/env.ts'
import { RequestError } from '../../src/http/errors/request-error.ts'
import { clientAddress } from '../../src/http/input/client-address.ts'
import { AppKeys } from '../../src/http/middleware/app-keys.ts'
import { errorResponse } from '../../src/http/output/error-response.ts'
import { GatewayError } from '../../src/http/output/schemas/index.ts'
import { registerRoutes } from '../../src/http/routes/register.ts'
import type { AnyRoute } from '../../src/http/routes/route.ts'
import type { LimitName } from '../../src/sessions/limit-error.ts'
import type { Backend } from '../../src/store/backend.ts'
import { MemoryBackend } from '../../src/store/backends/memory.ts'
import { StoreError } from '../../src/store/errors.ts'
import { SessionStore } from '../../src/store/store.ts'
import type { Answer } from './gateway.ts'

/** Options of a request. */
export interface CompatSendOptions {
  /** the key of an application */
  key?: string
  body?: string | Uint8Array
  headers?: Record<string, string>
}

/** A compatibility API on a store in memory. */
export interface CompatApp {
  store: SessionStore
  /** errors reported as internal */
  reported: unknown[]
  /** limits reported as hit */
  limits: LimitName[]
  /** Sends a request to the API. Throws if the route that matches does not declare the body of the response. */
  send(method: string, path: string, options?: CompatSendOptions): Promise<Answer>
  /** handles a request, as a server of Node calls it */
  fetch(request: Request, bindings?: object): Response | Promise<Response>
  /** Advances the clock by `seconds`. */
  pass(seconds: number): void
}

interface CompatAppOptions {
  /** the path where the API is mounted */
  path?: string
  keys?: readonly { app: string; key: string }[]
  isOpen?: boolean
  backend?: Backend
}

const DAY_MS = 24 * 60 * 60 * 1000

/**
 * Starts a compatibility API as the gateway mounts it, on a store in memory with its own clock.
 *
 * @param api returns the routes of the API
 */
export function startCompatApi(
  api: (options: CompatApisOptions) => AnyRoute[],
  { path = '/', keys = [], isOpen = false, backend = memory() }: CompatAppOptions = {},
): CompatApp {
  let now = Date.UTC(2026, 0, 1)
  const clock = () => now
  const store = new SessionStore(backend, { clock })
  const reported: unknown[] = []
  const limits: LimitName[] = []
  const observers = {
    onLimit: (limit: LimitName) => void limits.push(limit),
    onInternalError: (error: unknown) => void reported.push(error),
  }
  const app = new Hono<Env>()
  app.onError((error, c) => errorResponse(error, c, observers))
  const refuseMethod = methodNotAllowed({
    app,
    onMethodNotAllowed(c, methods) {
      const allow = { Allow: methods.join(', ') }
      return errorResponse(
        new RequestError('method-not-allowed', `${c.req.method} is not allowed.`, allow),
        c,
        observers,
      )
    },
  })
  app.notFound(async (c) => {
    c.res = errorResponse(new RequestError('not-found', 'Not found.'), c, observers)
    await refuseMethod(c, () => Promise.resolve())
    return c.res
  })
  const matched = new WeakMap<Response, MatchedRoute>()
  app.use(async (c, next) => {
    await next()
    matched.set(c.res, c.get('route'))
  })
  const appIds = new Set(['mywebapp', 'other-app'])
  const serverIds = new Set(['demo'])
  const appKeys = new AppKeys(keys, { isOpen, subject: 'app' })
  const routes = api({ store, appIds, serverIds, appKeys, clientAddress, sessmanTtlMs: DAY_MS, observers })
  registerRoutes(app, under(path, routes))
  return {
    store,
    reported,
    limits,
    fetch: (request, bindings) => app.fetch(request, bindings),
    pass: (seconds) => {
      now += seconds * 1000
    },
    send: async (method, target, { key, body, headers } = {}) => {
      const response = await app.request(target, {
        method,
        headers: { ...(key !== undefined && { authorization: `Bearer ${key}` }), ...headers },
        ...(body !== undefined && { body }),
      })
      const text = await response.text()
      const isJson = response.headers.get('content-type')?.startsWith('application/json') === true && text !== ''
      const json = isJson ? JSON.parse(text) : undefined
      const route = matched.get(response) as AnyRoute | undefined
      if (route !== undefined) bodySchema(route, response).parse(isJson ? json : text)
      return { status: response.status, headers: response.headers, text, json }
    },
  }
}

/** Returns the declared schema of the body of a response. */
function bodySchema({ responses, errorFormat }: AnyRoute, { ok, status }: Response): z.ZodType {
  if (ok) return responses[status]?.schema ?? z.never()
  return errorFormat === undefined ? GatewayError : z.union([errorFormat.schema, GatewayError])
}

/** Returns a backend in memory. */
export function memory(): Backend {
  return new MemoryBackend({ maxRecords: 1000, maxBytes: 10_000_000 })
}

/** Returns a backend like memcached, which finds records by key and cannot list them. */
export function withoutLists(): Backend {
  const backend = memory()
  return {
    insert: (record) => backend.insert(record),
    find: (key) => backend.find(key),
    touch: (...args) => backend.touch(...args),
    update: (...args) => backend.update(...args),
    remove: (key) => backend.remove(key),
    sweep: (now) => backend.sweep(now),
    close: () => backend.close(),
    lists: undefined,
    interruptions: 0,
  }
}

/** Returns a backend whose server is unavailable. */
export function unavailable(): Backend {
  const fail = () => Promise.reject(new StoreError('unavailable', 'the store cannot be reached'))
  const failingPages = async function* () {
    yield await fail()
  }
  const lists = { byUser: failingPages, activeSince: failingPages, countUsers: fail }
  return {
    insert: fail,
    find: fail,
    touch: fail,
    update: fail,
    remove: fail,
    sweep: fail,
    close: fail,
    lists,
    interruptions: 1,
  }
}
