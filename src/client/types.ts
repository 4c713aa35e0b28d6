/** The JSON of requests and responses, see docs/api.md. */
import type { ListedText } from '../http/output/schemas/index.ts'

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
  OnlineSession,
  OwnSession,
  Person,
  Recipient,
  ServerInfo,
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
