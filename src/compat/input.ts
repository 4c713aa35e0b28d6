/**
 * Reading of request bodies and parameters for the compatibility APIs. Each function takes a factory for its errors,
 * because each API has its own error format.
 */
import type { Context } from 'hono'
import type { z } from 'zod'
import { rejectCodings } from '../http/input/content-coding.ts'
import type { ParameterSchemas, ParameterValues } from '../http/input/parameters.ts'
import { InvalidJsonError, parseJson } from '../http/input/parse-json.ts'
import type { JsonValue } from '../store/record.ts'

/** Creates the error to throw. `reason` is the predicate of a sentence about `what`. */
export type ErrorFactory<What> = (what: What, reason: string) => Error

/** Control characters. Many readers of JSON Schemas do not know `\p{Cc}`. */
const NOT_IN_NAMES = '\\u0000-\\u001f\\u007f-\\u009f'

/** Returns the pattern of a name: no control characters. Requests hold no lone surrogates. */
export function namePattern(maxLength: number, minLength = 1): RegExp {
  return new RegExp(`^[^${NOT_IN_NAMES}]{${minLength},${maxLength}}$`, 'u')
}

/** Reads the body as text, empty without a body. @throws RequestError `content-coding` (415) for a compressed body */
export async function readText(c: Context, errorFor: ErrorFactory<'The body'>): Promise<string> {
  rejectCodings(c)
  const bytes = await c.req.arrayBuffer().catch(() => {
    throw errorFor('The body', 'is incomplete.')
  })
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw errorFor('The body', 'is not UTF-8.')
  }
}

/** Reads the body as JSON, whatever its content type. Returns undefined without a body. */
export async function readJson(c: Context, errorFor: ErrorFactory<'The body'>): Promise<JsonValue | undefined> {
  const text = await readText(c, errorFor)
  if (text === '') return undefined
  try {
    return parseJson(text) as JsonValue
  } catch (error) {
    throw errorFor('The body', error instanceof InvalidJsonError ? error.message : 'is not JSON.')
  }
}

/**
 * Validates parameters in the order of their schemas. An empty parameter counts as a missing one.
 * @param source returns the parameter of a name
 * @param errorFor creates the error for the first invalid parameter; `issue` is undefined if it is missing
 */
export function checkParameters<S extends ParameterSchemas>(
  schemas: S,
  source: (name: string) => string | undefined,
  errorFor: (name: string, issue: z.core.$ZodIssue | undefined) => Error,
): ParameterValues<S> {
  const values: Record<string, unknown> = {}
  for (const [name, schema] of Object.entries(schemas)) {
    const text = source(name) || undefined
    const parsed = schema.safeParse(text)
    if (!parsed.success) throw errorFor(name, text === undefined ? undefined : parsed.error.issues[0])
    values[name] = parsed.data
  }
  return values as ParameterValues<S>
}

/** Returns whether a value is an object, and neither null nor an array. */
export function isObject(value: JsonValue | undefined): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Returns the raw query string of a request. */
export function queryOf(c: Context): string {
  const { url } = c.req
  const start = url.indexOf('?')
  return start < 0 ? '' : url.slice(start + 1)
}

/**
 * Returns the parameters of a query or a form that have one of the names; others are ignored. Duplicate parameters are
 * rejected: a proxy in front may have checked the other value.
 */
export function readParameters<Name extends string>(
  text: string,
  separator: RegExp,
  names: readonly Name[],
  errorFor: ErrorFactory<Name>,
): Partial<Record<Name, string>> {
  const found: Partial<Record<Name, string>> = {}
  for (const part of text.split(separator)) {
    const [first = '', ...rest] = part.split('=')
    const name = names.find((each) => each === decode(first))
    if (name === undefined) continue
    if (found[name] !== undefined) throw errorFor(name, 'is given twice.')
    const value = decode(rest.join('='))
    if (value === undefined) throw errorFor(name, 'is not UTF-8 in percent-encoding.')
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
