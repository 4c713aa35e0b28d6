/** The optional packages with drivers, and their supported versions, as in `peerDependencies` of package.json. */
export const DRIVERS = {
  couchbase: '4',
  kysely: '0.28',
  'memcache-client': '1',
  mongodb: '7',
  mysql2: '3',
  pg: '8',
  redis: '6',
  // Required by memcache-parser 1.0, which memcache-client depends on, but not declared in its package.json.
  tslib: '2',
} as const

/** The name of a package in `DRIVERS`. */
export type DriverName = keyof typeof DRIVERS

/**
 * Loads a driver, or a module that imports it.
 * @param names all packages that this kind of store requires
 * @throws TypeError with the command that installs the packages, if one of them is missing
 */
export async function loadDriver<T>(names: readonly DriverName[], load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    const missing = names.find((name) => isMissing(error, name))
    // If a driver lacks a package of its own, its own message is the better one.
    if (missing === undefined) throw error
    const packages = names.map((name) => `${name}@${DRIVERS[name]}`).join(' ')
    throw new TypeError(`store: the package "${missing}" is not installed; install it with: npm install ${packages}`)
  }
}

/** Decodes a part of a URL. Throws a `TypeError` without the text, which may be a password. */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new TypeError('the store URL has an invalid % escape sequence: write a literal % as %25')
  }
}

/** Names of driver parameters with secrets: `proxyPassword`, `authMechanismProperties` with a session token, … */
const SECRET = /password|secret|token|properties/i

/** Returns a driver's message about a URL with all passwords replaced by `…`, in every spelling the driver may use. */
export function withoutPassword(text: string, url: URL): string {
  const secrets = [url.password, ...secretParameters(url.search)].flatMap(spellings).filter((secret) => secret !== '')
  // Longest first, since a short secret may be part of a longer one.
  return secrets.sort((a, b) => b.length - a.length).reduce((rest, secret) => rest.replaceAll(secret, '…'), text)
}

/** Returns the values of secret parameters as written in the URL, and the parts of them after a colon. */
function secretParameters(search: string): string[] {
  const parameters = search.slice(1).split('&')
  return parameters.flatMap((parameter) => {
    const [name = '', value = ''] = parameter.split(/=(.*)/s)
    if (!SECRET.test(name)) return []
    const properties = value.split(/,|%2c/i).map((property) => property.split(/(?::|%3a)(.*)/is)[1] ?? '')
    return [value, ...properties]
  })
}

/** Returns a part of a URL as written, decoded, and in the encodings of other programs. */
function spellings(raw: string): string[] {
  const meanings = [decoded(raw), decoded(raw.replaceAll('+', ' '))]
  const written = meanings.flatMap((meaning) => [
    encodeURIComponent(meaning),
    new URLSearchParams({ '': meaning }).toString().slice(1),
  ])
  return [raw, ...meanings, ...written]
}

function isMissing(error: unknown, name: DriverName): boolean {
  const { code, message } = error as NodeJS.ErrnoException
  return (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && message.includes(`'${name}'`)
}

/** A server did not reply in time, for whatever reason. */
export class LateError extends Error {
  constructor(ms: number) {
    super(`no reply within ${ms / 1000} s`)
    this.name = 'LateError'
  }
}

/**
 * Resolves as `work` does; rejects with a `LateError` if it takes longer than `ms`. Replies that arrived while the
 * process was blocked are in time.
 */
export async function inTime<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    // Sockets are read between timers and immediates.
    timer = setTimeout(() => setImmediate(() => reject(new LateError(ms))), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Checks the query of a store's URL.
 * @throws TypeError that names the first parameter outside `known`
 */
export function refuseUnknown(url: URL, kind: string, known: readonly string[]): void {
  for (const key of url.searchParams.keys()) {
    if (!known.includes(key)) throw new TypeError(`"${key}" is not a parameter of ${kind} store URLs`)
  }
}
