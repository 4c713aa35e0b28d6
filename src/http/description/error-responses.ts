import { STATUS_CODES } from 'node:http'
import type { z } from 'zod'
import type { ErrorCode } from '../../protocol/komgate-error.ts'
import { type ErrorStatus, STATUS } from '../errors/status.ts'
import { GatewayError, ProtocolAError } from '../output/schemas/index.ts'
import type { AnyRoute } from '../routes/route.ts'
import { errorsOf, refusalsOf } from './error-codes.ts'
import { ERRORS } from './examples.ts'
import { type HeaderName, headerReferences, NEW_SESSION_HEADERS } from './headers.ts'
import { type ComponentSchemas, JSON_TYPE, type JsonSchema } from './schemas.ts'
import { opensSession, type SecuritySettings } from './security.ts'

/** What errors mean to a client, by status. */
const MEANINGS: Readonly<Record<ErrorStatus, string>> = {
  400: 'A part of the request is missing or invalid, and the error names it.',
  401: 'Not logged in, or the login failed. The session is still valid.',
  403: 'The connection id is missing, unknown or of another server, or its session has ended; or a page of this origin may not use the API in this way.',
  404: 'There is no such server, or no such object.',
  405: 'Wrong method. `Allow` lists the valid ones.',
  408: 'The request was not complete in time.',
  409: 'The request carries a connection id. It must not.',
  413: 'The body is over the limit, or the session would hold too much data.',
  415: 'The body has a `Content-Encoding`. Send it uncompressed.',
  417: '`Expect` is not `100-continue`.',
  421: 'The session is on another node.',
  424: 'A request of a batch depends on one that failed, or refers to a value that is not there.',
  429: 'The client exceeds a rate limit. Retry after `Retry-After` seconds.',
  431: 'The headers are over the limit.',
  500: 'An internal error of the gateway, which its log describes.',
  501: 'The body has a `Transfer-Encoding` other than chunked, or the session store cannot list sessions.',
  502: 'The LysKOM server is unreachable.',
  503: 'A limit of capacity is reached, or the session store is unavailable. Retry after `Retry-After` seconds.',
  504: 'The LysKOM server sent no usable reply. It may have carried out the request.',
}

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

const RESPONSES = '#/components/responses/'

/** The body of an error: its schema and its content type. */
interface ErrorBody {
  schema: z.ZodType
  type: string
}

const OF_GATEWAY: ErrorBody = { schema: GatewayError, type: JSON_TYPE }
const OF_LYSKOM: ErrorBody = { schema: ProtocolAError, type: JSON_TYPE }

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

  /** Returns the error responses of a route by status. */
  of(route: AnyRoute, settings: SecuritySettings): Record<string, JsonSchema> {
    const { before, own } = errorsOf(route, settings)
    const found = new Map<ErrorStatus, { codes: Set<ErrorCode>; bodies: Set<ErrorBody> }>()
    const add = (status: ErrorStatus, code: ErrorCode, body: ErrorBody): void => {
      const entry = found.get(status) ?? { codes: new Set<ErrorCode>(), bodies: new Set<ErrorBody>() }
      found.set(status, entry)
      entry.codes.add(code)
      entry.bodies.add(body)
    }
    for (const code of before) add(STATUS[code], code, OF_GATEWAY)
    const formatted = formattedBody(route)
    for (const code of own) {
      if (code !== 'kom-error') add(STATUS[code], code, isFormatted(route, code) ? formatted : OF_GATEWAY)
    }
    if (own.has('kom-error')) for (const status of refusalsOf(route)) add(status, 'kom-error', OF_LYSKOM)
    return Object.fromEntries(
      [...found]
        .sort(([a], [b]) => a - b)
        .map(([status, { codes, bodies }]) => [
          status,
          this.#response(status, codes, [...bodies], opensSession(route, settings)),
        ]),
    )
  }

  /** Returns a reference to a component, or the response itself if its body has the format of another API. */
  #response(
    status: ErrorStatus,
    codes: ReadonlySet<ErrorCode>,
    bodies: readonly ErrorBody[],
    isInNewSession: boolean,
  ): JsonSchema {
    const kind = kindOf(status, codes)
    const name = isInNewSession ? `${kind.name}InNewSession` : kind.name
    const isShared = bodies.every((body) => body === OF_GATEWAY || body === OF_LYSKOM)
    if (isShared && this.#responses.has(name)) return { $ref: RESPONSES + name }
    const types = [...new Set(bodies.map(({ type }) => type))]
    const examples = isShared ? examplesOf(status, codes, bodies) : {}
    const response = {
      description: kind.description,
      headers: headerReferences([
        OF_NODE.has(status) ? 'X-Request-Id?' : 'X-Request-Id',
        ...(codes.has('not-ready') ? [] : (HEADERS[status] ?? [])),
        ...(isInNewSession ? NEW_SESSION_HEADERS : []),
      ]),
      content: Object.fromEntries(
        types.map((type) => {
          const schemas = bodies
            .filter((body) => body.type === type)
            .map(({ schema }) => this.#schemas.convert(schema, 'output'))
          const schema = schemas.length === 1 ? schemas[0] : { oneOf: schemas }
          return [type, { schema, ...(Object.keys(examples).length > 0 && { examples }) }]
        }),
      ),
    }
    if (!isShared) return response
    this.#responses.set(name, response)
    return { $ref: RESPONSES + name }
  }
}

/** Returns the body of errors in the format of the API of a route. */
function formattedBody({ errorFormat }: AnyRoute): ErrorBody {
  return errorFormat === undefined ? OF_GATEWAY : { schema: errorFormat.schema, type: errorFormat.type ?? JSON_TYPE }
}

function isFormatted({ errorFormat }: AnyRoute, code: ErrorCode): boolean {
  return errorFormat !== undefined && (errorFormat.codes?.includes(code) ?? STATUS[code] !== 500)
}

/** Returns the name and the description of a response, which follow from its errors. */
function kindOf(status: ErrorStatus, codes: ReadonlySet<ErrorCode>): { name: string; description: string } {
  if (codes.has('not-ready')) return { name: 'NotReady', description: NOT_READY }
  if (codes.has('invalid-key')) return { name: 'InvalidKey', description: INVALID_KEY }
  const phrase = (STATUS_CODES[status] ?? '').replace(/[^A-Za-z]/g, '')
  if (!codes.has('kom-error')) return { name: phrase, description: MEANINGS[status] }
  return codes.size === 1
    ? { name: `${phrase}Refused`, description: MEANINGS[status] }
    : { name: `${phrase}OrRefused`, description: status === 400 ? `${MEANINGS[status]} ${REFUSED}` : MEANINGS[status] }
}

/** Returns the examples of a response that can occur with its bodies. */
function examplesOf(
  status: ErrorStatus,
  codes: ReadonlySet<ErrorCode>,
  bodies: readonly ErrorBody[],
): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(ERRORS)
      .filter(([, example]) => example.status === status && example.isOfKey === codes.has('invalid-key'))
      .filter(([, { body }]) => bodies.some(({ schema }) => schema.safeParse(body).success))
      .map(([name, { summary, body }]) => [name, { summary, value: body }]),
  )
}
