import type { LinkType } from '../lyskom/misc-info.ts'
import type { CallName, Params } from '../protocol/calls/index.ts'

/**
 * A change of which Protocol A informs no other session. Numbers of persons, conferences and texts are those of the
 * server; local numbers are those of the conference.
 */
export type Change =
  | ReadChange
  /** the read ranges of the person in a conference have been replaced */
  | { type: 'read-ranges'; confNo: number }
  /** the newest `noOfUnread` texts of a conference are unread now, and all others read */
  | { type: 'unread-set'; confNo: number; noOfUnread: number }
  | MarkChange
  /** priority, position or type of a membership has been set, of the person `persNo` */
  | { type: 'membership'; persNo: number; confNo: number }
  | LinkChange

/** A change of which the call tells everything. */
export type CompleteChange = ReadChange | MarkChange | LinkChange

/** Returns whether the call tells everything of a change. */
export function isComplete(change: Change): change is CompleteChange {
  return !(change.type === 'read-ranges' || change.type === 'unread-set' || change.type === 'membership')
}

/** Texts of a conference have been marked as read or unread. */
export interface ReadChange {
  type: 'read' | 'unread'
  confNo: number
  localNos: readonly number[]
  /** the global numbers of the same texts, if the gateway knows them */
  textNos?: readonly number[] | undefined
}

/** The person has marked a text, or removed the mark. */
export type MarkChange = { type: 'marked'; textNo: number; markType: number } | { type: 'unmarked'; textNo: number }

/** The text `textNo` has become a comment on the text `to`, or a footnote to it, or is no longer one. */
export interface LinkChange {
  type: 'linked' | 'unlinked'
  textNo: number
  to: number
  linkType: LinkType
}

/** The texts that a call is about, by their global numbers, where its parameters have only their local numbers. */
type TextNos = readonly number[] | undefined

type Changes = { readonly [N in CallName]?: (params: Params<N>, textNos: TextNos) => Change }

/** The calls that make such changes. Marking texts as read is all or nothing, as are the others. */
const CHANGES: Changes = {
  'mark-as-read': ({ conference, text }, textNos) => ({ type: 'read', confNo: conference, localNos: text, textNos }),
  'mark-as-unread': ({ conference, text }, textNos) => ({
    type: 'unread',
    confNo: conference,
    localNos: [text],
    textNos,
  }),
  'set-read-ranges': ({ conference }) => ({ type: 'read-ranges', confNo: conference }),
  'set-last-read': ({ conference }) => ({ type: 'read-ranges', confNo: conference }),
  'set-unread': ({ confNo, noOfUnread }) => ({ type: 'unread-set', confNo, noOfUnread }),
  'mark-text': ({ text, markType }) => ({ type: 'marked', textNo: text, markType }),
  'mark-text-old': ({ text, markType }) =>
    markType === 0 ? { type: 'unmarked', textNo: text } : { type: 'marked', textNo: text, markType },
  'unmark-text': ({ textNo }) => ({ type: 'unmarked', textNo }),
  'add-member': ({ persNo, confNo }) => ({ type: 'membership', persNo, confNo }),
  'add-member-old': ({ persNo, confNo }) => ({ type: 'membership', persNo, confNo }),
  'set-membership-type': ({ pers, conf }) => ({ type: 'membership', persNo: pers, confNo: conf }),
  'add-comment': ({ textNo, commentTo }) => ({ type: 'linked', textNo, to: commentTo, linkType: 'comment' }),
  'sub-comment': ({ textNo, commentTo }) => ({ type: 'unlinked', textNo, to: commentTo, linkType: 'comment' }),
  'add-footnote': ({ textNo, footnoteTo }) => ({ type: 'linked', textNo, to: footnoteTo, linkType: 'footnote' }),
  'sub-footnote': ({ textNo, footnoteTo }) => ({ type: 'unlinked', textNo, to: footnoteTo, linkType: 'footnote' }),
}

/** Returns the change that a call makes if it succeeds; undefined if Protocol A informs other sessions, or of none. */
export function changeOf<N extends CallName>(name: N, params: Params<N>, textNos: TextNos): Change | undefined {
  return CHANGES[name]?.(params, textNos)
}

/** Returns what changes contradict each other about: they have the same subject. */
export function subjectOf(change: Change): string {
  switch (change.type) {
    case 'marked':
    case 'unmarked':
      return `mark ${change.textNo}`
    case 'linked':
    case 'unlinked':
      return `link ${change.textNo} ${change.to}`
    case 'membership':
      return 'memberships'
    default:
      return `read ${change.confNo}`
  }
}

/** Returns the event for a change that has been made. */
export function changeEvent(change: CompleteChange): GatewayEvent {
  switch (change.type) {
    case 'read':
    case 'unread': {
      const { type, confNo, localNos, textNos } = change
      return { type, fields: { conf_no: confNo, local_nos: localNos, ...(textNos && { text_nos: textNos }) } }
    }
    case 'marked':
      return { type: change.type, fields: { text_no: change.textNo, mark_type: change.markType } }
    case 'unmarked':
      return { type: change.type, fields: { text_no: change.textNo } }
    default: {
      const { type, textNo, to, linkType } = change
      return { type, fields: { text_no: textNo, to, link_type: linkType } }
    }
  }
}

/** An event that the gateway makes. */
export interface GatewayEvent {
  type: string
  fields: Readonly<Record<string, unknown>>
}
