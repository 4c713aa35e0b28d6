/** `user@` without a host behind it: the path, or the parameter `host` or `socketPath`, names a Unix socket then. */
const NO_HOST = /^((?:postgres|postgresql|mysql|unix|redis\+unix):\/\/[^/?#]*@)(?=[:/?]|$)/

/** The members of a replica set of MongoDB, with commas between them, and what stands before. */
const MEMBERS = /^(mongodb:\/\/(?:[^/?#@]*@)?)([^/?#@]*)/

/**
 * Parses the URL of a store as people write it. Throws a `TypeError` that does not show it: it may hold a password.
 *
 * Of several members of MongoDB, `mongodb://a:1,b:2`, only the last one's port is one to a URL: the other colons become
 * `%3A`, which `withMembers` takes back. In a path of SQLite only `?` and `%` have a meaning; in other URLs a `#` would cut off what stands behind it.
 */
export function parseStoreUrl(text: string): URL {
  const written = text.startsWith('sqlite:')
    ? text.replace(/[#\s]/g, (char) => encodeURIComponent(char))
    : text
        .replace(NO_HOST, '$1localhost')
        .replace(MEMBERS, (_, before: string, members: string) => before + members.replace(/:(?=.*,)/g, '%3A'))
  if (written.includes('#')) throw new TypeError('the URL of the store has a #: in a name or a password it is %23')
  if (!URL.canParse(written)) throw new TypeError('the store is no URL')
  return new URL(written)
}

/** The text of a URL of MongoDB as its driver reads it. */
export function withMembers(url: URL): string {
  return url.href.replace(url.hostname, url.hostname.replace(/%3A/gi, ':'))
}
