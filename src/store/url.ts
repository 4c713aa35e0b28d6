/** `user@` without a host: the path, or the parameter `host` or `socketPath`, is a Unix socket. */
const NO_HOST = /^((?:postgres|postgresql|mysql|unix|redis\+unix):\/\/[^/?#]*@)(?=[:/?]|$)/

/** The comma-separated members of a MongoDB replica set, and the part before them. */
const MEMBERS = /^(mongodb:\/\/(?:[^/?#@]*@)?)([^/?#@]*)/

/**
 * Parses a store URL in the forms that providers and people use.
 *
 * For several MongoDB members, `mongodb://a:1,b:2`, a URL has a port only at the last one: the other colons become
 * `%3A`, which `withMembers` reverts. In SQLite paths only `?` and `%` are special; in other URLs a `#` would truncate
 * the rest.
 * @throws TypeError without the URL in its message, since that may contain a password
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

/** Returns a MongoDB URL in the form that the driver parses. */
export function withMembers(url: URL): string {
  return url.href.replace(url.hostname, url.hostname.replace(/%3A/gi, ':'))
}
