import { noBits } from '../protocol/codec.ts'
import type { KomError } from '../protocol/errors.ts'
import { type MembershipType, membershipType, type PrivBits } from '../protocol/types.ts'
import { auxItemsCost, DEFAULT_LIMITS, type DemoLimits, WrittenTexts } from './limits.ts'
import { LocalTexts } from './local-texts.ts'
import type { Conference, Membership, Misc, Person, RecipientKind, ServerInfo, StoredAuxItem, Text } from './model.ts'
import { nameWords } from './name-expansion.ts'

/** A membership type without flags. */
export const NO_MEMBERSHIP_FLAGS: Readonly<MembershipType> = noBits(membershipType)

/** lyskomd's default lifetime of a text, in days. */
const NICE = 77

/** The data of the demo server. Assigns numbers in ascending order. Does not check permissions. */
export class Database {
  readonly conferences = new Map<number, Conference>()
  readonly persons = new Map<number, Person>()
  readonly texts = new Map<number, Text>()
  /** Texts written by clients, without the texts of the initial data and of the live bot. */
  readonly written = new WrittenTexts()
  readonly info: ServerInfo
  readonly limits: DemoLimits
  /** Number of times that each limit was exceeded. */
  readonly limitHits = new Map<keyof DemoLimits, number>()
  #highestConf = 0
  #highestText = 0

  /**
   * @param info the result of get-info
   * @param limits limits that differ from `DEFAULT_LIMITS`
   */
  constructor(info: ServerInfo, limits: Partial<DemoLimits> = {}) {
    this.info = info
    this.limits = { ...DEFAULT_LIMITS, ...limits }
    for (const limit of Object.keys(DEFAULT_LIMITS) as (keyof DemoLimits)[]) this.limitHits.set(limit, 0)
  }

  /**
   * Checks that `size` does not exceed a limit. Counts a hit if it does.
   *
   * @throws `error` if it does
   */
  checkLimit(limit: keyof DemoLimits, size: number, error: KomError): void {
    if (size <= this.limits[limit]) return
    this.hitLimit(limit)
    throw error
  }

  /** Counts a hit of a limit. */
  hitLimit(limit: keyof DemoLimits): void {
    this.limitHits.set(limit, (this.limitHits.get(limit) ?? 0) + 1)
  }

  /** Estimated memory of the aux-items of conferences, persons and texts that clients have not written, in bytes. */
  get auxItemBytes(): number {
    const size = ({ auxItems }: { auxItems: readonly StoredAuxItem[] }): number => auxItemsCost(auxItems)
    const others = [...this.texts.values()].filter(({ no }) => !this.written.has(no))
    return sum(this.conferences.values(), size) + sum(others, size)
  }

  /** Number of memberships of all persons. */
  get membershipCount(): number {
    return sum(this.persons.values(), ({ memberships }) => memberships.length)
  }

  /** Number of read ranges of all memberships. */
  get readRangeCount(): number {
    return sum(this.persons.values(), ({ memberships }) => sum(memberships, ({ read }) => read.length))
  }

  /** Number of marks of all persons. */
  get markCount(): number {
    return sum(this.persons.values(), ({ marks }) => marks.size)
  }

  /** The highest conference number assigned so far, including deleted conferences. */
  get highestConf(): number {
    return this.#highestConf
  }

  /** The highest text number assigned so far, including deleted texts. */
  get highestText(): number {
    return this.#highestText
  }

  /**
   * Stores a conference without texts and members, with default settings.
   *
   * @param fields `no` is the next free number by default
   */
  addConference(
    fields: Pick<Conference, 'name' | 'type' | 'creator' | 'supervisor' | 'superConf'> & { no?: number; created: Date },
  ): Conference {
    const no = fields.no ?? this.#highestConf + 1
    this.#highestConf = Math.max(this.#highestConf, no)
    const conference: Conference = {
      ...fields,
      no,
      words: nameWords(fields.name),
      lastWritten: fields.created,
      permittedSubmitters: 0,
      presentation: 0,
      motd: 0,
      nice: NICE,
      keepCommented: NICE,
      expire: 0,
      members: new Map(),
      texts: new LocalTexts(),
      auxItems: [],
    }
    this.conferences.set(no, conference)
    return conference
  }

  /**
   * Stores a person without memberships. The caller creates the mailbox.
   *
   * @param no number of the mailbox
   * @param passwd the password in ISO 8859-1
   */
  addPerson(no: number, passwd: string, privileges: PrivBits, unreadIsSecret: boolean): Person {
    const person: Person = {
      no,
      passwd,
      privileges,
      unreadIsSecret,
      userArea: 0,
      username: '',
      lastLogin: new Date(0),
      totalSeconds: 0,
      sessions: 0,
      createdLines: 0,
      createdBytes: 0,
      readTexts: 0,
      textFetches: 0,
      createdPersons: 0,
      createdConfs: 0,
      texts: new LocalTexts(),
      marks: new Map(),
      memberships: [],
    }
    this.persons.set(no, person)
    return person
  }

