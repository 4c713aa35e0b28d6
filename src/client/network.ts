import { UnavailableError } from './errors.ts'

/** Waits for a response or a part of it. @throws UnavailableError if the network fails */
export async function overNetwork<T>(response: Promise<T>): Promise<T> {
  try {
    return await response
  } catch (cause) {
    throw new UnavailableError('the gateway cannot be reached', { httpStatus: 0, cause })
  }
}

/** Yields the text of a body as it arrives. @param wait waits for the next part */
export async function* textOf(
  body: ReadableStream<Uint8Array>,
  wait: <T>(part: Promise<T>) => Promise<T>,
): AsyncGenerator<string> {
  // Not `for await`: streams of some browsers are not iterable.
  const reader = body.getReader()
  const decoder = new TextDecoder()
  for (;;) {
    const { done, value } = await wait(reader.read())
    yield decoder.decode(value, { stream: !done })
    if (done) return
  }
}
