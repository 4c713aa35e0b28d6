import { type Context, Hono } from 'hono'
import { validate } from 'uuid'
import { z } from 'zod'
import type { Env } from '../http/env.ts'
import type { PublicError } from '../http/errors/public-error.ts'
import { RequestError } from '../http/errors/request-error.ts'
import { requireAppKey } from '../http/middleware/app-key.ts'
import { limitBody } from '../http/middleware/limit-body.ts'
import { json, text } from '../http/node/responses.ts'
import { errorResponse, httpkomFormat } from '../http/output/error-response.ts'
import { jsonList, mapPages } from '../http/output/json-list.ts'
import type { ErrorCode } from '../protocol/komgate-error.ts'
import { type Data, type JsonValue, keyOf, type SessionRecord } from '../store/record.ts'
import { type CompatOptions, NO_STORE, newToken } from './compat-api.ts'
import { isObject, namePattern, queryOf, readJson, readParameters } from './input.ts'

/** Decides whether a value is well-formed. */
type Format = Pick<RegExp, 'test'>

const MAX_BODY_BYTES = 60_000
const TOKEN_LENGTH = 64
const TOKEN = /^[a-zA-Z0-9]{64}$/
const CONNECTION_ID: Format = { test: validate }
const ID = namePattern(128)
const PERSON_NO = /^[1-9][0-9]{0,9}$/
const IP = namePattern(39)
const Value = z.union([z.string(), z.number(), z.boolean(), z.null()])

const DEFAULT_TTL = '7200'
const MIN_SECONDS = 10
const MAX_TTL = 30 * 24 * 60 * 60
/** Seconds; longer than any session has been idle, so larger values mean the same. */
const MAX_DT = 1_000_000_000
const MAX_LISTED = 10_000

/** Options of `restSessionsApi`. */
export interface RestSessionsOptions extends CompatOptions {
  /** ids of the plain applications, which store their sessions in the gateway */
  appIds: ReadonlySet<string>
  /** ids of the LysKOM servers, whose sessions are in the same store with the server id as app */
  serverIds: ReadonlySet<string>
}

/**
 * Creates the REST-Sessions API: sessions of plain applications by token, and lists, counts and kills for the sessions
 * of LysKOM servers, where the id is a person number and the token a connection id. Mounted at the root.
 */
export function restSessionsApi(options: RestSessionsOptions): Hono<Env> {
  const { store, appIds, serverIds, observers } = options
  const { onInternalError } = observers
  const key = requireAppKey(options, (c) => c.req.param('app') ?? '')
  const limit = limitBody(MAX_BODY_BYTES)

  const api = new Hono<Env>({ strict: false })
  api.onError((error, c) => errorResponse(error, c, observers, formatError))
  return api
    .get('/ping', async () => {
      await store.ping()
      return text('PONG')
    })
    .put('/:app/create/:id', key, limit, async (c) => {
      const app = plainApp(c)
      const user = pathPart(c, 'id', ID)
      const { ip, ttl } = query(c, ['ip', 'ttl'])
      const session = {
        app,
        user,
        ip: checked('ip', ip, IP),
        idleMs: seconds('ttl', ttl || DEFAULT_TTL, MAX_TTL) * 1000,
      }
      const body = await readJson(c, invalidBody)
      const data = body === undefined ? {} : scalarData(body)
      const token = newToken(TOKEN_LENGTH)
      await store.create({ key: keyOf(token), ...session, data })
      return json({ token }, 200, NO_STORE)
    })
    .get('/:app/get/:token', async (c) => {
      const record = await store.touch(plainApp(c), keyOf(pathPart(c, 'token', TOKEN)))
      return json(record === undefined ? {} : sessionJson(record, idleOf(record)))
    })
    .post('/:app/set/:token', limit, async (c) => {
      const app = plainApp(c)
      const key = keyOf(pathPart(c, 'token', TOKEN))
      const body = await readJson(c, invalidBody)
      if (body === undefined) throw new RequestError('missing-parameter', 'No d supplied')
      const data = scalarData(body)
      if (Object.keys(data).length === 0) throw new RequestError('invalid-value', 'd must contain at least one key.')
      const before = await store.find(app, key)
      const after = before && (await store.merge(app, key, data))
      return json(before && after ? sessionJson(after, idleOf(before)) : {})
    })
    .get('/:app/activity', key, async (c) => {
      return json({ activity: await store.countActiveUsers(anyApp(c), activePeriod(c)) })
    })
    .get('/:app/soapp', key, async (c) => {
      const pages = store.listActive(anyApp(c), activePeriod(c), MAX_LISTED + 1)
      return await jsonList(c, 'sessions', mapPages(pages, listedJson, MAX_LISTED), onInternalError)
    })
    .get('/:app/soid/:id', key, async (c) => {
      const app = anyApp(c)
      const pages = store.listUser(app, userOf(c, app))
      return await jsonList(c, 'sessions', mapPages(pages, listedJson), onInternalError)
    })
    .delete('/:app/kill/:token', async (c) => {
      const app = anyApp(c)
      const token = pathPart(c, 'token', serverIds.has(app) ? CONNECTION_ID : TOKEN)
      const ended = await store.end(app, keyOf(token))
      return json({ kill: ended === undefined ? 0 : 1 })
    })
    .delete('/:app/killsoid/:id', key, async (c) => {
      const app = anyApp(c)
      return json({ kill: await store.endUser(app, userOf(c, app)) })
    })
    .delete('/:app/killall', key, async (c) => json({ kill: await store.endApp(anyApp(c)) }))

  /** Returns the app in the path. @throws RequestError `not-found` (404) unless it is a plain application */
  function plainApp(c: Context): string {
    const app = c.req.param('app') ?? ''
    if (!appIds.has(app)) throw new RequestError('not-found', 'There is no such application.')
    return app
  }

  /** Returns the app or the LysKOM server in the path. @throws RequestError `not-found` (404) if there is neither */
  function anyApp(c: Context): string {
    const app = c.req.param('app') ?? ''
    return serverIds.has(app) ? app : plainApp(c)
  }

  function userOf(c: Context, app: string): string {
    return pathPart(c, 'id', serverIds.has(app) ? PERSON_NO : ID)
  }

  /** Returns the seconds since the last activity in a record. */
  function idleOf({ lastActive }: SessionRecord): number {
    return Math.max(0, Math.floor((store.now() - lastActive) / 1000))
  }

  function listedJson(record: SessionRecord) {
    return sessionJson(record, idleOf(record))
  }
}

