import { checkParameters, decoded } from '../../index.ts'

const DEFAULT_POOL = 10

/**
 * Separates the parameter `pool` from a store URL.
 * @param kind the kind of store, for the message
 * @param known the other valid parameters
 * @returns the maximum number of connections, default 10, and the URL without the parameter
 * @throws TypeError that names an unknown or invalid parameter
 */
export function extractPool(url: URL, kind: string, known: readonly string[]): { pool: number; rest: URL } {
  // The error messages of the drivers for an invalid `%` are unclear.
  for (const part of [url.username, url.password, url.hostname, url.pathname]) decoded(part)
  const rest = new URL(url)
  const pool = rest.searchParams.get('pool') ?? `${DEFAULT_POOL}`
  if (!/^[1-9]\d{0,3}$/.test(pool)) throw new TypeError('"pool" must be a whole number from 1 to 9999')
  rest.searchParams.delete('pool')
  checkParameters(rest, kind, known)
  return { pool: Number(pool), rest }
}
