import { InvalidFieldError, invalid } from '../../protocol/json/invalid-field-error.ts'
import { type Pointer, parsePointer } from './pointer.ts'

/** A reference to a value in the body of another response of the batch: `a#/comment_in_list/0/text_no`. */
export interface Reference {
  readonly text: string
  /** the id of the other request */
  readonly id: string
  readonly pointer: Pointer
}

/** The member whose value is a reference: `{"$ref": "a#/text_no"}`. */
const REF = '$ref'
const REFERENCE = /^([^#]+)#(.*)$/s

/**
 * Parses a reference.
 * @param ids the ids of all requests of the batch
 * @throws InvalidFieldError if the text is no reference, or refers to none of `ids`
 */
export function parseReference(text: string, ids: ReadonlySet<string>): Reference {
  const [, id, rest] = REFERENCE.exec(text) ?? []
  const pointer = rest === undefined ? undefined : parsePointer(rest)
  if (id === undefined || pointer === undefined) {
    throw invalid('holds no reference "<id>#<JSON Pointer>" where it should.')
  }
  if (!ids.has(id)) throw new InvalidFieldError((field) => `${field()} refers to "${id}", which is not in the batch.`)
  return { text, id, pointer }
}

/**
 * Finds the references in a body: the objects whose only member is `$ref`.
 * @param body a value from JSON
 * @param ids the ids of all requests of the batch
 * @returns each reference by its object in the body
 * @throws InvalidFieldError, with the path in the body, for an invalid reference
 */
export function findReferences(body: unknown, ids: ReadonlySet<string>): Map<object, Reference> {
  const found = new Map<object, Reference>()
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    if (!Array.isArray(value) && Object.hasOwn(value, REF)) {
      found.set(value, referenceOf(value as Record<string, unknown>, ids))
      return
    }
    for (const [key, inner] of Object.entries(value)) {
      try {
        visit(inner)
      } catch (error) {
        throw error instanceof InvalidFieldError ? error.within(key) : error
      }
    }
  }
  visit(body)
  return found
}

function referenceOf(value: Record<string, unknown>, ids: ReadonlySet<string>): Reference {
  const text = value[REF]
  if (Object.keys(value).length > 1) throw invalid(`holds other fields beside "${REF}".`)
  if (typeof text !== 'string') throw invalid('must be a string.').within(REF)
  return parseReference(text, ids)
}

/**
 * Returns a body with its references replaced by their values.
 * @param references as `findReferences` returns them
 */
export function fillBody(
  body: unknown,
  references: ReadonlyMap<object, Reference>,
  resolve: (reference: Reference) => unknown,
): unknown {
  if (references.size === 0 || typeof body !== 'object' || body === null) return body
  const reference = references.get(body)
  if (reference !== undefined) return resolve(reference)
  const fill = (inner: unknown): unknown => fillBody(inner, references, resolve)
  // `fromEntries` keeps a member named `__proto__`.
  return Array.isArray(body) ? body.map(fill) : Object.fromEntries(Object.entries(body).map(([k, v]) => [k, fill(v)]))
}
