import type { Context } from 'hono'
import { parse } from 'hono/utils/cookie'
import { header } from './header.ts'

/**
 * The values of all cookies with a name, in the order of the header; empty for one that cannot be decoded. A browser sends
 * several of one name when they were set for different paths, domains or partitions.
 */
export function cookieValues(c: Context, isNamed: (name: string) => boolean): string[] {
  const values: string[] = []
  for (const pair of header(c, 'cookie')?.split(';') ?? []) {
    const [name = '', value] = pair.trim().split('=', 2)
    if (value !== undefined && isNamed(name)) values.push(parse(pair, name)[name] ?? '')
  }
  return values
}
