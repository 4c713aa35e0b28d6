/** The input of REST-Sessions: its schemas, and a reader with the errors of the original. */
import type { Context } from 'hono'
import { z } from 'zod'
import type { Env } from '../http/env.ts'
import type { ErrorFormat } from '../http/errors/public-error.ts'
import { RequestError } from '../http/errors/request-error.ts'
import type { ParameterSchemas } from '../http/input/parameters.ts'
import { json } from '../http/node/responses.ts'
import type { Route, RouteInput } from '../http/routes/route.ts'
import type { ErrorCode } from '../protocol/komgate-error.ts'
import type { Data, JsonValue } from '../store/record.ts'
import { checkParameters, isObject, namePattern, queryOf, readJson, readParameters } from './input.ts'

const MIN_SECONDS = 10
const DEFAULT_TTL = 7200
const MAX_TTL = 30 * 24 * 60 * 60
/** Seconds; longer than any session has been idle, so larger values mean the same. */
const MAX_DT = 1_000_000_000
/** The types of the values in a session of an application. */
const SCALARS = ['string', 'number', 'boolean', 'null'] as const
/** Characters of a key that an error quotes. */
const MAX_KEY = 100

/** Schema of an application in a path. */
export const App = z.string().describe('The id of an application.')
/** Schema of an application or a LysKOM server in a path. */
export const AppOrServer = z.string().describe('The id of an application or a LysKOM server.')
/** Schema of a user of an application. */
export const Id = z.string().regex(namePattern(128))
/** Schema of a user of a LysKOM server. */
export const PersonId = z.string().regex(/^[1-9][0-9]{0,9}$/)
/** Schema of the token of an application's session. */
export const Token = z.string().regex(/^[a-zA-Z0-9]{64}$/)
/** Schema of the token of a LysKOM server's session, which is a connection id. */
export const ServerToken = z.uuid()
/** Schema of the address of a user. */
export const Ip = z.string().regex(namePattern(39))

const ttlError = `must be a whole number from ${MIN_SECONDS} to ${MAX_TTL}`
/** Schema of the idle timeout of a session, seconds. */
export const Ttl = wholeNumber(Number.POSITIVE_INFINITY)
  .pipe(z.int(ttlError).min(MIN_SECONDS, ttlError).max(MAX_TTL, ttlError))
  .default(DEFAULT_TTL)

const dtError = `must be a whole number from ${MIN_SECONDS}`
/** Schema of the time in which a session must have been active, seconds. */
export const Dt = wholeNumber(MAX_DT).pipe(z.int(dtError).min(MIN_SECONDS, dtError))

/** Returns a schema that reads a number; it reads larger ones than `max` as `max`, and other text as `NaN`. */
function wholeNumber(max: number) {
  return z.string().transform((text) => (/^[0-9]+$/.test(text) ? Math.min(Number(text), max) : Number.NaN))
}

/**
 * Returns the schema of the data in a body: an object of scalar values. It is not a `z.record`, which would drop the key
 * `__proto__`.
 */
export function dataWith(minKeys: 0 | 1) {
  return z
    .custom<Data>()
    .superRefine((body: JsonValue, { addIssue }) => {
      if (!isObject(body)) return addIssue('must be an object')
      for (const [key, value] of Object.entries(body)) {
        if (isScalar(value)) continue
        const message = 'has a forbidden type. Only strings, numbers, boolean and null are allowed.'
        return addIssue({ code: 'custom', message, path: [key.slice(0, MAX_KEY)] })
      }
      if (Object.keys(body).length < minKeys) addIssue('must contain at least one key.')
    })
    .meta({ type: 'object', additionalProperties: { type: [...SCALARS] }, minProperties: minKeys })
}

function isScalar(value: JsonValue): boolean {
  const type = value === null ? 'null' : typeof value
  return SCALARS.some((each) => each === type)
}

/** The part of a declaration that says what its input is. */
type InputOf<P extends ParameterSchemas, Q extends ParameterSchemas, B extends z.ZodType> = Pick<
  Route<P, Q, B>,
  'params' | 'query' | 'body' | 'bodyIsOptional'
>

/**
 * Returns a function that reads the input of a route. Call it only for known applications.
 * It throws RequestError `missing-parameter`, `invalid-format` and `invalid-value`.
 */
export function inputReader<P extends ParameterSchemas, Q extends ParameterSchemas, B extends z.ZodType>({
  params = {} as P,
  query = {} as Q,
  body,
  bodyIsOptional,
}: InputOf<P, Q, B>): (c: Context<Env>) => Promise<RouteInput<P, Q, B>> {
  return async (c) => {
    const inPath = checkParameters(params, (name) => pathPart(c, name), invalidParameter)
    const given = readParameters(queryOf(c), /&/, Object.keys(query), invalidFormat)
    const inQuery = checkParameters(query, (name) => given[name], invalidParameter)
    const data = body && (await readData(c, body, bodyIsOptional === true))
    return { params: inPath, query: inQuery, body: data as z.output<B> }
  }
}

function pathPart(c: Context, name: string): string | undefined {
  // Hono leaves percent signs that encode no UTF-8 as they are, so they would match as literal characters.
  if (name !== 'app' && c.req.path.includes('%') && !isEncoded(c.req.path)) throw invalidFormat(name)
  return c.req.param(name)
}

function isEncoded(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}

async function readData<B extends z.ZodType>(c: Context, schema: B, isOptional: boolean): Promise<z.output<B>> {
  const body = await readJson(c, invalidBody)
  if (body === undefined && !isOptional) throw missing('d')
  const parsed = schema.safeParse(body === undefined ? {} : body)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new RequestError('invalid-value', `${['d', ...(issue?.path ?? [])].join('.')} ${issue?.message}`)
}

function invalidParameter(name: string, issue: z.core.$ZodIssue | undefined): RequestError {
  if (issue === undefined) return missing(name)
  const isPattern = issue.code === 'invalid_format' || issue.code === 'invalid_union'
  return isPattern ? invalidFormat(name) : new RequestError('invalid-value', `${name} ${issue.message}`)
}

function missing(name: string): RequestError {
  return new RequestError('missing-parameter', `No ${name} supplied`)
}

/** Checks a parameter of the path. @throws RequestError `invalid-format` */
export function check(name: string, value: string, schema: z.ZodType): void {
  if (!schema.safeParse(value).success) throw invalidFormat(name)
}

function invalidFormat(name: string): RequestError {
  return new RequestError('invalid-format', `Invalid ${name} format`)
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

/** The format of errors for invalid input. Other errors have the gateway's own format. */
export const INPUT_ERRORS = {
  codes: Object.keys(NAMES) as ErrorCode[],
  schema: z
    .strictObject({ name: z.enum(Object.values(NAMES)), message: z.string() })
    .meta({ id: 'RestSessionsError', description: 'Invalid input to REST-Sessions.' }),
  render: ({ code, message, status }) => json({ name: NAMES[code], message }, status),
} as const satisfies ErrorFormat
