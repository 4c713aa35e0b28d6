import type { HttpBindings } from '@hono/node-server'
import type { GatewaySession } from '../sessions/gateway-session.ts'
import type { NamedErrors } from './errors/status.ts'

/** The Hono environment: bindings and variables that middleware sets for the routes. */
export interface Env {
  /** Node's request and response; absent under other servers */
  Bindings?: Partial<HttpBindings>
  Variables: {
    /** the id of the request in the log and in `X-Request-Id` */
    requestId: string
    /** the id of the server in the path; set for all routes below it */
    serverId: string
    /** set by `requireSession` */
    session: GatewaySession
    /** set by `namedErrors` */
    namedErrors: NamedErrors
  }
}
