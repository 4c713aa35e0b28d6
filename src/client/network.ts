import { UnavailableError } from './errors.ts'

/** Waits for a response or a part of it. @throws UnavailableError if the network fails */
export async function overNetwork<T>(response: Promise<T>): Promise<T> {
  try {
    return await response
  } catch (cause) {
    throw new UnavailableError('the gateway cannot be reached', { httpStatus: 0, cause })
  }
}
