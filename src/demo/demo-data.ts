import { AUX_ITEMS } from '../protocol/aux-items.ts'
import { noBits } from '../protocol/codec.ts'
import { auxItemFlags, type ExtendedConfType, extendedConfType, type PrivBits, privBits } from '../protocol/types.ts'
import { newAuxItems } from './aux-items.ts'
import { Database, NO_MEMBERSHIP_FLAGS } from './database.ts'
import type { DemoLimits } from './limits.ts'
import type { Membership, StoredAuxItem } from './model.ts'
import { readTo } from './read-ranges.ts'

/**
 * Initial data of the demo server, in the format of fixtures/demo.json. References are numbers, 0 for none; times are
 * in ISO 8601.
 */
export interface DemoData {
  info: { motd: number; confPresConf: number; persPresConf: number; motdConf: number; komNewsConf: number }
  /** Without the mailboxes of persons. */
  conferences: DemoConference[]
  persons: DemoPerson[]
  /** In ascending order of numbers. A text may link only to earlier texts. */
  texts: DemoText[]
}

/** A conference of the initial data. */
export interface DemoConference {
  no: number
  name: string
  type: (keyof typeof CONF_TYPES)[]
  created: string
  creator: number
  supervisor: number
  superConf: number
  permittedSubmitters: number
  presentation: number
  motd: number
}

/** A person of the initial data, with the mailbox. The number must differ from those of the conferences. */
export interface DemoPerson {
  no: number
  name: string
  passwd: string
  /** Default: `change-name` */
  privileges?: (keyof typeof PRIVILEGES)[]
  created: string
  presentation: number
  /** In the person's own order, including the mailbox. All local numbers up to `readTo` are read. */
  memberships: { conf: number; priority: number; readTo?: number }[]
  unreadIsSecret?: boolean
}

/** A text of the initial data. */
export interface DemoText {
  no: number
  author: number
  created: string
  subject: string
  body: string
  /** Without the charset, which is UTF-8. */
  contentType: string
  to: number[]
  cc: number[]
  commentTo: number[]
  footnoteTo: number[]
  marks: { person: number; type: number }[]
}

/** The field of Extended-Conf-Type by its name in the specification. */
const CONF_TYPES = {
  'rd-prot': 'rdProt',
  original: 'original',
  secret: 'secret',
  letterbox: 'letterbox',
  'allow-anonymous': 'allowAnonymous',
  'forbid-secret': 'forbidSecret',
} as const satisfies Record<string, keyof ExtendedConfType>

/** The field of Priv-Bits by its name in the specification. */
const PRIVILEGES = {
  wheel: 'wheel',
  admin: 'admin',
  statistic: 'statistic',
  'create-pers': 'createPers',
  'create-conf': 'createConf',
  'change-name': 'changeName',
} as const satisfies Record<string, keyof PrivBits>

const NO_CONF_TYPE = noBits(extendedConfType)

/** The type of a person's mailbox. */
export const MAILBOX_TYPE: ExtendedConfType = { ...NO_CONF_TYPE, rdProt: true, letterbox: true, allowAnonymous: true }

/** The privileges of a person without any. */
export const NO_PRIVILEGES = noBits(privBits)

/**
 * Validates initial data.
 *
 * @param json the parsed JSON
 * @throws Error that names the first invalid field, e.g. `persons.2.name`
 */
