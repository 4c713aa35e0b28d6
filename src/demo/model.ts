import type { ExtendedConfType, MembershipType, PrivBits } from '../protocol/types.ts'
import type { LocalTexts } from './local-texts.ts'
import type { ReadRange } from './read-ranges.ts'

/** One membership, shared by the person's list and the conference's. */
export interface Membership {
  readonly person: number
  readonly conf: number
  priority: number
  readonly addedBy: number
  readonly addedAt: Date
  type: MembershipType
  lastTimeRead: Date
  read: ReadRange[]
}

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

/** A conference; of a person it is the mailbox, under the same number. */
export interface Conference {
  readonly no: number
  name: string
  /** The name as names are compared. */
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
  /** person -> membership, in the order of joining */
  readonly members: Map<number, Membership>
  readonly texts: LocalTexts
  auxItems: StoredAuxItem[]
}

export interface Person {
  readonly no: number
  /** ISO 8859-1; 8 characters count */
  passwd: string
  privileges: PrivBits
  unreadIsSecret: boolean
  userArea: number
  /** Who the person was when last logged in: `user(ident)@host`. */
  username: string
  lastLogin: Date
  totalSeconds: number
  sessions: number
  createdLines: number
  createdBytes: number
  readTexts: number
  textFetches: number
  createdPersons: number
  createdConfs: number
  readonly texts: LocalTexts
  /** text -> type, in the order of marking */
  readonly marks: Map<number, number>
  memberships: Membership[]
}

export type RecipientKind = 'recpt' | 'cc-recpt' | 'bcc-recpt'
export type LinkKind = 'comm-to' | 'comm-in' | 'footn-to' | 'footn-in'

/** How a recipient or a link came to a text that was there before. */
interface Added {
  /** absent when it was the author */
  readonly sentBy?: number
  readonly sentAt?: Date
}

export interface Recipient extends Added {
  readonly kind: RecipientKind
  readonly conf: number
  readonly localNo: number
}

export interface Link extends Added {
  readonly kind: LinkKind
  readonly text: number
}

export type Misc = Recipient | Link

export interface Text {
  readonly no: number
  /** 0: anonymous */
  readonly author: number
  readonly created: Date
  readonly body: Uint8Array
  readonly lines: number
  /** Marks of persons, and one for each use as presentation, notice or user area. */
  noOfMarks: number
  /** Recipients and links in the order in which they came. */
  misc: Misc[]
  auxItems: StoredAuxItem[]
}

export interface ServerInfo {
  confPresConf: number
  persPresConf: number
  motdConf: number
  komNewsConf: number
  motd: number
}
