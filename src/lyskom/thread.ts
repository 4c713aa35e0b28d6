import { CollectedSize } from './collected-size.ts'
import { type LinkInfo, readMiscInfo } from './misc-info.ts'
import type { LyskomSession } from './session.ts'
import { getSubject, type TextOverview } from './subjects.ts'
import { describeTexts, getTextStatus, type TextStatus, unlessGone } from './texts.ts'

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
 * Takes as many round trips as there are levels around the text, and two more: without `up`, three more than the number
 * of links from the text to its lowest descendant; with `up`, the links on the way up and down again count.
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
    const [root] = await Promise.all([up ? this.#goUp(textNo, text) : textNo, this.#goDown(textNo, text)])
    return root
  }

  /** Reads the texts above a text, and all below them. Resolves with the number of the topmost one. */
  async #goUp(textNo: number, { parents }: Found): Promise<number> {
    const texts = await Promise.all(parents.map((no) => this.#request(no)))
    const parentNo = parents.find((no, i) => texts[i] !== undefined && !this.subjects.has(no))
    const parent = parentNo === undefined ? undefined : this.found.get(parentNo)
    if (parentNo === undefined || parent === undefined) return textNo
    // The link may have been removed meanwhile.
    if (!parent.children.includes(textNo)) parent.children.push(textNo)
    const [root] = await Promise.all([this.#goUp(parentNo, parent), this.#goDown(parentNo, parent)])
    return root
  }

  /** Reads the subject of a text and the texts below it. */
  async #goDown(textNo: number, { status, children }: Found): Promise<void> {
    // Request the comments first, because further requests depend on them.
    const requests = children.map((no) => [no, this.#request(no)] as const)
    const subject = getSubject(this.#session, status, this.#size)
    // Another request may fail before the subject is awaited.
    subject.catch(() => undefined)
    this.subjects.set(textNo, subject)
    await Promise.all(
      requests.map(async ([no, request]) => {
        const text = await request
        if (text !== undefined && !this.subjects.has(no)) await this.#goDown(no, text)
      }),
    )
  }

  /** Requests a text, unless that is done already. Resolves with undefined beyond the limit as well. */
  #request(textNo: number): Promise<Found | undefined> {
    const known = this.#requests.get(textNo)
    if (known !== undefined) return known
    if (this.#requests.size >= this.#limit) {
      this.isTruncated = true
      return Promise.resolve(undefined)
    }
    const request = unlessGone(this.#find(textNo))
    this.#requests.set(textNo, request)
    this.found.set(textNo, undefined)
    return request
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
