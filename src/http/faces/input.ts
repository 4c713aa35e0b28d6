/**
 * What a face reads from a request. Each function is told how to refuse what is wrong, so that the error has the shape
 * that the clients of that face know.
 */
import type { Context } from 'hono'
import type { JsonValue } from '../../sessions/store/record.ts'
import { refuseCodings } from '../content-coding.ts'
import { parseJson, UnfitJsonError } from '../parse-json.ts'

/** Makes the error to throw: `reason` is the rest of a sentence. */
export type Refuse<What> = (what: What, reason: string) => Error

/** A name, of a user for example: neither control characters nor half a character, which not every store can hold. */
export function namePattern(maxLength: number): RegExp {
  return new RegExp(`^[^\\p{Cc}\\p{Cs}]{1,${maxLength}}$`, 'u')
}

/** Reads the body as text; empty for none. Throws a 415 for a compressed body. */
export async function readText(c: Context, refuse: Refuse<'The body'>): Promise<string> {
  refuseCodings(c)
  const bytes = await c.req.arrayBuffer().catch(() => {
    throw refuse('The body', 'did not come whole.')
  })
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw refuse('The body', 'is not UTF-8.')
  }
}

/** The JSON body, whatever its content type; undefined for none. */
export async function readJson(c: Context, refuse: Refuse<'The body'>): Promise<JsonValue | undefined> {
  const text = await readText(c, refuse)
  if (text === '') return undefined
  try {
    return parseJson(text) as JsonValue
  } catch (error) {
    throw refuse('The body', error instanceof UnfitJsonError ? error.message : 'is not JSON.')
  }
}

/** Whether a value is an object, and neither null nor a list. */
export function isObject(value: JsonValue | undefined): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The query of a request, as it came. */
export function queryOf(c: Context): string {
  const { url } = c.req
  const start = url.indexOf('?')
  return start < 0 ? '' : url.slice(start + 1)
}

/**
 * Those of the parameters in a query or a form that have one of the names; others are ignored. Two of the same name are
 * refused: whoever stands in front of us may have looked at the other one.
 */
export function readParameters<Name extends string>(
  text: string,
  separator: RegExp,
  names: readonly Name[],
  refuse: Refuse<Name>,
): Partial<Record<Name, string>> {
  const found: Partial<Record<Name, string>> = {}
  for (const part of text.split(separator)) {
    const [first = '', ...rest] = part.split('=')
    const name = names.find((each) => each === decode(first))
    if (name === undefined) continue
    if (found[name] !== undefined) throw refuse(name, 'is given twice.')
    const value = decode(rest.join('='))
    if (value === undefined) throw refuse(name, 'is not UTF-8 in percent-encoding.')
    found[name] = value
  }
  return found
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
