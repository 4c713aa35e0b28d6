import { STATUS_CODES } from 'node:http'
import type { ErrorCode } from '../../protocol/komgate-error.ts'
import { type ErrorStatus, STATUS } from '../errors/status.ts'
import type { Transport } from '../middleware/connection-id.ts'
import { GatewayError, ProtocolAError } from '../output/schemas/index.ts'
import type { AnyRoute, Needs, Resource } from '../routes/route.ts'
import { type HeaderName, headerReferences } from './headers.ts'
import type { ComponentSchemas, JsonSchema } from './schemas.ts'

/** Settings of the gateway on which the errors of its routes depend. */
export interface ErrorSettings {
  transports: readonly Transport[]
  /** whether a request without a connection id gets a new session */
  autoCreate: boolean
}

/** Errors of every route: Node's HTTP server, or the gateway before it routes a request, reports all but the last. */
const ANYWHERE = [
  'invalid-request',
  'incomplete-request',
  'request-time',
  'expectation-failed',
  'header-size',
  'internal-error',
] as const satisfies readonly ErrorCode[]

/** Errors of reading a body in JSON. */
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

/** What errors mean to a client, by status. */
const MEANINGS: Readonly<Record<ErrorStatus, string>> = {
  400: 'A part of the request is missing or invalid, and `error_msg` names it.',
  401: 'Not logged in, or the login failed. The session is still valid.',
  403: 'The connection id is missing, unknown or of another server, or its session has ended; or a page of this origin may not use the API in this way.',
  404: 'There is no such server, or no such object.',
  405: 'Wrong method. `Allow` lists the valid ones.',
  408: 'The request was not complete in time.',
  409: 'The request carries a connection id. It must not.',
  413: 'The body is over the limit, or the session would hold too much data.',
  415: 'The body has a `Content-Encoding`. Send it uncompressed.',
  417: '`Expect` is not `100-continue`.',
  429: 'The client exceeds a rate limit, which `limit` names. Retry after `Retry-After` seconds.',
  431: 'The headers are over the limit.',
  500: 'An internal error of the gateway, which its log describes.',
  501: 'The body has a `Transfer-Encoding` other than chunked, or the session store cannot list sessions.',
  502: 'The LysKOM server is unreachable.',
  503: 'A limit of capacity is reached, which `limit` names, or the session store is unavailable. Retry after `Retry-After` seconds.',
  504: 'The LysKOM server sent no usable reply. It may have carried out the request.',
}

/** Of routes that need a key instead of a session. */
const INVALID_KEY = 'The key in `Authorization: Bearer` is missing or wrong.'
const REFUSED = 'Or the LysKOM server refuses.'
const NOT_READY = 'The gateway cannot open sessions.'

/** Headers of errors besides those of every response. */
const HEADERS: Readonly<Partial<Record<ErrorStatus, readonly HeaderName[]>>> = {
  415: ['Accept-Encoding'],
  429: ['Retry-After'],
  502: ['Retry-After?'],
  503: ['Retry-After'],
}
/** Statuses that Node's HTTP server also sends itself, without the headers of other responses. */
const OF_NODE: ReadonlySet<ErrorStatus> = new Set([400, 408, 417, 431])

/** Returns the codes of all errors of a route. */
export function errorCodesOf(route: AnyRoute, { transports, autoCreate }: ErrorSettings): Set<ErrorCode> {
  const needsSession = route.needs === 'session' || route.needs === 'login'
  const uses = route.uses ?? (needsSession ? ['lyskom'] : [])
  const opensSession = uses.includes('new-session') || (needsSession && autoCreate)
  const readsId = needsSession || uses.includes('new-session')
  return new Set<ErrorCode>([
    ...ANYWHERE,
    ...(route.method === 'GET' ? [] : (['body-size'] as const)),
    ...(route.body === undefined ? [] : BODY),
    ...(route.path.startsWith('/:server/') ? (['not-found'] as const) : []),
    ...UNPROVEN[route.needs],
    ...(readsId && transports.includes('cookie') && route.method !== 'GET' ? (['foreign-origin'] as const) : []),
    ...(opensSession ? USED['new-session'] : []),
    ...uses.flatMap((resource) => USED[resource]),
    ...(route.rejects ?? []),
  ])
}

/** The error responses of all routes, which share components. */
export class ErrorResponses {
  readonly #responses = new Map<string, JsonSchema>()
  readonly #schemas: ComponentSchemas

  constructor(schemas: ComponentSchemas) {
    this.#schemas = schemas
  }

  /** The components by name. */
  get all(): Record<string, JsonSchema> {
    return Object.fromEntries([...this.#responses].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** Returns references to the error responses of a route by status. */
  of(route: AnyRoute, settings: ErrorSettings): Record<string, JsonSchema> {
    const codes = errorCodesOf(route, settings)
    const statuses = new Set<ErrorStatus>([...codes].map((code) => STATUS[code]))
    const refused = new Set<ErrorStatus>()
    if (codes.has('kom-error')) {
      refused.add(400)
      // The LysKOM server requires a login for many calls.
      if (usesCalls(route)) refused.add(401)
      for (const status of Object.values(route.errors ?? {})) if (status !== undefined) refused.add(status)
    }
    for (const status of refused) statuses.add(status)
    return Object.fromEntries(
      [...statuses]
        .sort((a, b) => a - b)
        .map((status) => {
          const ofGateway = [...codes].filter((code) => code !== 'kom-error' && STATUS[code] === status)
          return [status, this.#reference(status, ofGateway, refused.has(status))]
        }),
    )
  }

  #reference(status: ErrorStatus, codes: readonly ErrorCode[], isRefused: boolean): JsonSchema {
    const isKey = status === 401 && codes.includes('invalid-key')
    const isNotReady = status === 503 && codes.every((code) => code === 'not-ready')
    const phrase = (STATUS_CODES[status] ?? '').replace(/[^A-Za-z]/g, '')
    const name = isKey
      ? 'InvalidKey'
      : isNotReady
        ? 'NotReady'
        : `${phrase}${isRefused ? (codes.length > 0 ? 'OrRefused' : 'Refused') : ''}`
    const meaning = isKey ? INVALID_KEY : isNotReady ? NOT_READY : MEANINGS[status]
    const schemas = [...(codes.length > 0 ? [GatewayError] : []), ...(isRefused ? [ProtocolAError] : [])].map(
      (schema) => this.#schemas.convert(schema, 'output'),
    )
    this.#responses.set(name, {
      description: isRefused && status === 400 ? `${meaning} ${REFUSED}` : meaning,
      headers: headerReferences([
        OF_NODE.has(status) ? 'X-Request-Id?' : 'X-Request-Id',
        ...(isNotReady ? [] : (HEADERS[status] ?? [])),
      ]),
      content: { 'application/json': { schema: schemas.length === 1 ? schemas[0] : { oneOf: schemas } } },
    })
    return { $ref: `#/components/responses/${name}` }
  }
}

function usesCalls({ needs, uses }: AnyRoute): boolean {
  return uses?.includes('lyskom') ?? (needs === 'session' || needs === 'login')
}
