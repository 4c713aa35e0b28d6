/** The JSON of requests and responses, see docs/api.md. */
import type {
  ConferenceName,
  ListedText as ListedTextWithoutSubject,
  Person,
  TextStat,
} from '../http/output/schemas/index.ts'

export type {
  AuxItem,
  Conference,
  ConferenceName,
  ConferenceType,
  Link,
  Mark,
  Membership,
  MicroConference,
  OwnSession,
  Person,
  Recipient,
  ServerInfo,
  Text,
  TextCreated,
  TextStat,
  Unread,
  WhoAmI,
} from '../http/output/schemas/index.ts'

/** A text status with the tag that tells whether it has changed. */
export type TaggedTextStat = TextStat & { etag: string }
/** A text in a list; `subject` is null where the list was not asked for subjects. */
export type ListedText = Omit<ListedTextWithoutSubject, 'subject'> & { subject: string | null }
/** A text in a tree: without its body. */
export type TreeText = Omit<ListedText, 'body'>

/** Texts of a list, newest first. */
export interface ListedTexts {
  texts: ListedText[]
}

/** A page of a list of texts. */
export interface TextPage extends ListedTexts {
  has_more: boolean
  /** the `before` of the next page */
  next_before: number | null
}

/** The thread around a text. */
export interface TextTree {
  /** number of the text at the root */
  root: number
  /** the texts by number */
  texts: Record<string, TreeText>
  /** the numbers of the texts, depth first */
  order: number[]
  /** whether the limit has left out texts */
  truncated: boolean
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

/** A session on the LysKOM server. */
export interface ActiveSession {
  session_no: number
  person: Person | null
  working_conference: ConferenceName | null
  /** seconds */
  idle: number
  client: string | null
  what_am_i_doing: string
  address: string | null
}

/** A ticket stands for the connection id once, where a request cannot have headers. */
export interface Ticket {
  ticket: string
  /** seconds */
  expires_in: number
}

/** A JSON value. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue }
