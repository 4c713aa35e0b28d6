import { CONNECTION_HEADER, type Transport } from '../middleware/connection-id.ts'
import type { AnyRoute } from '../routes/route.ts'
import type { JsonSchema } from './schemas.ts'

/** The security schemes of the API. */
const SCHEMES = {
  connectionId: {
    type: 'apiKey',
    in: 'header',
    name: CONNECTION_HEADER,
    description: 'The connection id of a session. `POST /{server}/sessions` returns it. It is valid for one server.',
  },
  connectionIdInQuery: {
    type: 'apiKey',
    in: 'query',
    name: CONNECTION_HEADER,
    description: 'The connection id in the query, for clients that cannot set headers: `<img>`, WebSocket.',
  },
  ticket: {
    type: 'apiKey',
    in: 'query',
    name: 'ticket',
    description: 'A ticket, which works once. `POST /{server}/sessions/current/tickets` returns it.',
  },
  bearer: { type: 'http', scheme: 'bearer', description: 'The connection id as a bearer token.' },
  cookie: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-komgate-{server}',
    description: 'The connection id in the cookie of a LysKOM server, whose name ends in the id of the server.',
  },
  token: { type: 'apiKey', in: 'query', name: '_token', description: 'The connection id in the query of any route.' },
  adminKey: { type: 'http', scheme: 'bearer', description: 'The admin key of the operator.' },
  appKey: { type: 'http', scheme: 'bearer', description: 'The key of an application.' },
} as const satisfies Readonly<Record<string, JsonSchema>>

type Scheme = keyof typeof SCHEMES

const OF_TRANSPORTS: Readonly<Record<Transport, Scheme>> = { bearer: 'bearer', cookie: 'cookie', query: 'token' }

/** Settings of the gateway on which the security of its routes depends. */
export interface SecuritySettings {
  /** the ways besides the header in which a request may carry its connection id */
  transports: readonly Transport[]
  /** whether a request without a connection id gets a new session */
  autoCreate: boolean
}

/** Returns whether a request without a connection id gets a new session. */
export function opensSession({ needs, path }: AnyRoute, { autoCreate }: SecuritySettings): boolean {
  // The WebSocket, whose path has no LysKOM server, never does.
  return autoCreate && (needs === 'session' || needs === 'login') && path.startsWith('/:server/')
}

/** Returns the alternatives of what a request must carry. An empty object among them stands for nothing. */
export function securityOf(route: AnyRoute, settings: SecuritySettings): Partial<Record<Scheme, []>>[] {
  const { needs, idFrom = 'header' } = route
  switch (needs) {
    case 'nothing':
      return []
    case 'admin-key':
      return [{ adminKey: [] }]
    case 'app-key':
      return [{ appKey: [] }]
    case 'session':
    case 'login': {
      const schemes: Scheme[] = [
        'connectionId',
        ...(idFrom === 'header' ? [] : (['connectionIdInQuery'] as const)),
        ...(idFrom === 'header-query-or-ticket' ? (['ticket'] as const) : []),
        ...settings.transports.map((transport) => OF_TRANSPORTS[transport]),
      ]
      return [...schemes.map((scheme) => ({ [scheme]: [] })), ...(opensSession(route, settings) ? [{}] : [])]
    }
  }
}

/** Returns the schemes that operations use. */
export function securitySchemes(used: ReadonlySet<string>): Record<string, JsonSchema> {
  return Object.fromEntries(Object.entries(SCHEMES).filter(([name]) => used.has(name)))
}
