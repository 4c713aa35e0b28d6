import type { KomEvent } from './event-types.ts'
import type { Mark, Membership, NumberedUnread, Person, ServerInfo, Text } from './types.ts'

/** What `start` returns, with the state of the stream. A state is never changed, and shares parts with the one before. */
export interface LiveState {
  /** `paused` until `Live.resume`; `lost` is final: the session has ended, or the model cannot be kept current */
  status: 'live' | 'reconnecting' | 'paused' | 'lost'
  /** why it is lost; otherwise undefined */
  error: unknown
  session: { session_no: number }
  /** null after a logout; then there are no memberships, unread texts, marks and texts */
  person: Person | null
  server: ServerInfo
  /** in reading order */
  memberships: Membership[]
  /** the active memberships with unread texts, in reading order */
  unread: NumberedUnread[]
  marks: Mark[]
  /** the texts that the program has read, by number */
  texts: Record<number, Text>
}

/** The parts of the state of a person who has logged out. */
export const LOGGED_OUT = { person: null, memberships: [], unread: [], marks: [], texts: {} }

/**
 * Returns the state after an event, except for names and texts; undefined if the event does not describe the change
 * completely, so that the state must be requested.
 */
export function withEvent(state: LiveState, event: KomEvent): LiveState | undefined {
  switch (event.type) {
    case 'new-text':
      return event.recipients.reduce(
        (next, { recpt: { conf_no }, loc_no }) =>
          withUnread(withHighest(next, conf_no, loc_no), conf_no, [loc_no], event.text_no),
        state,
      )
    case 'deleted-text':
      return withoutText(state, event.text_no)
    case 'sub-recipient':
      return withoutText(state, event.text_no, event.conf_no)
    case 'read':
      return event.local_nos && withUnread(state, event.conf_no, event.local_nos)
    case 'leave-conf':
      return left(state, event.conf_no)
    case 'marked':
    case 'unmarked': {
      const { text_no } = event
      const others = state.marks.filter((mark) => mark.text_no !== text_no)
      return { ...state, marks: event.type === 'marked' ? [...others, { text_no, type: event.mark_type }] : others }
    }
    case 'membership':
    case 'unread':
    case 'unread-set':
      // A text that has been marked as unread may have been deleted before.
      return undefined
    case 'new-membership':
      return event.pers_no === state.person?.pers_no ? undefined : state
    case 'new-recipient':
      // It may be another type of recipient, of a text that has been read there.
      return state.memberships.some(isOf(event.conf_no)) ? undefined : state
    default:
      return state
  }
}

/** The fields of events that name texts. */
interface TextFields {
  text_no?: number
  to?: number
  text_stat?: KomEvent<'new-text'>['text_stat']
}

/** Returns the numbers of the texts whose status an event changes, and possibly 0. */
export function changedTexts(event: KomEvent): number[] {
  const { text_no = 0, to = 0, text_stat } = event as TextFields
  const links = text_stat?.misc_info.filter(({ kind }) => /^(?:comm|footn)_/.test(kind)) ?? []
  return [text_no, to, ...links.map(({ value }) => Number(value))]
}

/** Returns a value in which a person or conference has another name. Parts without it stay the same. */
export function renamed<T>(value: T, no: number, name: string): T {
  if (!isObject(value)) return value
  let copy: Record<string, unknown> | undefined
  for (const [key, each] of Object.entries(value)) {
    const isName = (key === 'name' && value.conf_no === no) || (key === 'pers_name' && value.pers_no === no)
    const next = isName ? name : renamed(each, no, name)
    if (next === each) continue
    copy ??= (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>
    copy[key] = next
  }
  return (copy ?? value) as T
}

/** Returns `former` if it has the same elements, otherwise `next`. */
export function kept<T>(former: unknown, next: T): T {
  if (!isObject(former) || !isObject(next)) return next
  const keys = Object.keys(next)
  const isSame = keys.length === Object.keys(former).length && keys.every((key) => former[key] === next[key])
  return isSame ? (former as T) : next
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/**
 * Returns the number of events from one position to another, negative if the other one is earlier; NaN if they are of
 * different epochs.
 */
export function distance(from: string, to: string): number {
  const [epoch, n] = from.split('-')
  const [otherEpoch, otherN] = to.split('-')
  return epoch === otherEpoch ? Number(otherN) - Number(n) : Number.NaN
}

function isOf(confNo: number): (membership: Membership) => boolean {
  return ({ conference }) => conference.conf_no === confNo
}

/** Makes texts of a conference read, or the text `textNo` unread, if the person is an active member of it. */
function withUnread(state: LiveState, confNo: number, localNos: number[], textNo?: number): LiveState {
  const unread = state.memberships.flatMap(({ pers_no, conference: { conf_no }, type }) => {
    const before = state.unread.find((each) => each.conf_no === conf_no)
    if (conf_no !== confNo || type.passive) return before ?? []
    const numbers = new Map(before?.local_nos.map((localNo, i) => [localNo, before.unread_texts[i]]))
    for (const localNo of localNos) {
      if (textNo) numbers.set(localNo, textNo)
      else numbers.delete(localNo)
    }
    const local_nos = [...numbers.keys()].sort((a, b) => a - b)
    const unread_texts = local_nos.map((localNo) => numbers.get(localNo) as number)
    const no_of_unread = local_nos.length
    return no_of_unread === 0 ? [] : { pers_no, conf_no, no_of_unread, unread_texts, local_nos }
  })
  return { ...state, unread }
}

/** Removes a text from the unread texts of a conference, by default of all. */
function withoutText(state: LiveState, textNo: number, confNo?: number): LiveState {
  return state.unread.reduce((next, { conf_no, unread_texts, local_nos }) => {
    const i = unread_texts.indexOf(textNo)
    return i === -1 || (confNo ?? conf_no) !== conf_no ? next : withUnread(next, conf_no, [local_nos[i] as number])
  }, state)
}

function withHighest(state: LiveState, confNo: number, localNo: number): LiveState {
  const memberships = state.memberships.map((membership) => {
    const { conference } = membership
    if (conference.conf_no !== confNo || conference.highest_local_no >= localNo) return membership
    return { ...membership, conference: { ...conference, highest_local_no: localNo } }
  })
  return { ...state, memberships }
}

function left(state: LiveState, confNo: number): LiveState {
  const gone = state.memberships.find(isOf(confNo))
  if (gone === undefined) return state
  const memberships = state.memberships
    .filter((each) => each !== gone)
    .map((each) => ({ ...each, position: each.position - Number(each.position > gone.position) }))
  return { ...state, memberships, unread: state.unread.filter(({ conf_no }) => conf_no !== confNo) }
}
