import { mapConcurrent } from '../map-concurrent.ts'
import { CollectedSize } from './collected-size.ts'
import { type LinkInfo, readMiscInfo } from './misc-info.ts'
import type { LyskomSession } from './session.ts'
import { getStatusAndSubject, type StatusWithSubject, type TextOverview } from './subjects.ts'
import { describeTexts, unlessGone } from './texts.ts'

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

/** A text of the thread. */
interface Found extends StatusWithSubject {
  /** the texts that it comments, or to which it is a footnote */
  parents: number[]
  /** its comments and footnotes */
  children: number[]
}

/**
 * Returns the thread around a text. The way up leads to the first text in each comment-to list that may be read. The
 * texts are requested level by level, so a limit leaves out those that are farthest from the text.
 *
 * Takes as many round trips as there are levels around the text, and two more: without `up`, three more than the number
 * of links from the text to its lowest descendant; with `up`, the links on the way up and down again count.
 *
 * @throws KomError `no-such-text` if the text does not exist or the person may not read it
 */
export async function getThread(session: LyskomSession, textNo: number, options: ThreadOptions): Promise<Thread> {
  const size = new CollectedSize(session.connection)
  const first = await find(session, textNo, size)
  const { found, root, truncated } = await collect(session, textNo, first, options, size)
  const order = depthFirst(root, found)
  const texts = order.map((no) => found.get(no) as Found)
  const known = new Map([...found].map(([no, text]) => [no, text?.status.stat.author]))
  const [heads, subjects] = await Promise.all([
    describeTexts(
      session,
      texts.map(({ status }) => status),
      size,
      known,
    ),
    Promise.all(texts.map(({ subject }) => subject)),
  ])
  return { root, texts: heads.map((head, i) => ({ head, subject: subjects[i] ?? null })), truncated }
}

async function find(session: LyskomSession, textNo: number, size: CollectedSize): Promise<Found> {
  const text = await getStatusAndSubject(session, textNo, size)
  const { commentTo, commentIn } = readMiscInfo(text.status.stat.miscInfo)
  return { ...text, parents: numbersOf(commentTo), children: numbersOf(commentIn) }
}

function numbersOf(links: readonly LinkInfo[]): number[] {
  return links.map(({ textNo }) => textNo)
}

/** Finds texts up and down from a text, all texts at one distance from it in one round trip. */
async function collect(
  session: LyskomSession,
  textNo: number,
  first: Found,
  { up, limit }: ThreadOptions,
  size: CollectedSize,
): Promise<{ found: Map<number, Found | undefined>; root: number; truncated: boolean }> {
  const found = new Map<number, Found | undefined>([[textNo, first]])
  /** the texts whose comments belong to the thread */
  const inThread = new Set([textNo])
  let root = textNo
  let level = [first]
  let top: Found | undefined = up ? first : undefined
  let truncated = false
  while (level.length > 0) {
    const children = level.flatMap((text) => text.children)
    const parents = top?.parents ?? []
    const unknown = [...new Set([...parents, ...children])].filter((no) => !found.has(no))
    const requested = unknown.slice(0, limit - found.size)
    truncated ||= requested.length < unknown.length
    // Set the keys first, so that the map has the order of the links and not of the replies.
    for (const no of requested) found.set(no, undefined)
    await mapConcurrent(requested, async (no) => found.set(no, await unlessGone(find(session, no, size))))
    const parent = parents.find((no) => found.get(no) !== undefined && !inThread.has(no))
    top = parent === undefined ? undefined : found.get(parent)
    // The link may have been removed meanwhile.
    if (top?.children.includes(root) === false) top.children.push(root)
    root = parent ?? root
    level = []
    for (const no of parent === undefined ? children : [parent, ...children]) {
      const text = inThread.has(no) ? undefined : found.get(no)
      if (text === undefined) continue
      inThread.add(no)
      level.push(text)
    }
  }
  return { found, root, truncated }
}

/** Returns the texts of a thread in depth-first order. */
function depthFirst(root: number, found: ReadonlyMap<number, Found | undefined>): number[] {
  const order = new Set<number>()
  const waiting = [root]
  for (let no = waiting.pop(); no !== undefined; no = waiting.pop()) {
    const text = found.get(no)
    if (text === undefined || order.has(no)) continue
    order.add(no)
    waiting.push(...text.children.toReversed())
  }
  return [...order]
}
