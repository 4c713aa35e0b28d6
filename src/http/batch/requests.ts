import { z } from 'zod'
import { InvalidFieldError, invalid } from '../../protocol/json/invalid-field-error.ts'
import { dependencyOrder, type GraphNode } from './graph.ts'
import { findReferences, type Reference } from './references.ts'
import { MAX_URL, parseUrl, type UrlTemplate } from './url.ts'

const MAX_REQUESTS = 100
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
const WITHOUT_BODY: ReadonlySet<string> = new Set(['GET', 'HEAD'])
/** The headers that a request of a batch may set. Those of the batch carry the id, and none may be forged. */
const ALLOWED_HEADERS = ['accept', 'content-type', 'if-none-match']
/** A header value of RFC 9110, 5.5, in ASCII. */
const HEADER_VALUE = /^[\t -~]{0,1000}$/

/** An id without the characters that end it in a reference. */
const Id = z
  .string('must be a string.')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: many readers of JSON Schemas do not know \p{Cc}
  .regex(/^[^#{}\u0000-\u001f\u007f-\u009f]{1,100}$/u, 'must have 1 to 100 characters without #, { and }.')

const BatchEntry = z.strictObject(
  {
    id: Id,
    method: z.enum(METHODS, `must be one of ${METHODS.join(', ')}.`),
    url: z.string('must be a string.').meta({ pattern: '^/', maxLength: MAX_URL }),
    body: z.unknown().optional(),
    headers: z.record(z.string(), z.string('must be a string.'), 'must be an object.').nullish(),
    depends_on: z
      .array(z.string('must be a string.'), 'must be a list.')
      .max(MAX_REQUESTS, `has more than ${MAX_REQUESTS} items.`)
      .nullish(),
  },
  'must be an object.',
)
type BatchEntry = z.output<typeof BatchEntry>

/** The body of a batch. */
export const BatchBody = z.strictObject({
  requests: z
    .array(BatchEntry, 'must be a list.')
    .min(1, 'is empty.')
    .max(MAX_REQUESTS, `has more than ${MAX_REQUESTS} items.`),
})

/** A request of a batch. */
export interface BatchRequest extends GraphNode {
  /** the position in the batch, from 0 */
  readonly index: number
  readonly method: (typeof METHODS)[number]
  readonly url: UrlTemplate
  /** the allowed headers by lower-case name */
  readonly headers: Readonly<Record<string, string>>
  /** undefined for none */
  readonly body: unknown
  /** the references in the body by their objects */
  readonly bodyReferences: ReadonlyMap<object, Reference>
}

/** The requests of a batch. */
export interface Batch {
  /** in the order of the batch */
  readonly requests: readonly BatchRequest[]
  /** each after those that it depends on */
  readonly inOrder: readonly BatchRequest[]
  /** the ids whose response bodies are referred to */
  readonly referredTo: ReadonlySet<string>
}

/**
 * Checks the requests of a batch, and finds their references and dependencies.
 * @throws InvalidFieldError for duplicate and unknown ids, cycles, invalid urls, headers, bodies and references
 */
export function parseBatch({ requests: entries }: z.output<typeof BatchBody>): Batch {
  const ids = new Set(entries.map(({ id }) => id))
  const requests = within('requests', () => {
    if (ids.size < entries.length) rejectDuplicates(entries)
    return entries.map((entry, index) => within(String(index), () => parseRequest(entry, index, ids)))
  })
  const order = dependencyOrder(requests)
  if ('cycle' in order) {
    const [first = ''] = order.cycle
    throw invalid(`depend on each other in a cycle: ${[...order.cycle, first].join(', ')}.`).within('requests')
  }
  const referredTo = new Set(requests.flatMap((request) => referencesOf(request).map(({ id }) => id)))
  return { requests, inOrder: order.inOrder, referredTo }
}

function parseRequest(entry: BatchEntry, index: number, ids: ReadonlySet<string>): BatchRequest {
  const { id, method } = entry
  const body = entry.body ?? undefined
  if (body !== undefined && WITHOUT_BODY.has(method)) throw invalid(`must be absent with ${method}.`).within('body')
  const parsed = {
    url: within('url', () => parseUrl(entry.url, ids)),
    headers: within('headers', () => parseHeaders(entry.headers ?? {})),
    bodyReferences: within('body', () => findReferences(body, ids)),
  }
  const explicit = entry.depends_on ?? []
  for (const [i, each] of explicit.entries()) {
    if (!ids.has(each)) throw invalid(`is "${each}", which is not in the batch.`).within(String(i)).within('depends_on')
  }
  const dependsOn = new Set([...explicit, ...referencesOf(parsed).map((reference) => reference.id)])
  return { id, index, method, body, dependsOn, ...parsed }
}

function referencesOf({ url, bodyReferences }: Pick<BatchRequest, 'url' | 'bodyReferences'>): Reference[] {
  return [...url.filter((part) => typeof part !== 'string'), ...bodyReferences.values()]
}

function parseHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const parsed: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    const key = name.toLowerCase()
    if (!ALLOWED_HEADERS.includes(key)) {
      throw invalid(`is not among the allowed headers: ${ALLOWED_HEADERS.join(', ')}.`).within(name.slice(0, 100))
    }
    if (Object.hasOwn(parsed, key)) throw invalid('is given twice.').within(name)
    if (!HEADER_VALUE.test(value)) throw invalid('is not a header value of at most 1000 characters.').within(name)
    parsed[key] = value
  }
  return parsed
}

function rejectDuplicates(entries: readonly BatchEntry[]): never {
  const seen = new Set<string>()
  const index = entries.findIndex(({ id }) => seen.size === seen.add(id).size)
  throw invalid('is that of an earlier request.').within('id').within(String(index))
}

/** Runs `parse`, and adds a field to the path of its `InvalidFieldError`. */
function within<T>(field: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw error instanceof InvalidFieldError ? error.within(field) : error
  }
}
