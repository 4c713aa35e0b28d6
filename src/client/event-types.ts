/** The events of a session, derived from the tables of Protocol A. docs/api.md describes them in the section on events. */
import type { MessageName, MessageParams } from '../protocol/messages.ts'
import type { MembershipType } from '../protocol/types.ts'
import type { Json, Struct } from './calls.ts'
import type { Person, Recipient } from './types.ts'

/** The messages that the gateway never accepts. */
type Obsolete = 'async-new-text-old' | 'async-i-am-off' | 'async-i-am-on-obsolete' | 'async-broadcast'

/** Fields of events beside those of the asynchronous message. */
interface MoreFields {
  'new-text': { author: Person; recipients: Recipient[] }
}

type ServerEvents = {
  [N in Exclude<MessageName, Obsolete> as N extends `async-${infer T}` ? T : never]: Renamed<
    Struct<MessageParams<N>, 'server'>
  > &
    (N extends `async-${infer T extends keyof MoreFields}` ? MoreFields[T] : unknown)
}

/** The field `type` of a message is `recipient_type`. */
type Renamed<F> = { [K in keyof F as K extends 'type' ? 'recipient_type' : K]: F[K] }

interface LinkFields {
  /** the comment or footnote */
  text_no: number
  /** the text that it is linked to */
  to: number
  link_type: 'comment' | 'footnote'
}

/** Local numbers, both ends included. */
interface LocalRange {
  first: number
  last: number
}

/** The fields of the events that the gateway makes. */
interface GatewayEvents {
  /** These texts were read; or exactly the texts in the ranges of local numbers are read. */
  read:
    | { conf_no: number; local_nos: number[]; text_nos?: number[]; ranges?: never }
    | { conf_no: number; ranges: LocalRange[]; local_nos?: never; text_nos?: never }
  unread: { conf_no: number; local_nos: number[]; text_nos?: number[] }
  'unread-set': { conf_no: number; no_of_unread: number; ranges: LocalRange[] }
  marked: { text_no: number; mark_type: number }
  unmarked: { text_no: number }
  linked: LinkFields
  unlinked: LinkFields
  membership: {
    conf_no: number
    position: number
    priority: number
    membership_type: Json<MembershipType, 'server'>
    /** the conferences of all memberships, by position */
    order: number[]
  }
  /** The session has another person. Null after a logout. */
  person: { pers_no: number | null }
  /** Events are missing. The stream goes on from `position`. */
  reset: { reason: 'expired' | 'unknown' | 'overflow'; position: string }
  /** The session has ended. */
  closed: { reason: string }
}

type Fields = ServerEvents & GatewayEvents

/** The types of events. */
export type KomEventType = keyof Fields

/** An event of one of the types `T`. `id` is the position after it. */
export type KomEvent<T extends KomEventType = KomEventType> = {
  [K in T]: { type: K; id: string } & Fields[K]
}[T]

/** The types of events that a stream selects. */
export type Selected<T extends KomEventType> = T | 'person' | 'reset' | 'closed'
