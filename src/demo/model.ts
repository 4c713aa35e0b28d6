import type { ExtendedConfType, MembershipType, PrivBits } from '../protocol/types.ts'
import type { LocalTexts } from './local-texts.ts'
import type { ReadRange } from './read-ranges.ts'

/** A membership. The lists of the person and of the conference share one object. */
export interface Membership {
  readonly person: number
  readonly conf: number
  priority: number
  readonly addedBy: number
  readonly addedAt: Date
  type: MembershipType
  lastTimeRead: Date
  /** the local numbers that the member has read */
  read: ReadRange[]
}

/** An aux-item of a text, conference, person or the server. */
export interface StoredAuxItem {
  readonly auxNo: number
  readonly tag: number
  readonly creator: number
  readonly createdAt: Date
  readonly flags: {
    deleted: boolean
    inherit: boolean
    secret: boolean
    hideCreator: boolean
    dontGarb: boolean
    reserved2: boolean
    reserved3: boolean
    reserved4: boolean
  }
  readonly inheritLimit: number
  readonly data: Uint8Array
}

/** A conference, or the mailbox of the person with the same number. */
export interface Conference {
  readonly no: number
  name: string
  /** The collated words of the name, for comparison. */
  words: string[]
  type: ExtendedConfType
  readonly created: Date
  lastWritten: Date
  readonly creator: number
  supervisor: number
  permittedSubmitters: number
  superConf: number
  presentation: number
  motd: number
  nice: number
  keepCommented: number
  expire: number
  /** Person number -> membership, in order of joining. */
  readonly members: Map<number, Membership>
  readonly texts: LocalTexts
  auxItems: StoredAuxItem[]
}

/** A person. Name and aux-items belong to the mailbox. */
export interface Person {
  readonly no: number
  /** In ISO 8859-1. Only the first 8 characters are significant. */
  passwd: string
  privileges: PrivBits
  unreadIsSecret: boolean
  userArea: number
  /** `user(ident)@host` of the last login. */
  username: string
  lastLogin: Date
  /** Total time of the ended sessions, in seconds. */
  totalSeconds: number
  sessions: number
  createdLines: number
  createdBytes: number
  readTexts: number
  textFetches: number
  createdPersons: number
  createdConfs: number
  /** The texts that the person has written. */
  readonly texts: LocalTexts
  /** Text number -> mark type, in order of marking. */
  readonly marks: Map<number, number>
  /** In the order that the person has chosen. */
  memberships: Membership[]
}

/** The kind of a recipient: to, cc or bcc. */
export type RecipientKind = 'recpt' | 'cc-recpt' | 'bcc-recpt'
/** The kind of a link: a comment or footnote, in either direction. */
export type LinkKind = 'comm-to' | 'comm-in' | 'footn-to' | 'footn-in'

/** How a recipient or link was added to an existing text. */
interface Added {
  /** absent if the author added it */
  readonly sentBy?: number
  readonly sentAt?: Date
}

/** A recipient of a text. */
export interface Recipient extends Added {
  readonly kind: RecipientKind
  readonly conf: number
  readonly localNo: number
}

/** A link between two texts, stored in both of them. */
export interface Link extends Added {
  readonly kind: LinkKind
  readonly text: number
}

/** A recipient or a link of a text, an item of its misc-info list. */
export type Misc = Recipient | Link

/** A text with its recipients and links. */
export interface Text {
  readonly no: number
  /** A person number; 0 for an anonymous text. */
  readonly author: number
  readonly created: Date
  readonly body: Uint8Array
  /** Number of line feeds. */
  readonly lines: number
  /** Marks of persons, plus one for each use as presentation, notice or user area. */
  noOfMarks: number
  /** Recipients and links in the order in which they were added. */
  misc: Misc[]
  auxItems: StoredAuxItem[]
  /** The highest number of an aux-item of the text, also of a deleted one. */
  highestAuxNo: number
}

/** The special conferences that get-info returns, and the text number of the message of the day; 0 for none. */
export interface ServerInfo {
  confPresConf: number
  persPresConf: number
  motdConf: number
  komNewsConf: number
  motd: number
}
