/** The unread texts of a conference. */
export interface UnreadTexts {
  conf_no: number
  unread_texts: readonly number[]
}

/** The links of a text. */
export interface LinkedText {
  comment_to_list: readonly { text_no: number }[]
  comment_in_list: readonly { type: 'comment' | 'footnote'; text_no: number }[]
}

/** A text, and the conference in which it is read. */
export interface Place {
  confNo: number
  textNo: number
}

/** Where the person is: the text that is shown, and the conference in which they read it. */
export interface From {
  confNo: number | undefined
  textNo: number | undefined
}

/** Returns the links of a text if they are known. */
type LinksOf = (textNo: number) => LinkedText | undefined

/** What comes next: texts in the thread of the shown text, other texts of its conference, or another conference. */
export interface Coming {
  kind: 'thread' | 'conference' | 'next-conference'
  /** the number of unread texts there, the next one included */
  count: number
}

/**
 * Returns the unread text to read after another one: the comments to it, then those to the texts above it, then the first
 * text of the conference, then that of the next conference.
 *
 * @param unread the conferences with unread texts, in reading order
 * @param from the text that is shown, which is skipped
 */
export function nextUnread(unread: readonly UnreadTexts[], from: From, linksOf: LinksOf): Place | undefined {
  return unreadFrom(unread, from, linksOf).next().value ?? undefined
}

/** Returns the texts that are probably read next, the next one first: threads that are not known yet may come between. */
export function upcoming(unread: readonly UnreadTexts[], from: From, linksOf: LinksOf, count: number): number[] {
  const found = new Set<number>()
  for (const { textNo } of unreadFrom(unread, from, linksOf)) {
    found.add(textNo)
    if (found.size >= count) break
  }
  return [...found]
}

/** Returns footnotes before comments: they are read first. */
export function inReadingOrder<T extends { type: 'comment' | 'footnote' }>(links: readonly T[]): T[] {
  return [...links.filter(({ type }) => type === 'footnote'), ...links.filter(({ type }) => type === 'comment')]
}

/** Describes what comes after a text. @param next the unread text to read next */
export function coming(unread: readonly UnreadTexts[], next: Place, from: From, linksOf: LinksOf): Coming {
  const { here, wanted } = conferenceOf(unread, { ...from, confNo: next.confNo })
  if (next.confNo !== from.confNo) return { kind: 'next-conference', count: wanted.size }
  const thread = here === undefined ? [] : [...unreadInThread(from.textNo, wanted, linksOf)]
  return thread.includes(next.textNo)
    ? { kind: 'thread', count: thread.length }
    : { kind: 'conference', count: wanted.size }
}

function* unreadFrom(unread: readonly UnreadTexts[], from: From, linksOf: LinksOf): Generator<Place, undefined> {
  const { here, wanted } = conferenceOf(unread, from)
  if (here !== undefined) {
    for (const textNo of unreadInThread(from.textNo, wanted, linksOf)) yield { confNo: here.conf_no, textNo }
    for (const textNo of wanted) yield { confNo: here.conf_no, textNo }
  }
  for (const { conf_no, unread_texts } of unread) {
    if (conf_no === from.confNo) continue
    for (const textNo of unread_texts) if (textNo !== from.textNo) yield { confNo: conf_no, textNo }
  }
}

/** Returns the conference in which the person is, and its unread texts without the one that is shown. */
function conferenceOf(unread: readonly UnreadTexts[], { confNo, textNo }: From) {
  const here = unread.find(({ conf_no }) => conf_no === confNo)
  return { here, wanted: new Set(here?.unread_texts.filter((no) => no !== textNo)) }
}

/** Finds the unread texts of a thread in reading order: those below a text, then those below the texts above it. */
function* unreadInThread(textNo: number | undefined, wanted: ReadonlySet<number>, linksOf: LinksOf): Generator<number> {
  if (textNo === undefined || wanted.size === 0) return
  const seen = new Set<number>()
  const above = new Set([textNo])
  for (const top of above) {
    // A thread may be deeper than the stack.
    const waiting = [top]
    for (let no = waiting.pop(); no !== undefined; no = waiting.pop()) {
      if (seen.has(no)) continue
      seen.add(no)
      if (no !== top && wanted.has(no)) yield no
      const links = linksOf(no)?.comment_in_list ?? []
      for (const link of inReadingOrder(links).reverse()) waiting.push(link.text_no)
    }
    for (const link of linksOf(top)?.comment_to_list ?? []) above.add(link.text_no)
  }
}
