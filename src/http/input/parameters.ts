/** Path and query parameters. Each function throws an `invalid-request` error (400) that names the invalid parameter. */
import type { Context } from 'hono'
import { badRequest, latin1 } from './body.ts'

/** Returns a whole number in the path, where the route pattern accepts only digits. */
export function pathNumber(c: Context, name: string, max: number): number {
  return wholeNumber(name, c.req.param(name) ?? '', max)
}

/** Returns a whole number in the query, or `fallback` if it is absent. */
export function queryNumber(c: Context, name: string, fallback: number, max: number): number {
  const text = c.req.query(name)
  return text === undefined ? fallback : wholeNumber(name, text, max)
}

/** Returns `true` or `false` in the query under the first of the names that is present, or `fallback`. */
export function queryBoolean(c: Context, names: readonly [string, ...string[]], fallback: boolean): boolean {
  const name = names.find((each) => c.req.query(each) !== undefined)
  if (name === undefined) return fallback
  const text = c.req.query(name)
  if (text !== 'true' && text !== 'false') throw badRequest(`"${name}" must be true or false.`)
  return text === 'true'
}

/** Returns a required name in the query. */
export function queryLatin1(c: Context, name: string): string {
  const text = c.req.query(name)
  if (text === undefined) throw badRequest(`Missing "${name}".`)
  const parsed = latin1.safeParse(text)
  if (!parsed.success) throw badRequest(`"${name}" ${parsed.error.issues[0]?.message}`)
  return parsed.data
}

function wholeNumber(name: string, text: string, max: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (!(value <= max)) throw badRequest(`"${name}" must be a whole number from 0 to ${max}.`)
  return value
}
