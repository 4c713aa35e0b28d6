import { Reference } from './reference.ts'

/** A value in a path or query. */
export type PathValue = string | number | boolean

/** A path below the server id, with its query. */
export interface Path {
  readonly url: string
  /** the ids of the requests that it refers to */
  readonly references: readonly string[]
}

/**
 * Returns a path whose values are percent-encoded: `/texts/${textNo}/mark`.
 *
 * @throws TypeError for an empty value, `.` and `..`, which would lead to another resource
 */
export function path(strings: TemplateStringsArray, ...values: readonly PathValue[]): Path {
  const references: string[] = []
  const encoded = values.map((value) => {
    if (['', '.', '..'].includes(String(value))) throw new TypeError(`"${value}" is not allowed in a path`)
    return encode(value, references)
  })
  return { url: String.raw({ raw: strings }, ...encoded), references }
}

/** Adds a query to a path. Undefined values are left out. */
export function withQuery({ url, references }: Path, query: Readonly<Record<string, PathValue | undefined>>): Path {
  const all = [...references]
  const fields = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encode(value, all)}`],
  )
  return { url: fields.length === 0 ? url : `${url}?${fields.join('&')}`, references: all }
}

function encode(value: PathValue | Reference, references: string[]): string {
  if (!(value instanceof Reference)) return encodeURIComponent(value)
  references.push(value.id)
  return `{${value}}`
}
