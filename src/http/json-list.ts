import { setImmediate } from 'node:timers/promises'
import type { Context } from 'hono'
import { json, jsonStream } from './answer.ts'
import type { Env } from './context.ts'

/** Characters of a list that are written at once. */
const CHUNK = 65_536

type Page = readonly object[]
/** Pages of a list; what is returned at the end are the fields that stand behind the list. */
type Pages = AsyncGenerator<Page, object, undefined>
type Report = (error: unknown, requestId: string) => void

/**
 * Answers with `{[name]: [item, …]}`. A list of one page is an ordinary JSON answer; a longer one is written as it is
 * read and as fast as the client takes it, so that it holds neither the event loop nor much memory.
 *
 * Rejects when one of the first two pages cannot be read. When a later one fails, the connection is closed before the
 * end of the body, and the error goes to `report`.
 */
export async function jsonList(c: Context<Env>, name: string, pages: Pages, report: Report): Promise<Response> {
  const first = await pages.next()
  if (first.done) return json({ [name]: [], ...first.value })
  const second = await pages.next()
  if (second.done) return json({ [name]: first.value, ...second.value })
  const all = chained([first.value, second.value], pages)
  const requestId = c.get('requestId')
  const outgoing = c.env?.outgoing
  return jsonStream(
    breakingOff(chunks(name, all), (error) => {
      report(error, requestId)
      outgoing?.destroy()
    }),
  )
}

/**
 * Maps every item of a list.
 * @param of gives what is listed for an item, undefined for one that is left out
 * @param max items that are taken; where there are more, the list ends with `truncated: true`
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

/** The items of a collection in pages of a size; the collection may change between two of them. */
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

async function* chained(read: readonly Page[], rest: Pages): Pages {
  try {
    yield* read
    return yield* rest
  } finally {
    await rest.return({})
  }
}

/** A list in chunks of JSON. */
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

/** The server adapter writes the message of an error into the body, so none reaches it. */
async function* breakingOff<T>(pieces: AsyncGenerator<T>, onError: (error: unknown) => void): AsyncGenerator<T> {
  try {
    yield* pieces
  } catch (error) {
    onError(error)
  }
}
