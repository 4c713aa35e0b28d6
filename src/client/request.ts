import type { Path } from './path.ts'
import { type At, Reference } from './reference.ts'

/** What a request does. */
export interface RequestSpec {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: Path
  /** sent as JSON */
  body?: unknown
  /** the field of the JSON that is the value of the request; default: all */
  field?: string
  /** default: JSON, undefined for an empty body */
  as?: 'blob'
  /** whether the request is never part of a batch */
  isAlone?: boolean
}

/** Options of every request. */
export interface RequestOptions {
  /** aborts the request, and its retries; it then fails with the reason of the signal */
  signal?: AbortSignal | undefined
  /** requests of the same batch that have to succeed first */
  after?: readonly Promise<unknown>[]
}

/** Sends a request, at the end of the current event-loop tick. Resolves with its value. */
export type Send = <T>(spec: RequestSpec, options?: RequestOptions) => Promise<T>

/** A request whose promise the caller has. */
export interface Sent extends RequestSpec {
  /** unique in this module, and the id in a batch */
  readonly id: string
  readonly signal: AbortSignal | undefined
  readonly after: readonly string[]
}

const requests = new WeakMap<Promise<unknown>, Sent>()
let lastId = 0

/** Returns a request with a new id. @throws TypeError if `after` holds other promises than those of requests */
export function newRequest(spec: RequestSpec, { signal, after = [] }: RequestOptions): Sent {
  return { ...spec, id: String(++lastId), signal, after: after.map((promise) => requestOf(promise).id) }
}

/** Makes a request known by its promise. */
export function remember(promise: Promise<unknown>, request: Sent): void {
  requests.set(promise, request)
}

/** Returns the request of a promise; undefined for any other promise. */
export function findRequest(promise: Promise<unknown>): Sent | undefined {
  return requests.get(promise)
}

function requestOf(promise: Promise<unknown>): Sent {
  const request = findRequest(promise)
  if (request === undefined) throw new TypeError('expected the promise that a method of the client has returned')
  return request
}

/**
 * Refers to a value in the response to another request of the same batch: `ref(text, '/comment_in_list/0/text_no')`. It
 * stands for that value as an argument of a method.
 *
 * @param request the promise of the other request
 * @param pointer a JSON Pointer into its value; `*` stands for each element of an array, and the results are flattened
 * @throws TypeError if `request` is not the promise of a request
 */
export function ref<T, const P extends string>(request: Promise<T>, pointer: P): At<T, P> {
  const { id, field } = requestOf(request)
  return new Reference(id, field === undefined ? pointer : `/${field}${pointer}`) as At<T, P>
}
