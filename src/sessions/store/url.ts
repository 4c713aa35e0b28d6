/** `user@` without a host behind it: the path, or the parameter `host` or `socketPath`, names a Unix socket then. */
const NO_HOST = /^((?:postgres|postgresql|mysql|unix|redis\+unix):\/\/[^/?#]*@)(?=[:/?]|$)/

/**
 * Parses the URL of a store as people write it. Throws a `TypeError` that does not show it: it may hold a password.
 *
 * In a path of SQLite only `?` and `%` have a meaning; in other URLs a `#` would cut off what stands behind it.
 */
export function parseStoreUrl(text: string): URL {
  const written = text.startsWith('sqlite:')
    ? text.replace(/[#\s]/g, (char) => encodeURIComponent(char))
    : text.replace(NO_HOST, '$1localhost')
  if (written.includes('#')) throw new TypeError('the URL of the store has a #: in a name or a password it is %23')
  if (!URL.canParse(written)) throw new TypeError('the store is no URL')
  return new URL(written)
}
