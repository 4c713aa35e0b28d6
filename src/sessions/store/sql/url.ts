import { decoded, refuseUnknown } from '../driver.ts'

const DEFAULT_POOL = 10

/**
 * Takes out of a store's URL how many connections there may be. What is left of its query goes to the driver: throws a
 * `TypeError` that names what the driver would not understand.
 */
export function takePool(url: URL, kind: string, known: readonly string[]): { pool: number; rest: URL } {
  // The drivers do not say what is wrong with a stray `%`.
  for (const part of [url.username, url.password, url.hostname, url.pathname]) decoded(part)
  const rest = new URL(url)
  const pool = rest.searchParams.get('pool') ?? `${DEFAULT_POOL}`
  if (!/^[1-9]\d{0,3}$/.test(pool)) throw new TypeError('"pool" must be a whole number from 1 to 9999')
  rest.searchParams.delete('pool')
  refuseUnknown(rest, kind, known)
  return { pool: Number(pool), rest }
}
