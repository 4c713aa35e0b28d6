import type { Context } from 'hono'
import { parse } from 'hono/utils/cookie'

/**
 * Returns the values of all cookies whose name matches, in the order of the header; a value that cannot be decoded is
 * empty. A browser sends several cookies of one name when they are set for different paths, domains or partitions.
 */
export function cookieValues(c: Context, isNamed: (name: string) => boolean): string[] {
  const values: string[] = []
  for (const pair of c.req.header('cookie')?.split(';') ?? []) {
    const [name = '', value] = pair.trim().split('=', 2)
    if (value !== undefined && isNamed(name)) values.push(parse(pair, name)[name] ?? '')
  }
  return values
}
