import { ConcurrencyLimit } from '../concurrency-limit.ts'
import { CollectedSize } from './collected-size.ts'
import { type LinkInfo, readMiscInfo } from './misc-info.ts'
import type { TextStatus } from './read-text.ts'
import type { LyskomSession } from './session.ts'
import { getSubject, type TextOverview } from './subjects.ts'
import { describeTexts, getTextStatus, unlessGone } from './texts.ts'

/** The thread around a text: a text and all comments and footnotes below it, without those that may not be read. */
export interface Thread {
  root: number
  /** depth first, each text once, the comments on a text in their order there */
  texts: TextOverview[]
  /** whether the limit left texts out */
  truncated: boolean
}

/** Selects the part of a thread. */
export interface ThreadOptions {
  /** whether to begin at the top of the thread instead of at the text */
  up: boolean
  /** the largest number of texts to request, those that may not be read included */
  limit: number
}

/** A text with the numbers of the texts around it. */
interface Found {
  status: TextStatus
  /** the texts that it comments, or to which it is a footnote */
  parents: number[]
  /** its comments and footnotes */
  children: number[]
}

/**
 * Returns the thread around a text. The way up leads to the first text in each comment-to list that may be read. The
 * texts are requested in the order of their distance from the text, so a limit leaves out those that are farthest.
 *
 * Takes three round trips more than the number of links between the text and the text of the thread that is farthest
 * from it: without `up`, that is the height of the thread. Each text takes two calls.
 *
 * @throws KomError `no-such-text` if the text does not exist or the person may not read it
 */
export async function getThread(session: LyskomSession, textNo: number, { up, limit }: ThreadOptions): Promise<Thread> {
  const size = new CollectedSize(session.connection)
  const reader = new ThreadReader(session, limit, size)
  const root = await reader.read(textNo, up)
  const { found, subjects, isTruncated: truncated } = reader
  const texts = depthFirst(root, found)
  const known = new Map([...found].map(([no, text]) => [no, text?.status.stat.author]))
  const statuses = texts.map(({ status }) => status)
  const [heads, read] = await Promise.all([
    describeTexts(session, statuses, size, known),
    Promise.all(statuses.map((status) => subjects.get(status.textNo))),
  ])
  return { root, texts: heads.map((head, i) => ({ head, subject: read[i] ?? null })), truncated }
}

/**
 * Number of statuses and subjects that are requested at the same time: more than the in-flight window of a connection
 * admits, so that it is always full, and few, because these requests are not cancelled after an error.
 */
const CONCURRENCY = 64

/** Requests the texts around a text, each as soon as a link to it is known. */
class ThreadReader {
  /** the requested texts; undefined for those that may not be read */
  readonly found = new Map<number, Found | undefined>()
  /** the subjects of the texts of the thread */
  readonly subjects = new Map<number, Promise<string | null>>()
  isTruncated = false
  readonly #requests = new Map<number, Promise<Found | undefined>>()
  readonly #session: LyskomSession
  readonly #limit: number
  readonly #size: CollectedSize
  readonly #concurrency = new ConcurrencyLimit(CONCURRENCY)

  constructor(session: LyskomSession, limit: number, size: CollectedSize) {
    this.#session = session
    this.#limit = limit
    this.#size = size
  }

  /** Reads the thread. Resolves with the number of its topmost text. */
  async read(textNo: number, up: boolean): Promise<number> {
    const first = this.#find(textNo)
    this.#requests.set(textNo, first)
    const text = await first
    const [root] = await Promise.all([up ? this.#goUp(text) : textNo, this.#goDown(text)])
    return root
  }

  /** Reads the texts above a text, and all below them. Resolves with the number of the topmost one. */
  async #goUp({ status: { textNo }, parents }: Found): Promise<number> {
    await Promise.all(this.#request(parents))
    const isNew = (text: Found | undefined) => text !== undefined && !this.subjects.has(text.status.textNo)
    const parent = parents.map((no) => this.found.get(no)).find(isNew)
    if (parent === undefined) return textNo
    // The link may have been removed meanwhile.
    if (!parent.children.includes(textNo)) parent.children.push(textNo)
    const [root] = await Promise.all([this.#goUp(parent), this.#goDown(parent)])
    return root
  }

  /** Reads the subject of a text and the texts below it. */
  async #goDown({ status, children }: Found): Promise<void> {
    // Request the comments first, because further requests depend on them.
    const requests = this.#request(children)
    const subject = this.#concurrency.run(() => getSubject(this.#session, status, this.#size))
    // Another request may fail before the subject is awaited.
    subject.catch(() => undefined)
    this.subjects.set(status.textNo, subject)
    await Promise.all(
      requests.map(async (request) => {
        const text = await request
        if (text !== undefined && !this.subjects.has(text.status.textNo)) await this.#goDown(text)
      }),
    )
  }

  /** Requests texts that are not requested yet. Returns the requests of all of them within the limit. */
  #request(textNos: readonly number[]): Promise<Found | undefined>[] {
    return textNos.flatMap((textNo) => {
      const known = this.#requests.get(textNo)
      if (known !== undefined) return known
      if (this.#requests.size >= this.#limit) {
        this.isTruncated = true
        return []
      }
      const request = this.#concurrency.run(() => unlessGone(this.#find(textNo)))
      this.#requests.set(textNo, request)
      this.found.set(textNo, undefined)
      return request
    })
  }

  async #find(textNo: number): Promise<Found> {
    const status = await getTextStatus(this.#session, textNo, this.#size)
    const { commentTo, commentIn } = readMiscInfo(status.stat.miscInfo)
    const found = { status, parents: numbersOf(commentTo), children: numbersOf(commentIn) }
    this.found.set(textNo, found)
    return found
  }
}

function numbersOf(links: readonly LinkInfo[]): number[] {
  return links.map(({ textNo }) => textNo)
}

/** Returns the texts below and including the topmost one, in depth-first order. */
function depthFirst(root: number, found: ReadonlyMap<number, Found | undefined>): Found[] {
  const order = new Map<number, Found>()
  const waiting = [root]
  for (let no = waiting.pop(); no !== undefined; no = waiting.pop()) {
    const text = found.get(no)
    if (text === undefined || order.has(no)) continue
    order.set(no, text)
    waiting.push(...text.children.toReversed())
  }
  return [...order.values()]
}
