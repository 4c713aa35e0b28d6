/** A URL with `user@` and no host, for a Unix socket in the path or in the parameter `host` or `socketPath`. */
const NO_HOST = /^((?:postgres|postgresql|mysql|unix|redis\+unix):\/\/[^/?#]*@)(?=[:/?]|$)/

/** The comma-separated members of a MongoDB replica set, and the part before them. */
const MEMBERS = /^(mongodb:\/\/(?:[^/?#@]*@)?)([^/?#@]*)/

/**
 * Parses a store URL, including forms that `URL` does not accept:
 * - several MongoDB members, `mongodb://a:1,b:2`: all colons except the last become `%3A`, which `withMembers` reverts
 * - a Unix socket with a user and no host
 * - an SQLite path with `#` or white space
 * @throws TypeError for an invalid URL and for `#` in other URLs; the message does not contain the URL, since that may
 *   contain a password
 */
export function parseStoreUrl(text: string): URL {
  const written = text.startsWith('sqlite:')
    ? text.replace(/[#\s]/g, (char) => encodeURIComponent(char))
    : text
        .replace(NO_HOST, '$1localhost')
        .replace(MEMBERS, (_, before: string, members: string) => before + members.replace(/:(?=.*,)/g, '%3A'))
  if (written.includes('#')) throw new TypeError('the store URL contains a #: write it as %23')
  if (!URL.canParse(written)) throw new TypeError('the store URL is invalid')
  return new URL(written)
}
