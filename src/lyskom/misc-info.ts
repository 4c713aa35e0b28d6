import type { MiscInfo, Time } from '../protocol/types.ts'

/** How a conference is a recipient of a text. */
export type RecipientType = 'to' | 'cc' | 'bcc'
/** How a text is linked to another one. */
export type LinkType = 'comment' | 'footnote'

/** A recipient in a misc-info list, with the numbers of its conference and persons. */
export interface RecipientInfo {
  type: RecipientType
  confNo: number
  localNo: number
  sentBy: number | undefined
  sentAt: Time | null
  receivedAt: Time | null
}

/** A link to another text in a misc-info list. */
export interface LinkInfo {
  type: LinkType
  textNo: number
}

/** A misc-info list by the kinds of its items. */
export interface MiscLinks {
  recipients: RecipientInfo[]
  commentTo: LinkInfo[]
  commentIn: LinkInfo[]
}

/** Parses a misc-info list, in which the details of a recipient follow it (chapter The Misc-Info List). */
export function readMiscInfo(list: readonly MiscInfo[]): MiscLinks {
  const recipients: RecipientInfo[] = []
  const commentTo: LinkInfo[] = []
  const commentIn: LinkInfo[] = []
  let current: RecipientInfo | undefined
  const recipient = (type: RecipientType, confNo: number): void => {
    current = { type, confNo, localNo: 0, sentBy: undefined, sentAt: null, receivedAt: null }
    recipients.push(current)
  }
  const link = (links: LinkInfo[], type: LinkType, textNo: number): void => {
    current = undefined
    links.push({ type, textNo })
  }
  for (const { kind, value } of list) {
    if (kind === 'recpt') recipient('to', value)
    else if (kind === 'cc-recpt') recipient('cc', value)
    else if (kind === 'bcc-recpt') recipient('bcc', value)
    else if (kind === 'comm-to') link(commentTo, 'comment', value)
    else if (kind === 'footn-to') link(commentTo, 'footnote', value)
    else if (kind === 'comm-in') link(commentIn, 'comment', value)
    else if (kind === 'footn-in') link(commentIn, 'footnote', value)
    else if (current === undefined) continue
    else if (kind === 'loc-no') current.localNo = value
    else if (kind === 'rec-time') current.receivedAt = value
    else if (kind === 'sent-by') current.sentBy = value
    else current.sentAt = value
  }
  return { recipients, commentTo, commentIn }
}
