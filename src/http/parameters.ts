/** What a request says in its path and its query. Each function fails with a 400 that names what is wrong. */
import type { Context } from 'hono'
import { badRequest, latin1 } from './body.ts'

/** A whole number in the path, where the route lets only digits through. */
export function pathNumber(c: Context, name: string, max: number): number {
  return whole(name, c.req.param(name) ?? '', max)
}

/** A whole number in the query. */
export function queryNumber(c: Context, name: string, fallback: number, max: number): number {
  const text = c.req.query(name)
  return text === undefined ? fallback : whole(name, text, max)
}

/** `true` or `false` in the query, under any of the names. */
export function queryBoolean(c: Context, names: readonly [string, ...string[]], fallback: boolean): boolean {
  const name = names.find((each) => c.req.query(each) !== undefined)
  if (name === undefined) return fallback
  const text = c.req.query(name)
  if (text !== 'true' && text !== 'false') throw badRequest(`"${name}" must be true or false.`)
  return text === 'true'
}

/** A name in the query, which must be there. */
export function queryLatin1(c: Context, name: string): string {
  const text = c.req.query(name)
  if (text === undefined) throw badRequest(`Missing "${name}".`)
  const parsed = latin1.safeParse(text)
  if (!parsed.success) throw badRequest(`"${name}" ${parsed.error.issues[0]?.message}`)
  return parsed.data
}

function whole(name: string, text: string, max: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (!(value <= max)) throw badRequest(`"${name}" must be a whole number from 0 to ${max}.`)
  return value
}
