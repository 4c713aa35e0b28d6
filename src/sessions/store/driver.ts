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

/** What a driver says of a URL, without the password in it. */
export function withoutPassword(text: string, { password }: URL): string {
  if (password === '') return text
  return text.replaceAll(password, '…').replaceAll(decoded(password), '…')
}

function isMissing(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
}
