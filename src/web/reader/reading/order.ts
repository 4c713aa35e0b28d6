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

/**
 * Returns the unread text to read after another one: the comments to it, then those to the texts above it, then the first
 * text of the conference, then that of the next conference.
 *
 * @param unread the conferences with unread texts, in reading order
 * @param from the text that is shown, which is skipped
 * @param textOf returns the links of a text if they are known
 */
export function nextUnread(
  unread: readonly UnreadTexts[],
  from: { confNo: number | undefined; textNo: number | undefined },
  textOf: (textNo: number) => LinkedText | undefined,
): Place | undefined {
  const here = unread.find(({ conf_no }) => conf_no === from.confNo)
  const wanted = new Set(here?.unread_texts)
  if (from.textNo !== undefined) wanted.delete(from.textNo)
  const inThread = from.textNo === undefined ? undefined : nextInThread(from.textNo, wanted, textOf)
  const inConference = inThread ?? here?.unread_texts.find((no) => wanted.has(no))
  if (here !== undefined && inConference !== undefined) return { confNo: here.conf_no, textNo: inConference }
  for (const { conf_no, unread_texts } of unread) {
    const textNo = conf_no === from.confNo ? undefined : unread_texts.find((no) => no !== from.textNo)
    if (textNo !== undefined) return { confNo: conf_no, textNo }
  }
  return undefined
}

function nextInThread(
  textNo: number,
  wanted: ReadonlySet<number>,
  textOf: (textNo: number) => LinkedText | undefined,
): number | undefined {
  if (wanted.size === 0) return undefined
  const seen = new Set<number>()
  const below = (no: number): number | undefined => {
    if (seen.has(no)) return undefined
    seen.add(no)
    const links = textOf(no)?.comment_in_list ?? []
    for (const type of ['footnote', 'comment']) {
      for (const link of links) {
        if (link.type !== type) continue
        const found = wanted.has(link.text_no) ? link.text_no : below(link.text_no)
        if (found !== undefined) return found
      }
    }
    return undefined
  }
  const above = [textNo]
  for (const no of above) {
    const found = below(no)
    if (found !== undefined) return found
    for (const link of textOf(no)?.comment_to_list ?? []) if (!above.includes(link.text_no)) above.push(link.text_no)
  }
  return undefined
}