/** Creating a session counts as its first read and its first write. */
function sessionJson({ user, reads, writes, idleMs, ip, data }: SessionRecord, idle: number) {
  const ttl = idleMs === null ? null : Math.floor(idleMs / 1000)
  return { id: user, r: reads + 1, w: writes + 1, ttl, idle, ip, ...(Object.keys(data).length > 0 && { d: data }) }
}

function pathPart(c: Context, name: 'id' | 'token', format: Format): string {
  // Hono leaves percent signs that encode no UTF-8 as they are, so they would match as literal characters.
  if (c.req.path.includes('%') && !isEncoded(c.req.path))
    throw new RequestError('invalid-format', `Invalid ${name} format`)
  return checked(name, c.req.param(name), format)
}

function isEncoded(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}

function query<Name extends string>(c: Context, names: readonly Name[]): Partial<Record<Name, string>> {
  return readParameters(queryOf(c), /&/, names, (name) => new RequestError('invalid-format', `Invalid ${name} format`))
}

function checked(name: string, value: string | undefined, format: Format): string {
  if (value === undefined || value === '') throw new RequestError('missing-parameter', `No ${name} supplied`)
  if (!format.test(value)) throw new RequestError('invalid-format', `Invalid ${name} format`)
  return value
}

function seconds(name: string, value: string, max: number): number {
  const n = /^[0-9]+$/.test(value) ? Number(value) : Number.NaN
  if (n >= MIN_SECONDS && n <= max) return n
  const upTo = Number.isFinite(max) ? ` to ${max}` : ''
  throw new RequestError('invalid-value', `${name} must be a whole number from ${MIN_SECONDS}${upTo}`)
}

/** Returns `dt` of the query in milliseconds. */
function activePeriod(c: Context): number {
  const { dt } = query(c, ['dt'])
  if (dt === undefined || dt === '') throw new RequestError('missing-parameter', 'No dt supplied')
  return Math.min(seconds('dt', dt, Number.POSITIVE_INFINITY), MAX_DT) * 1000
}

/** Returns the body as data: an object of scalar values. */
function scalarData(body: JsonValue): Data {
  if (!isObject(body)) throw new RequestError('invalid-value', 'd must be an object')
  for (const [key, value] of Object.entries(body)) {
    if (Value.safeParse(value).success) continue
    const types = 'Only strings, numbers, boolean and null are allowed.'
    throw new RequestError('invalid-value', `d.${key.slice(0, 100)} has a forbidden type. ${types}`)
  }
  return body
}

function invalidBody(_: string, reason: string): RequestError {
  return new RequestError('invalid-format', `Invalid d format: the body ${reason}`)
}

/** The names of the original for invalid input, which it answered with 500 and `{name, message}`. */
const NAMES: Readonly<Partial<Record<ErrorCode, string>>> = {
  'missing-parameter': 'missingParameter',
  'invalid-format': 'invalidFormat',
  'invalid-value': 'invalidValue',
}

function formatError(error: PublicError): Response {
  const name = NAMES[error.code]
  return name === undefined ? httpkomFormat(error) : json({ name, message: error.message }, error.status)
}
