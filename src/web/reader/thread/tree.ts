import type { ThreadText } from 'komgate/client'
import { inReadingOrder } from '../reading/order.ts'

/** A text without its body. */
export type Overview = Pick<
  ThreadText,
  'text_no' | 'author' | 'creation_time' | 'subject' | 'comment_to_list' | 'comment_in_list'
>

/** A link to a comment or footnote. */
export type Link = Overview['comment_in_list'][number]

/** A text of a thread with the comments and footnotes below it. */
export interface Branch {
  no: number
  /** undefined for a text of which only the link is known */
  text: Overview | undefined
  author: Overview['author']
  children: Branch[]
}

/** Returns a text if it is known. */
export type TextOf = (textNo: number) => Overview | undefined

/**
 * Returns the thread around a text: the topmost known text above it, with all comments and footnotes below, each once and
 * in reading order. Texts that the person may not read are left out. Undefined if the text is not known.
 */
export function treeOf(textNo: number, textOf: TextOf): Branch | undefined {
  const text = textOf(textNo)
  if (text === undefined) return undefined
  const way = wayUp(text, textOf)
  const root = way.at(-1) as Overview
  // The texts on the way to the shown text, by the number of the text above each.
  const onWay = new Map(way.slice(1).map(({ text_no }, i) => [text_no, way[i] as Overview]))
  const seen = new Set([root.text_no])
  const top: Branch = { no: root.text_no, text: root, author: root.author, children: [] }
  // Depth first, because a text may be a comment on several. A thread may be deeper than the stack.
  const waiting: { branch: Branch; links: Link[] }[] = [
    { branch: top, links: linksBelow(root, onWay.get(root.text_no)) },
  ]
  for (let last = waiting.at(-1); last !== undefined; last = waiting.at(-1)) {
    const link = last.links.shift()
    if (link === undefined) waiting.pop()
    else if (link.author !== null && !seen.has(link.text_no)) {
      seen.add(link.text_no)
      const below = textOf(link.text_no)
      const branch: Branch = { no: link.text_no, text: below, author: link.author, children: [] }
      last.branch.children.push(branch)
      if (below !== undefined) waiting.push({ branch, links: linksBelow(below, onWay.get(below.text_no)) })
    }
  }
  return top
}

/** Returns a text and the texts above it, the topmost last. */
function wayUp(text: Overview, textOf: TextOf): Overview[] {
  const way = [text]
  const seen = new Set([text.text_no])
  for (const each of way) {
    const parent = each.comment_to_list
      .map(({ text_no }) => textOf(text_no))
      .find((one) => one && !seen.has(one.text_no))
    if (parent === undefined) break
    seen.add(parent.text_no)
    way.push(parent)
  }
  return way
}

/** Returns the links below a text. `next` is one of them, whatever the order in which the texts have been loaded. */
function linksBelow(text: Overview, next: Overview | undefined): Link[] {
  const links = inReadingOrder(text.comment_in_list)
  if (next === undefined || links.some(({ text_no }) => text_no === next.text_no)) return links
  return [...links, { type: 'comment', text_no: next.text_no, author: next.author }]
}

/** Returns the numbers of the texts of a thread if all of them are known, otherwise undefined. */
export function completeThread(textNo: number, textOf: TextOf): Set<number> | undefined {
  const known = new Set([textNo])
  for (const no of known) {
    const text = textOf(no)
    if (text === undefined) return undefined
    for (const { text_no, author } of [...text.comment_to_list, ...text.comment_in_list]) {
      if (author !== null) known.add(text_no)
    }
  }
  return known
}
