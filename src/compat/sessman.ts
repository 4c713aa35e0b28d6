import type { Context } from 'hono'
import { z } from 'zod'
import type { Env } from '../http/env.ts'
import type { ErrorFormat } from '../http/errors/public-error.ts'
import { RequestError } from '../http/errors/request-error.ts'
import { badRequest } from '../http/input/body.ts'
import { bearer, requireAppKey } from '../http/middleware/app-key.ts'
import { json } from '../http/node/responses.ts'
import type { AnyRoute, Needs } from '../http/routes/route.ts'
import type { ErrorCode } from '../protocol/komgate-error.ts'
import { type JsonValue, keyOf, type SessionRecord } from '../store/record.ts'
import { type CompatOptions, NO_STORE, newToken } from './compat-api.ts'
import { isObject, namePattern, queryOf, readJson, readParameters } from './input.ts'

/** The app id in the store and in the application keys. */
const APP = 'sessman'
const METHODS = ['GET', 'POST'] as const
const TOKEN_LENGTH = 32

const inQuery = z.string().regex(namePattern(128), 'must be 1 to 128 characters, and no control characters.')
const inBody = z.union([inQuery, z.number().transform(String)], 'must be a string.').nullish()

/** The arguments of all calls in a query, which are text. */
const QUERY = {
  user: inQuery.optional(),
  userid: inQuery.optional().describe('An alias of `user`; ignored if both are given.'),
  session_id: inQuery.optional(),
  sessionid: inQuery.optional().describe('An alias of `session_id`; ignored if both are given.'),
  data: z.string().optional().describe('The data, a string.'),
}
type ArgumentName = keyof typeof QUERY
const ARGUMENT_NAMES = Object.keys(QUERY) as ArgumentName[]

/** The arguments of all calls in a body. */
const Arguments = z.object({
  user: inBody,
  userid: inBody.describe('An alias of `user`; ignored if both are given.'),
  session_id: inBody,
  sessionid: inBody.describe('An alias of `session_id`; ignored if both are given.'),
  data: z.custom<JsonValue>().optional().meta({ description: 'Any JSON value.' }),
})
type Arguments = z.output<typeof Arguments>

const Session = z
  .strictObject({ session_id: z.string().regex(/^[a-zA-Z0-9]{32}$/), data: z.unknown().describe('Any JSON value.') })
  .meta({ id: 'SessmanSession', description: 'A session of sessman.' })

const ERRORS: ErrorFormat = {
  schema: z.strictObject({ error: z.string() }).meta({ id: 'SessmanError', description: 'An error of sessman.' }),
  render: ({ message, status, headers }) => json({ error: message }, status, headers),
}

/** Options of `sessmanApi`. */
export interface SessmanOptions extends CompatOptions {
  /** the time to live of a session after its last update, milliseconds */
  sessmanTtlMs: number
}

/** A call of sessman, which is a route for each method. */
interface Call {
  name: string
  operation: string
  summary: string
  description: string
  needs: Needs
  arguments: readonly ArgumentName[]
  rejects: readonly ErrorCode[]
  run(c: Context, values: Arguments): Promise<Response>
}

/** The sessman API: sessions whose data is any JSON value, replaced as a whole. Below `/sessman`. */
export function sessmanApi(options: SessmanOptions): AnyRoute[] {
  const { store, clientAddress, sessmanTtlMs } = options
  const key = requireAppKey(options, () => APP)
  /** The session id is sufficient, but a wrong key is rejected. */
  const validKeyOrNone: typeof key = (c, next) => (bearer(c) === undefined ? next() : key(c, next))

  return [
    ...routesOf({
      name: 'new',
      operation: 'sessmanCreate',
      summary: 'Creates a session',
      description: '`user` is required; `data` is `{}` by default.',
      needs: 'app-key',
      arguments: ['user', 'userid', 'data'],
      rejects: ['too-large'],
      async run(c, { user, userid, data = {} }) {
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
      },
    }),
    ...routesOf({
      name: 'update',
      operation: 'sessmanUpdate',
      summary: 'Replaces the data of a session',
      description: '`session_id` and `data` are required. A key may be absent, but not wrong.',
      needs: 'nothing',
      arguments: ['session_id', 'sessionid', 'data'],
      rejects: ['invalid-key', 'key-failures', 'not-found', 'too-large'],
      async run(_, { session_id, sessionid, data }) {
        const token = required('session_id', session_id ?? sessionid)
        if (data === undefined) throw badRequest('Missing data.')
        existing(await store.change(APP, keyOf(token), { data: wrapped(data) }))
        return answer(token, data)
      },
    }),
    ...routesOf({
      name: 'get',
      operation: 'sessmanGet',
      summary: 'Returns a session',
      description: '`session_id` is required. A key may be absent, but not wrong.',
      needs: 'nothing',
      arguments: ['session_id', 'sessionid'],
      rejects: ['invalid-key', 'key-failures', 'not-found'],
      async run(_, { session_id, sessionid }) {
        const token = required('session_id', session_id ?? sessionid)
        // Reading must not extend the session, so this does not call `touch`.
        const { data } = existing(await store.find(APP, keyOf(token)))
        return answer(token, data.data ?? null)
      },
    }),
    ...METHODS.map((method) => unknownCall(method)),
  ]

  function routesOf({ name, operation, description, arguments: names, rejects, run, ...call }: Call): AnyRoute[] {
    const picked = <T>(schemas: Readonly<Record<ArgumentName, T>>) =>
      Object.fromEntries(names.map((each) => [each, schemas[each]]))
    return METHODS.map((method) => ({
      ...call,
      uses: ['store'] as const,
      method,
      path: `/${name}`,
      operation: method === 'GET' ? `${operation}ByGet` : operation,
      description: method === 'GET' ? description : `${description} The query takes precedence over the body.`,
      guards: [call.needs === 'app-key' ? key : validKeyOrNone],
      query: picked<z.ZodType>(QUERY),
      ...(method === 'POST' && { body: z.object(picked<z.ZodType>(Arguments.shape)), bodyIsOptional: true }),
      read: readArguments,
      responses: { 200: { schema: Session } },
      rejects: ['invalid-request', ...rejects],
      errorFormat: ERRORS,
      handle: (c, { body }) => run(c, body),
    }))
  }
}

/** Declares the route of every path that names no call. */
function unknownCall(method: (typeof METHODS)[number]): AnyRoute {
  return {
    method,
    path: '/*',
    operation: method === 'GET' ? 'sessmanUnknownByGet' : 'sessmanUnknown',
    summary: 'Rejects a call that does not exist',
    needs: 'nothing',
    responses: {},
    rejects: ['invalid-request'],
    errorFormat: ERRORS,
    handle(c) {
      const endpoint = c.req.path.replace(/^\/[^/]*\/?/, '')
      throw badRequest(`${endpoint} is not a valid endpoint`)
    },
  }
}

/** Reads the arguments of the body and the query as one body. Every call validates all arguments. */
async function readArguments(c: Context<Env>) {
  const body = c.req.method === 'POST' ? await readJson(c, invalid) : undefined
  if (body !== undefined && !isObject(body)) throw badRequest('The body must be an object.')
  const query = readParameters(queryOf(c), /&/, ARGUMENT_NAMES, invalid)
  const parsed = Arguments.safeParse({ ...body, ...query })
  if (parsed.success) return { params: {}, query: {}, body: parsed.data }
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