export function readDemoData(json: unknown): DemoData {
  const root = new Field('', json)
  return {
    info: {
      motd: root.get('info').get('motd').number(),
      confPresConf: root.get('info').get('confPresConf').number(),
      persPresConf: root.get('info').get('persPresConf').number(),
      motdConf: root.get('info').get('motdConf').number(),
      komNewsConf: root.get('info').get('komNewsConf').number(),
    },
    conferences: root.get('conferences').each((conf) => ({
      no: conf.get('no').number(1),
      name: conf.get('name').string(),
      type: conf.get('type').each((type) => type.oneOf(CONF_TYPES)),
      created: conf.get('created').time(),
      creator: conf.get('creator').number(),
      supervisor: conf.get('supervisor').number(),
      superConf: conf.get('superConf').number(),
      permittedSubmitters: conf.get('permittedSubmitters').number(),
      presentation: conf.get('presentation').number(),
      motd: conf.get('motd').number(),
    })),
    persons: root.get('persons').each((person) => ({
      no: person.get('no').number(1),
      name: person.get('name').string(),
      passwd: person.get('passwd').string(),
      privileges: person.optional('privileges')?.each((privilege) => privilege.oneOf(PRIVILEGES)) ?? ['change-name'],
      created: person.get('created').time(),
      presentation: person.get('presentation').number(),
      memberships: person.get('memberships').each((membership) => ({
        conf: membership.get('conf').number(1),
        priority: membership.get('priority').number(),
        readTo: membership.optional('readTo')?.number() ?? 0,
      })),
      unreadIsSecret: person.optional('unreadIsSecret')?.boolean() ?? false,
    })),
    texts: root.get('texts').each((text) => ({
      no: text.get('no').number(1),
      author: text.get('author').number(),
      created: text.get('created').time(),
      subject: text.get('subject').string(),
      body: text.get('body').string(),
      contentType: text.get('contentType').string(),
      to: text.get('to').each((conf) => conf.number(1)),
      cc: text.get('cc').each((conf) => conf.number(1)),
      commentTo: text.get('commentTo').each((no) => no.number(1)),
      footnoteTo: text.get('footnoteTo').each((no) => no.number(1)),
      marks: text
        .get('marks')
        .each((mark) => ({ person: mark.get('person').number(1), type: mark.get('type').number() })),
    })),
  }
}

/**
 * Creates a database with the initial data.
 *
 * @param limits limits that differ from `DEFAULT_LIMITS`
 * @throws Error if a number is used twice or refers to a missing object
 */
export function loadDatabase(data: DemoData, limits: Partial<DemoLimits> = {}): Database {
  const db = new Database({ ...data.info }, limits)
  for (const { type, permittedSubmitters, presentation, motd, created, ...conf } of data.conferences) {
    if (db.conferences.has(conf.no)) throw new Error(`demo data: conference ${conf.no} is defined twice`)
    const flags = { ...NO_CONF_TYPE }
    for (const name of type) flags[CONF_TYPES[name]] = true
    const stored = db.addConference({ ...conf, type: flags, created: new Date(created) })
    Object.assign(stored, { permittedSubmitters, presentation, motd })
  }
  for (const person of data.persons) addPerson(db, person)
  for (const text of data.texts) addText(db, text)
  for (const person of data.persons) {
    for (const [at, { conf, priority, readTo: last = 0 }] of person.memberships.entries()) {
      const conference = db.conferences.get(conf)
      if (conference === undefined)
        throw new Error(`demo data: person ${person.no} is a member of conference ${conf}, which does not exist`)
      const created = new Date(Math.max(Date.parse(person.created), conference.created.getTime()))
      const read = readTo(Math.min(last, conference.texts.highest))
      const membership: Membership = {
        person: person.no,
        conf,
        priority,
        addedBy: person.no,
        addedAt: created,
        type: { ...NO_MEMBERSHIP_FLAGS },
        lastTimeRead: created,
        read,
      }
      db.addMembership(membership, at)
    }
  }
  for (const { presentation, motd } of db.conferences.values()) {
    db.addMarks(presentation, 1)
    db.addMarks(motd, 1)
  }
  db.addMarks(db.info.motd, 1)
  return db
}

