import { StoreError } from './errors.ts'

/** The optional packages, most with drivers, and their supported versions, as in `peerDependencies` of package.json. */
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
  undici: '7',
} as const

/** The name of a package in `DRIVERS`. */
export type DriverName = keyof typeof DRIVERS

/**
 * Runs work that imports drivers or other optional packages.
 * @param names all packages that it requires
 * @param load imports the packages or modules that import them
 * @param setting the setting that needs them
 * @returns the result of `load`
 * @throws TypeError with the command that installs the packages, if one of them is missing
 */
export async function loadDriver<T>(
  names: readonly DriverName[],
  load: () => Promise<T>,
  setting = 'store',
): Promise<T> {
  try {
    return await load()
  } catch (error) {
    const missing = names.find((name) => isMissing(error, name))
    // If a dependency of the driver is missing, the driver's own message is the better one.
    if (missing === undefined) throw error
    const packages = names.map((name) => `${name}@${DRIVERS[name]}`).join(' ')
    throw new TypeError(
      `${setting}: the package "${missing}" is not installed; install it with: npm install ${packages}`,
    )
  }
}

/**
 * Decodes the percent-encoding in a part of a URL.
 * @throws TypeError for an invalid escape sequence; the message does not contain the text, which may be a password
 */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new TypeError('the store URL has an invalid % escape sequence: write a literal % as %25')
  }
}

/** Matches the names of driver parameters with secrets, such as `proxyPassword` and `authMechanismProperties`. */
const SECRET = /password|secret|token|properties/i

/**
 * Replaces all secrets of a store URL in a text by `…`, in every encoding that a driver may use.
 * @param text an error message of the driver
 */
export function withoutPassword(text: string, url: URL): string {
  const secrets = [url.password, ...secretParameters(url.search)].flatMap(spellings).filter((secret) => secret !== '')
  // Longest first, since a short secret may be part of a longer one.
  return secrets.sort((a, b) => b.length - a.length).reduce((rest, secret) => rest.replaceAll(secret, '…'), text)
}

/**
 * Returns the error for a server that cannot be used at startup.
 * @param name name of the kind of server
 * @param error an error of the driver, whose message may contain secrets of the URL
 */
export function openingError(name: string, error: unknown, url: URL): StoreError {
  const reason = error instanceof Error ? error.message : String(error)
  return new StoreError('unavailable', `${name} is unavailable: ${withoutPassword(reason, url)}`)
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

/** A server did not reply in time. */
export class ReplyTimeoutError extends Error {
  /** @param ms the timeout, milliseconds */
  constructor(ms: number) {
    super(`no reply within ${ms / 1000} s`)
    this.name = 'ReplyTimeoutError'
  }
}

/**
 * Waits for a reply with a timeout. A reply that arrived while the process was blocked is in time.
 * @param work resolves with the reply
 * @param ms timeout, milliseconds
 * @throws ReplyTimeoutError if the reply takes longer
 * @throws the error of `work`
 */
export async function withTimeout<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    // Node reads sockets between timers and immediates, so a reply that has arrived is still accepted.
    timer = setTimeout(() => setImmediate(() => reject(new ReplyTimeoutError(ms))), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Checks the query of a store URL.
 * @param kind the kind of store, for the message
 * @param known the valid parameters
 * @throws TypeError that names the first unknown parameter
 */
export function checkParameters(url: URL, kind: string, known: readonly string[]): void {
  for (const key of url.searchParams.keys()) {
    if (!known.includes(key)) throw new TypeError(`"${key}" is not a parameter of ${kind} store URLs`)
  }
}
