import { setImmediate } from 'node:timers/promises'
import type { Context } from 'hono'
import type { Env } from '../env.ts'
import { json, jsonStream } from '../node/responses.ts'

/** Characters of a list that are written at once. */
const CHUNK = 65_536

type Page = readonly object[]
/** Pages of a list. The return value holds the fields that follow the list. */
type Pages = AsyncGenerator<Page, object, undefined>
type Report = (error: unknown, requestId: string) => void

/**
 * Responds with `{[name]: [item, …]}`. A list of one page is an ordinary JSON response. A longer list is streamed as it
 * is read and as fast as the client reads it, so that it blocks neither the event loop nor fills the memory.
 *
 * Rejects when one of the first two pages cannot be read. When a later page fails, the gateway closes the connection
 * before the end of the body and passes the error to `report`.
 */
export async function jsonList(c: Context<Env>, name: string, pages: Pages, report: Report): Promise<Response> {
  const first = await pages.next()
  if (first.done) return json({ [name]: [], ...first.value })
  const second = await pages.next()
  if (second.done) return json({ [name]: first.value, ...second.value })
  const all = concatenated([first.value, second.value], pages)
  const requestId = c.get('requestId')
  const { outgoing, batch } = c.env ?? {}
  return jsonStream(
    reportingErrors(chunks(name, all), (error) => {
      // A batch reports the error of its request.
      if (batch === undefined) report(error, requestId)
      if (outgoing === undefined) throw error
      outgoing.destroy()
    }),
  )
}

/**
 * Maps every item of a list.
 * @param of returns the listed object of an item, undefined to leave the item out
 * @param max the largest number of items; a longer list is cut and ends with `truncated: true`
 */
export async function* mapPages<T>(
  pages: AsyncIterable<readonly T[]>,
  of: (item: T) => object | undefined,
  max = Number.POSITIVE_INFINITY,
): Pages {
  let left = max
  for await (const page of pages) {
    const items = page.slice(0, left).map(of)
    if (items.length > 0) yield items.filter((item) => item !== undefined)
    left -= page.length
    if (left < 0) return { truncated: true }
  }
  return {}
}

/** Yields the items of a collection in pages of `size` items. The collection may change between two pages. */
export async function* pagesOf<T>(items: Iterable<T>, size: number): AsyncGenerator<T[], void, undefined> {
  let page: T[] = []
  for (const item of items) {
    page.push(item)
    if (page.length < size) continue
    yield page
    page = []
    await setImmediate()
  }
  yield page
}

async function* concatenated(read: readonly Page[], rest: Pages): Pages {
  try {
    yield* read
    return yield* rest
  } finally {
    await rest.return({})
  }
}

/** Yields a list as JSON in chunks of UTF-8. */
async function* chunks(name: string, pages: Pages): AsyncGenerator<Uint8Array> {
  let text = `{${JSON.stringify(name)}:[`
  let separator = ''
  try {
    for (;;) {
      const next = await pages.next()
      if (next.done) {
        const fields = Object.entries(next.value).map(([key, value]) => `,"${key}":${JSON.stringify(value)}`)
        yield Buffer.from(`${text}]${fields.join('')}}`)
        return
      }
      for (const item of next.value) {
        text += separator + JSON.stringify(item)
        separator = ','
        if (text.length < CHUNK) continue
        yield Buffer.from(text)
        text = ''
        await setImmediate()
      }
    }
  } finally {
    await pages.return({})
  }
}

/**
 * Passes an error to `onError`, and ends quietly unless that throws: the server adapter would write the error message
 * into the body.
 */
async function* reportingErrors<T>(pieces: AsyncGenerator<T>, onError: (error: unknown) => void): AsyncGenerator<T> {
  try {
    yield* pieces
  } catch (error) {
    onError(error)
  }
}
