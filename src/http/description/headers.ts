import type { ResponseHeader } from '../routes/route.ts'
import type { JsonSchema } from './schemas.ts'

interface Header {
  description: string
  schema: JsonSchema
}

const text = { type: 'string' }
const seconds = { type: 'integer', minimum: 0 }

/** The headers of responses. */
const HEADERS = {
  'X-Request-Id': {
    description: 'The id of the request in the log: that of the request, if it is valid, or a generated one.',
    schema: { type: 'string', pattern: '^[A-Za-z0-9._=-]{1,128}$' },
  },
  ETag: {
    description: 'The entity tag of the response. Send it in `If-None-Match` to get a 304 while nothing has changed.',
    schema: text,
  },
  Vary: { description: 'The request headers on which the response depends.', schema: text },
  Location: {
    description: 'The path of the new resource, or of the one to get instead.',
    schema: { type: 'string', format: 'uri-reference' },
  },
  'Retry-After': { description: 'The time in seconds after which to retry.', schema: { type: 'integer', minimum: 1 } },
  'Accept-Encoding': { description: 'The codings that a body may have.', schema: { const: 'identity' } },
  'Httpkom-Connection': {
    description: 'The connection id of the new session. It gives full access to the session.',
    schema: { type: 'string', format: 'uuid' },
  },
  'Komgate-Lease': {
    description:
      'The idle timeout of the session in seconds. The gateway closes a session that is not used as long. It is longer while a person is logged in.',
    schema: seconds,
  },
  'Set-Cookie': { description: 'The cookie with the connection id, or its deletion.', schema: text },
} as const satisfies Readonly<Record<ResponseHeader | 'X-Request-Id' | 'Retry-After' | 'Accept-Encoding', Header>>

type Known = keyof typeof HEADERS
/** The name of a header of responses; with `?` if it may be missing. */
export type HeaderName = Known | `${Known}?`

/** Headers of the response to a request that may have opened a session, besides its own. */
export const NEW_SESSION_HEADERS = ['Httpkom-Connection?', 'Komgate-Lease?'] as const satisfies readonly HeaderName[]

/** Returns references to headers by name. */
export function headerReferences(names: readonly HeaderName[]): Record<string, JsonSchema> {
  return Object.fromEntries(
    names.map((name) => [name.replace('?', ''), { $ref: `#/components/headers/${keyOf(name)}` }]),
  )
}

/** Returns the components of those headers that a document refers to. */
export function headerComponents(isUsed: (reference: string) => boolean): Record<string, JsonSchema> {
  const components: Record<string, JsonSchema> = {}
  for (const [name, header] of Object.entries(HEADERS)) {
    for (const [key, required] of [
      [name, true],
      [`${name}?`, false],
    ] as const) {
      const component = keyOf(key)
      if (isUsed(`#/components/headers/${component}`)) components[component] = { ...header, required }
    }
  }
  return components
}

/** The name of a component has no question mark. */
function keyOf(name: string): string {
  return name.endsWith('?') ? `Optional-${name.slice(0, -1)}` : name
}
