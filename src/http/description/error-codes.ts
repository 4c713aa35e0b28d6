import type { ErrorCode } from '../../protocol/komgate-error.ts'
import type { ErrorStatus } from '../errors/status.ts'
import type { AnyRoute, Needs, Resource } from '../routes/route.ts'
import { opensSession, type SecuritySettings } from './security.ts'

/** Errors before the gateway has found the route of a request. */
const ANYWHERE = [
  'invalid-request',
  'incomplete-request',
  'request-time',
  'expectation-failed',
  'header-size',
  'internal-error',
] as const satisfies readonly ErrorCode[]

/** Errors of reading a body. */
const BODY = ['invalid-json', 'content-coding', 'transfer-coding'] as const satisfies readonly ErrorCode[]

const STORE = ['unavailable', 'full', 'contended'] as const satisfies readonly ErrorCode[]

/** The errors that follow from what a handler uses. */
const USED: Readonly<Record<Resource, readonly ErrorCode[]>> = {
  lyskom: [
    'kom-error',
    'connection-ended',
    'connection-reset',
    'connection-rejected',
    'connection-unreadable',
    'connection-silent',
    'connection-closed',
    'too-many-calls',
    'call-timeout',
    'unreadable',
    'over-bound',
    'message-too-large',
  ],
  'new-session': [
    'sessions',
    'sessions-per-address',
    'openings-per-address',
    'unreachable',
    'not-lyskom',
    'server-down',
    'connect-refused',
    'server-full',
    'open-files',
    'connect-timeout',
    'kom-error',
    'shutting-down',
  ],
  store: STORE,
  'store-lists': [...STORE, 'cannot-list'],
}

/** The errors that follow from what a request must prove. */
const UNPROVEN: Readonly<Record<Needs, readonly ErrorCode[]>> = {
  nothing: [],
  session: ['invalid-session'],
  login: ['invalid-session', 'not-logged-in'],
  'admin-key': ['invalid-key', 'key-failures'],
  'app-key': ['invalid-key', 'key-failures'],
}

/** The errors of a route. */
export interface RouteErrors {
  /** before the gateway has found the route; they have the gateway's own format */
  before: ReadonlySet<ErrorCode>
  /** of the route itself */
  own: ReadonlySet<ErrorCode>
}

/** Returns the errors that follow from what a route needs, reads and uses, and those that it names. */
export function errorsOf(route: AnyRoute, settings: SecuritySettings): RouteErrors {
  const { method, path, body, needs, rejects = [], errorFormat } = route
  const uses = resourcesOf(route)
  const needsSession = needs === 'session' || needs === 'login'
  const readsId = needsSession || uses.includes('new-session')
  const mayHaveBody = method !== 'GET'
  const before: ErrorCode[] = [...ANYWHERE, ...(mayHaveBody ? (['body-size'] as const) : [])]
  const own: ErrorCode[] = [
    'incomplete-request',
    'internal-error',
    ...(body === undefined ? [] : BODY),
    // APIs with a format of their own have a lower limit.
    ...(body !== undefined && errorFormat !== undefined ? (['body-size'] as const) : []),
    ...(path.startsWith('/:server/') ? (['not-found'] as const) : []),
    ...UNPROVEN[needs],
    ...(readsId && settings.transports.includes('cookie') && mayHaveBody ? (['foreign-origin'] as const) : []),
    ...(opensSession(route, settings) ? USED['new-session'] : []),
    ...uses.flatMap((resource) => USED[resource]),
    ...rejects,
  ]
  return { before: new Set(before), own: new Set(own) }
}

function resourcesOf({ needs, uses }: AnyRoute): readonly Resource[] {
  return uses ?? (needs === 'session' || needs === 'login' ? ['lyskom'] : [])
}

/** Returns the statuses of errors of the LysKOM server, for a route with the error `kom-error`. */
export function refusalsOf({ needs, errors = {} }: AnyRoute): Set<ErrorStatus> {
  const named = Object.values(errors).filter((status) => status !== undefined)
  // Another request may log the session out at any time.
  return new Set([400, ...(needs === 'login' ? ([401] as const) : []), ...named])
}
