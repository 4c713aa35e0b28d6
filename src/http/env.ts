import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { GatewaySession } from '../sessions/gateway-session.ts'
import type { ErrorFormat, PublicError } from './errors/public-error.ts'
import type { NamedErrors } from './errors/status.ts'

/** What the access log, metrics and errors read of the declaration of a route. */
export interface MatchedRoute {
  /** the pattern of the path, `/:server/texts/:text_no{[0-9]+}` for example */
  path: string
  /** statuses of errors of the LysKOM server that differ from the usual ones */
  errors?: NamedErrors
  /** the format of the errors of the route; default: the gateway's own */
  errorFormat?: ErrorFormat
  /** returns another response for an error than the usual one, if the request asks for it */
  replaceError?: (error: PublicError, c: Context) => Response | undefined
}

/** What the requests of a batch inherit from it. */
export interface RequestBatch {
  readonly session: GatewaySession
  /** the client address of the batch */
  readonly clientAddress: string
  /** runs work when the response to the batch is written, so that the client does not wait for it */
  readonly afterResponse: (work: () => void) => void
}

/** What a request that another node has forwarded brings with it. */
export interface ForwardedFrom {
  /** the address of the client of the other node */
  readonly clientAddress: string
}

/** The Hono environment: bindings and variables that middleware sets for the routes. */
export interface Env {
  /** Node's request and response; absent under other servers. `batch` is set for the requests of a batch,
   * `forwarded` for those that another node has forwarded, and `tunnelled` when the connection is a WebSocket of another
   * node. */
  Bindings?: Partial<HttpBindings> & { batch?: RequestBatch; forwarded?: ForwardedFrom; tunnelled?: Promise<void> }
  Variables: {
    /** the id of the request in the log and in `X-Request-Id` */
    requestId: string
    /** the id of the server in the path; set for all routes below it */
    serverId: string
    /** the connection id in a cookie, set when it is chosen before the session is found: of several, or for another node */
    cookieId: string
    /** set by the route that opens a session */
    clientAddress: string
    /** set by `requireSession` */
    session: GatewaySession
    /** the connection id of a session of another node, to which the request is forwarded */
    foreignId: string
    /** whether the request no longer counts as in flight on its session; see `releaseSession` */
    isReleased: boolean
    /** the declared route that matched; absent before it does */
    route: MatchedRoute
  }
}