function addPerson(
  db: Database,
  { no, name, passwd, privileges = ['change-name'], created, presentation, unreadIsSecret }: DemoPerson,
): void {
  if (db.conferences.has(no))
    throw new Error(`demo data: person ${no} has the number of a conference or another person`)
  const mailbox = db.addConference({
    no,
    name,
    type: { ...MAILBOX_TYPE },
    created: new Date(created),
    creator: no,
    supervisor: no,
    superConf: 0,
  })
  mailbox.presentation = presentation
  const bits = { ...NO_PRIVILEGES }
  for (const privilege of privileges) bits[PRIVILEGES[privilege]] = true
  db.addPerson(no, Buffer.from(passwd).toString('latin1'), bits, unreadIsSecret ?? false)
}

function addText(db: Database, text: DemoText): void {
  const where = `demo data: text ${text.no}`
  if (text.no <= db.highestText) throw new Error(`${where} must precede text ${db.highestText}`)
  for (const linked of [...text.commentTo, ...text.footnoteTo]) {
    if (!db.texts.has(linked)) throw new Error(`${where} links to text ${linked}, which does not precede it`)
  }
  for (const conf of [...text.to, ...text.cc]) {
    if (!db.conferences.has(conf)) throw new Error(`${where} is sent to conference ${conf}, which does not exist`)
  }
  const created = new Date(text.created)
  const stored = db.addText({
    no: text.no,
    author: text.author,
    created,
    body: Buffer.from(`${text.subject}\n${text.body}`),
    misc: [
      ...text.to.map((conf) => ({ kind: 'recpt' as const, conf })),
      ...text.cc.map((conf) => ({ kind: 'cc-recpt' as const, conf })),
      ...text.commentTo.map((no) => ({ kind: 'comm-to' as const, text: no })),
      ...text.footnoteTo.map((no) => ({ kind: 'footn-to' as const, text: no })),
    ],
    auxItems: contentType(text.contentType, text.author, created),
  })
  for (const { person, type } of text.marks) {
    db.persons.get(person)?.marks.set(text.no, type)
    stored.noOfMarks++
  }
}

/** Returns the aux-items of a text in UTF-8 with a content type. */
export function contentType(type: string, author: number, at: Date): StoredAuxItem[] {
  const flags = noBits(auxItemFlags)
  const data = Buffer.from(`${type};charset=utf-8`)
  const item = { tag: AUX_ITEMS['content-type'], flags, inheritLimit: 1, data }
  return newAuxItems([item], { on: 'text', mayRead: () => false }, author, at)
}

/** A value in the JSON and its path. Its methods throw an `Error` with the path for a value of another type. */
class Field {
  constructor(
    readonly path: string,
    readonly value: unknown,
  ) {}

  get(key: string): Field {
    if (typeof this.value !== 'object' || this.value === null) this.fail('an object')
    return new Field(this.path === '' ? key : `${this.path}.${key}`, (this.value as Record<string, unknown>)[key])
  }

  optional(key: string): Field | undefined {
    const field = this.get(key)
    return field.value === undefined ? undefined : field
  }

  each<T>(read: (field: Field) => T): T[] {
    if (!Array.isArray(this.value)) this.fail('an array')
    return (this.value as unknown[]).map((value, i) => read(new Field(`${this.path}.${i}`, value)))
  }

  number(min = 0): number {
    const { value } = this
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min) this.fail(`a whole number from ${min}`)
    return value as number
  }

  string(): string {
    if (typeof this.value !== 'string') this.fail('a string')
    return this.value as string
  }

  boolean(): boolean {
    if (typeof this.value !== 'boolean') this.fail('a boolean')
    return this.value as boolean
  }

  time(): string {
    if (typeof this.value !== 'string' || Number.isNaN(Date.parse(this.value))) this.fail('an ISO 8601 time')
    return this.value as string
  }

  oneOf<K extends string>(table: Record<K, unknown>): K {
    const { value } = this
    if (typeof value !== 'string' || !Object.hasOwn(table, value)) this.fail(`one of ${Object.keys(table).join(', ')}`)
    return value as K
  }

  fail(expected: string): never {
    throw new Error(`demo data: ${this.path}: expected ${expected}`)
  }
}
