/** The JSON of requests and responses, see docs/api.md. */
import type { ListedText, Start } from '../http/output/schemas/index.ts'

export type {
  AuxItem,
  Conference,
  ConferenceName,
  ConferenceType,
  Link,
  ListedText,
  Mark,
  Membership,
  MicroConference,
  NumberedUnread,
  OnlineSession,
  OwnSession,
  Person,
  Recipient,
  ServerInfo,
  Start,
  TaggedTextStat,
  Text,
  TextCreated,
  TextPage,
  TextStat,
  Thread,
  ThreadText,
  Ticket,
  Unread,
  WhoAmI,
} from '../http/output/schemas/index.ts'

/** The newest texts of a conference. */
export interface ListedTexts {
  texts: ListedText[]
}

/** A new text, without those fields of recipients and links that the LysKOM server sets. */
export interface NewText {
  /** one line */
  subject: string
  body: string
  /** a type of text or image: `text/plain`, `image/png` */
  content_type: string
  /** for images, whose `body` is base64 */
  content_encoding?: 'base64' | null
  recipient_list?: readonly { type: 'to' | 'cc' | 'bcc'; recpt: { conf_no: number } }[] | null
  comment_to_list?: readonly { type: 'comment' | 'footnote'; text_no: number }[] | null
}

/** Who logs in: by number, or by a name that the LysKOM server expands. */
export type Login = { passwd: string } & ({ pers_no: number } | { pers_name: string })

/** A JSON value. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue }

/** A part of a start that can be left out. */
export type StartPart = 'server' | 'memberships' | 'unread' | 'marks' | 'sessions'

/** Selects what a start returns. */
export interface StartRequest<P extends StartPart> {
  /** default: all but the sessions */
  include?: readonly P[]
  /** the largest number of texts, 0 to 100; default: 20 */
  texts?: number | undefined
  order?: 'priority'
}

/** A start with the parts `P`. */
export type Started<P extends StartPart = Exclude<StartPart, 'sessions'>> = Omit<Start, StartPart> &
  Required<Pick<Start, P>>
