import { type Context, Hono } from 'hono'
import { z } from 'zod'
import type { Env } from '../http/env.ts'
import type { PublicError } from '../http/errors/public-error.ts'
import { RequestError } from '../http/errors/request-error.ts'
import { badRequest } from '../http/input/body.ts'
import { bearer, requireAppKey } from '../http/middleware/app-key.ts'
import { json } from '../http/node/responses.ts'
import { errorResponse } from '../http/output/error-response.ts'
import { type JsonValue, keyOf, type SessionRecord } from '../store/record.ts'
import { type CompatOptions, NO_STORE, newToken } from './compat-api.ts'
import { isObject, namePattern, queryOf, readJson, readParameters } from './input.ts'

/** The app id in the store and in the application keys. */
const APP = 'sessman'
const METHODS = ['GET', 'POST']
const TOKEN_LENGTH = 32
const QUERY = ['user', 'userid', 'session_id', 'sessionid', 'data'] as const

const NAME = namePattern(128)
const word = z
  .union([z.string(), z.number().transform(String)], 'must be a string.')
  .refine((text) => NAME.test(text), 'must be 1 to 128 characters, and no control characters.')
const Arguments = z.object({
  user: word.nullish(),
  userid: word.nullish(),
  session_id: word.nullish(),
  sessionid: word.nullish(),
  data: z.custom<JsonValue>().optional(),
})

/** Options of `sessmanApi`. */
export interface SessmanOptions extends CompatOptions {
  /** the time to live of a session after its last update, milliseconds */
  sessmanTtlMs: number
}

/** Creates the sessman API: sessions whose data is any JSON value, replaced as a whole; mounted under `/sessman`. */
export function sessmanApi(options: SessmanOptions): Hono<Env> {
  const { store, clientAddress, sessmanTtlMs, observers } = options
  const key = requireAppKey(options, () => APP)
  /** The session id is sufficient, but a wrong key is rejected. */
  const validKeyOrNone: typeof key = (c, next) => (bearer(c) === undefined ? next() : key(c, next))

  const api = new Hono<Env>({ strict: false })
  api.onError((error, c) => errorResponse(error, c, observers, formatError))
  api.on(METHODS, '/new', key, async (c) => {
    const { user, userid, data = {} } = await readArguments(c)
    const token = newToken(TOKEN_LENGTH)
    await store.create({
      key: keyOf(token),
      app: APP,
      user: required('user', user ?? userid),
      ip: clientAddress(c),
      idleMs: sessmanTtlMs,
      data: wrapped(data),
    })
    return answer(token, data)
  })
  api.on(METHODS, '/update', validKeyOrNone, async (c) => {
    const { session_id, sessionid, data } = await readArguments(c)
    const token = required('session_id', session_id ?? sessionid)
    if (data === undefined) throw badRequest('Missing data.')
    existing(await store.change(APP, keyOf(token), { data: wrapped(data) }))
    return answer(token, data)
  })
  api.on(METHODS, '/get', validKeyOrNone, async (c) => {
    const { session_id, sessionid } = await readArguments(c)
    const token = required('session_id', session_id ?? sessionid)
    // Reading must not extend the session, so this does not call `touch`.
    const { data } = existing(await store.find(APP, keyOf(token)))
    return answer(token, data.data ?? null)
  })
  api.on(METHODS, '/*', (c) => {
    const endpoint = c.req.path.replace(/^\/[^/]*\/?/, '')
    throw badRequest(`${endpoint} is not a valid endpoint`)
  })
  return api
}

/** Reads the arguments of the body and the query. The query overrides the body. */
async function readArguments(c: Context): Promise<z.output<typeof Arguments>> {
  const body = c.req.method === 'POST' ? await readJson(c, invalid) : undefined
  if (body !== undefined && !isObject(body)) throw badRequest('The body must be an object.')
  const query = readParameters(queryOf(c), /&/, QUERY, invalid)
  const parsed = Arguments.safeParse({ ...body, ...query })
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw invalid(String(issue?.path[0]), String(issue?.message))
}

function invalid(what: string, reason: string): RequestError {
  return badRequest(`${what} ${reason}`)
}

function required(name: string, value: string | null | undefined): string {
  if (value == null) throw badRequest(`Missing ${name}.`)
  return value
}

function existing(record: SessionRecord | undefined): SessionRecord {
  if (record === undefined) throw new RequestError('not-found', 'There is no such session.')
  return record
}

/** Wraps data, because the store holds objects and drops keys that are null: sessman data may be any JSON value. */
function wrapped(data: JsonValue) {
  return { data }
}

function answer(session_id: string, data: JsonValue): Response {
  return json({ session_id, data }, 200, NO_STORE)
}

function formatError({ message, status, headers }: PublicError): Response {
  return json({ error: message }, status, headers)
}
