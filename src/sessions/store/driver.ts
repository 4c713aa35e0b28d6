/**
 * Loads a driver that not every gateway needs, so that it is installed by those who do. Rejects with a `TypeError` that
 * says what to install when it is not there.
 */
export async function loadDriver<T>(name: string, version: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    // The driver itself may lack something too: then what it lacks is named, and that message is the better one.
    if (!isMissing(error) || !error.message.includes(name)) throw error
    throw new TypeError(`this kind of store needs a package that is not installed: npm install ${name}@${version}`)
  }
}

/** A part of a URL as it is meant. Throws a `TypeError` that does not show it: it may be a password. */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new TypeError("the store's URL has a % that means nothing")
  }
}

/** Parameters of drivers that are secrets: `proxyPassword`, `authMechanismProperties` with a session token, … */
const SECRET = /password|secret|token|properties/i

/** What a driver says of a URL, without the passwords in it, however the driver writes them. */
export function withoutPassword(text: string, url: URL): string {
  const secrets = [url.password, ...secretParameters(url.search)].flatMap(spellings).filter((secret) => secret !== '')
  // The longest first: a short one may be a part of it.
  return secrets.sort((a, b) => b.length - a.length).reduce((rest, secret) => rest.replaceAll(secret, '…'), text)
}

/** Their values as they stand in the URL, and what stands behind a colon in them. */
function secretParameters(search: string): string[] {
  const parameters = search.slice(1).split('&')
  return parameters.flatMap((parameter) => {
    const [name = '', value = ''] = parameter.split(/=(.*)/s)
    if (!SECRET.test(name)) return []
    const properties = value.split(/,|%2c/i).map((property) => property.split(/(?::|%3a)(.*)/is)[1] ?? '')
    return [value, ...properties]
  })
}

/** A part of a URL as it is written there, as it is meant, and as others write it. */
function spellings(raw: string): string[] {
  const meanings = [decoded(raw), decoded(raw.replaceAll('+', ' '))]
  const written = meanings.flatMap((meaning) => [
    encodeURIComponent(meaning),
    new URLSearchParams({ '': meaning }).toString().slice(1),
  ])
  return [raw, ...meanings, ...written]
}

function isMissing(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
}

/** There was no answer in time, which may be for many reasons. */
export class LateError extends Error {
  constructor(ms: number) {
    super(`no answer within ${ms / 1000} s`)
    this.name = 'LateError'
  }
}

/** Rejects with a `LateError` when the work is not done in time. */
export async function inTime<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LateError(ms)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Throws a `TypeError` that names a key of the query which means nothing to this kind of store. */
export function refuseUnknown(url: URL, kind: string, known: readonly string[]): void {
  for (const key of url.searchParams.keys()) {
    if (!known.includes(key)) throw new TypeError(`"${key}" is nothing that the store on ${kind} knows`)
  }
}