  /** Inserts a membership at index `where` of the person's list, or at the end if the list is shorter. */
  addMembership(membership: Membership, where: number): void {
    this.persons.get(membership.person)?.memberships.splice(where, 0, membership)
    this.conferences.get(membership.conf)?.members.set(membership.person, membership)
  }

  /** Removes a membership from the person and the conference. */
  removeMembership(membership: Membership): void {
    const person = this.persons.get(membership.person)
    if (person !== undefined) person.memberships = person.memberships.filter((other) => other !== membership)
    this.conferences.get(membership.conf)?.members.delete(membership.person)
  }

  /**
   * Stores a text with its recipients and links, and adds the reverse links to the linked texts.
   *
   * @param fields `no` is the next free number by default; `misc` contains each conference at most once
   */
  addText(fields: {
    no?: number
    author: number
    created: Date
    body: Uint8Array
    misc: readonly ({ kind: RecipientKind; conf: number } | { kind: 'comm-to' | 'footn-to'; text: number })[]
    auxItems: StoredAuxItem[]
  }): Text {
    const no = fields.no ?? this.#highestText + 1
    this.#highestText = Math.max(this.#highestText, no)
    const misc: Misc[] = fields.misc.map((item) =>
      'text' in item ? item : { ...item, localNo: this.receive(item.conf, no, fields.created) },
    )
    for (const item of misc) {
      const linked = 'text' in item ? this.texts.get(item.text) : undefined
      if (linked === undefined) continue
      this.setMisc(linked, [...linked.misc, { kind: item.kind === 'comm-to' ? 'comm-in' : 'footn-in', text: no }])
    }
    const lines = fields.body.reduce((sum, byte) => (byte === 0x0a ? sum + 1 : sum), 0)
    const text: Text = {
      no,
      author: fields.author,
      created: fields.created,
      body: fields.body,
      lines,
      noOfMarks: 0,
      misc,
      auxItems: fields.auxItems,
      highestAuxNo: fields.auxItems.length,
    }
    this.texts.set(no, text)
    const author = this.persons.get(fields.author)
    if (author !== undefined) {
      author.texts.add(no)
      author.createdLines += lines
      author.createdBytes += text.body.length
    }
    return text
  }

  /** Deletes a text and its links. Marks on it remain until their owners remove them. */
  removeText({ no, author, misc }: Text): void {
    this.texts.delete(no)
    this.written.delete(no)
    this.persons.get(author)?.texts.removeText(no)
    for (const item of misc) {
      if ('localNo' in item) this.conferences.get(item.conf)?.texts.remove(item.localNo)
      else this.#unlink(item.text, no)
    }
  }

  #unlink(from: number, to: number): void {
    const text = this.texts.get(from)
    if (text === undefined) return
    this.setMisc(
      text,
      text.misc.filter((item) => !('text' in item && item.text === to)),
    )
  }

  /** Replaces the recipients and links of a text. */
  setMisc(text: Text, misc: Misc[]): void {
    text.misc = misc
    this.written.update(text)
  }

  /**
   * Replaces the aux-items of a text.
   *
   * @throws `error` if clients have not written the text and the aux-items exceed the limit
   */
  setAuxItems(text: Text, auxItems: StoredAuxItem[], error: KomError): void {
    const growth = auxItemsCost(auxItems) - auxItemsCost(text.auxItems)
    if (growth > 0 && !this.written.has(text.no)) this.checkLimit('auxItemBytes', this.auxItemBytes + growth, error)
    text.auxItems = auxItems
    text.highestAuxNo = auxItems.reduce((highest, { auxNo }) => Math.max(highest, auxNo), text.highestAuxNo)
    this.written.update(text)
  }

  /** Deletes a person but not the person's mailbox. */
  removePerson(person: Person): void {
    for (const text of person.marks.keys()) this.addMarks(text, -1)
    for (const membership of person.memberships) this.removeMembership(membership)
    this.persons.delete(person.no)
  }

  /** Deletes a conference, its memberships and its marks on its presentation and notice. */
  removeConference(conf: Conference): void {
    for (const membership of conf.members.values()) this.removeMembership(membership)
    this.addMarks(conf.presentation, -1)
    this.addMarks(conf.motd, -1)
    this.conferences.delete(conf.no)
  }

  /**
   * Adds a text to a conference.
   *
   * @returns its local number
   * @throws Error if the conference does not exist
   */
  receive(conf: number, text: number, at = new Date()): number {
    const conference = this.conferences.get(conf)
    if (conference === undefined) throw new Error(`no conference ${conf}`)
    conference.lastWritten = at
    return conference.texts.add(text)
  }

  /** Adds `by` to the mark count of a text. Does nothing for text 0 and for deleted texts. */
  addMarks(text: number, by: 1 | -1): void {
    const stored = this.texts.get(text)
    if (stored !== undefined) stored.noOfMarks += by
  }
}

function sum<T>(items: Iterable<T>, size: (item: T) => number): number {
  let total = 0
  for (const item of items) total += size(item)
  return total
}
