import { checkParameters, decoded } from '../../driver.ts'

const DEFAULT_POOL = 10

/**
 * Removes `pool`, the maximum number of connections, from a store's URL. The rest of the query is passed to the driver.
 * @throws TypeError that names a parameter outside `known` or with a wrong value
 */
export function extractPool(url: URL, kind: string, known: readonly string[]): { pool: number; rest: URL } {
  // The drivers report a stray `%` unclearly.
  for (const part of [url.username, url.password, url.hostname, url.pathname]) decoded(part)
  const rest = new URL(url)
  const pool = rest.searchParams.get('pool') ?? `${DEFAULT_POOL}`
  if (!/^[1-9]\d{0,3}$/.test(pool)) throw new TypeError('"pool" must be a whole number from 1 to 9999')
  rest.searchParams.delete('pool')
  checkParameters(rest, kind, known)
  return { pool: Number(pool), rest }
}
