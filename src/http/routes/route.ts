import type { Context, MiddlewareHandler } from 'hono'
import type { z } from 'zod'
import type { ErrorCode } from '../../protocol/komgate-error.ts'
import type { Env, MatchedRoute } from '../env.ts'
import type { ParameterSchemas, ParameterValues } from '../input/parameters.ts'
import type { IdSource } from '../middleware/connection-id.ts'

/** What a request must prove: nothing, a session, a session that is logged in, or a key of the operator or of an app. */
export type Needs = 'nothing' | 'session' | 'login' | 'admin-key' | 'app-key'

/**
 * What a handler uses, from which the errors of the route follow: calls of the LysKOM server, a new session on it, the
 * records in the session store, or lists of them.
 */
export type Resource = 'lyskom' | 'new-session' | 'store' | 'store-lists'

/** Headers of responses that are described, besides those that every response has. */
export type ResponseHeader = 'ETag' | 'Vary' | 'Location' | 'Httpkom-Connection' | 'Komgate-Lease' | 'Set-Cookie'

/** A response to a successful request. */
export interface RouteResponse {
  /** in one sentence; by default the standard phrase of the status */
  description?: string
  /** the body; without it and without `type` the response has none */
  schema?: z.ZodType
  /** the content type of a body that is not JSON, `text/plain` for example */
  type?: string
  /** whether a client may also have it in lines of JSON, as `application/x-ndjson` */
  isAlsoLines?: boolean
  headers?: readonly ResponseHeader[]
}

/**
 * A successful request to a new demo server. `npm run openapi` sends it and adds the response to the description; a test
 * sends it again and compares the response.
 */
export interface RouteExample {
  params?: Readonly<Record<string, string | number>>
  query?: Readonly<Record<string, string | number | boolean>>
  body?: unknown
  /** the session of the request; default: what the route needs, logged in as person 6 */
  session?: 'anonymous' | 'logged-in'
  /** whether the person has another session */
  hasOtherSession?: boolean
  /** requests that are sent before */
  before?: readonly { method: Route['method']; path: string; body?: unknown }[]
}

/** The declaration of an endpoint: everything that its registration and its description need. */
export interface Route<
  P extends ParameterSchemas = ParameterSchemas,
  Q extends ParameterSchemas = ParameterSchemas,
  B extends z.ZodType = z.ZodType,
> extends MatchedRoute {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Hono's pattern below the base path; the label of the endpoint in metrics */
  path: string
  /** the unique name of the operation in camelCase */
  operation: string
  /** one sentence without a period */
  summary: string
  /** the group of the endpoint in the description; default: the resource in the path */
  tag?: string
  /** Markdown */
  description?: string
  deprecated?: boolean
  needs: Needs
  /** default: `lyskom` for a route that needs a session or a login, otherwise nothing */
  uses?: readonly Resource[]
  /** where the connection id may be, besides the transports; default: `header` */
  idFrom?: IdSource
  /** whether a batch may hold such a request; default: true */
  isBatchable?: boolean
  params?: P
  query?: Q
  /** the body; JSON unless `bodyType` is set */
  body?: B
  /** the content type of a body that is not JSON */
  bodyType?: string
  /** whether a request without a body counts as one with `{}` */
  bodyIsOptional?: boolean
  /** reads the input; for an API whose errors for invalid input differ from the gateway's own */
  read?: (c: Context<Env>) => Promise<RouteInput<P, Q, B>>
  /** middleware that runs after the check of `needs` and before the input is read */
  guards?: readonly MiddlewareHandler<Env>[]
  /** the responses to successful requests by status */
  responses: Readonly<Record<number, RouteResponse>>
  /** the errors of the gateway that this route adds to those that follow from what it needs, reads and uses */
  rejects?: readonly ErrorCode[]
  example?: RouteExample
  handle(c: Context<Env>, input: RouteInput<P, Q, B>): Response | Promise<Response>
}

/** The validated input of a request. */
export interface RouteInput<P extends ParameterSchemas, Q extends ParameterSchemas, B extends z.ZodType> {
  params: ParameterValues<P>
  query: ParameterValues<Q>
  body: z.output<B>
}

// biome-ignore lint/suspicious/noExplicitAny: a handler is contravariant in its input, so only `any` matches every route
export type AnyRoute = Route<any, any, any>

/** Declares an endpoint. Infers the type of the input of `handle` from the schemas. */
export function route<
  P extends ParameterSchemas = Record<never, never>,
  Q extends ParameterSchemas = Record<never, never>,
  B extends z.ZodType = z.ZodUndefined,
>(declaration: Route<P, Q, B>): AnyRoute {
  return declaration
}
