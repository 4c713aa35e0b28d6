/** A place in the response to another request of the same batch. */
export class Reference {
  constructor(
    /** the id of that request */
    readonly id: string,
    /** a JSON Pointer, in which `*` stands for each element of an array */
    readonly pointer: string,
  ) {}

  /** `<id>#<pointer>` */
  toString(): string {
    return `${this.id}#${this.pointer}`
  }
}

/** The value at a JSON Pointer in `T`; `*` maps over an array and flattens. */
export type At<T, P extends string> = P extends ''
  ? T
  : P extends `/${infer Key}/${infer Rest}`
    ? Step<T, Key, `/${Rest}`>
    : P extends `/${infer Key}`
      ? Step<T, Key, ''>
      : never

type Step<T, Key extends string, Rest extends string> = T extends readonly (infer E)[]
  ? Key extends '*'
    ? Flat<At<E, Rest>>[]
    : Key extends `${number}`
      ? At<E, Rest>
      : never
  : Key extends keyof T
    ? At<Exclude<T[Key], null | undefined>, Rest>
    : string extends keyof T
      ? At<T[keyof T], Rest>
      : never
type Flat<T> = T extends readonly (infer E)[] ? E : T

/** Returns the JSON of a body with its references as `{"$ref": …}`, and adds the ids in them to `ids`. */
export function bodyWithReferences(body: unknown, ids: Set<string>): unknown {
  if (body instanceof Reference) {
    ids.add(body.id)
    return { $ref: String(body) }
  }
  if (Array.isArray(body)) return body.map((each) => bodyWithReferences(each, ids))
  if (typeof body !== 'object' || body === null) return body
  return Object.fromEntries(Object.entries(body).map(([key, value]) => [key, bodyWithReferences(value, ids)]))
}
