import type { HeldResponses } from './held-responses.ts'
import type { BatchRequest } from './requests.ts'
import type { SubResponse } from './sub-response.ts'

type Responses = ReadonlyMap<string, Promise<SubResponse | undefined>>

/** Characters of lines that are sent at once. */
const CHUNK = 65_536

/** Resolves with the responses of a batch as JSON, in the order of the requests, when all of them are there. */
export async function allAsJson(
  requests: readonly BatchRequest[],
  responses: Responses,
  held: HeldResponses,
): Promise<string> {
  const all = await Promise.all(requests.map(({ id }) => responses.get(id)))
  held.close()
  return `{"responses":[${all.flatMap((each) => each?.entry ?? []).join(',')}]}`
}

/**
 * Yields the responses of a batch in UTF-8, each as a line of JSON when it is there, as fast as they are read. Ends when
 * all of them were read, and after an abort when those that were started are there.
 */
export async function* asLines(responses: Responses, held: HeldResponses): AsyncGenerator<Uint8Array> {
  const ready: string[] = []
  let left = responses.size
  let wake: () => void = () => undefined
  for (const each of responses.values()) {
    void each.then((response) => {
      left--
      if (response !== undefined) ready.push(response.entry)
      wake()
    })
  }
  try {
    while (left > 0 || ready.length > 0) {
      if (ready.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      const lines = takeChunk(ready)
      held.release(lines.reduce((sum, { length }) => sum + length, 0))
      yield Buffer.from(`${lines.join('\n')}\n`)
    }
  } finally {
    held.close()
  }
}

/** Removes the first lines: one at least, and further ones while they have less than `CHUNK` characters. */
function takeChunk(ready: string[]): string[] {
  let n = 0
  let size = 0
  while (n < ready.length && size < CHUNK) size += (ready[n++] as string).length
  return ready.splice(0, n)
}
