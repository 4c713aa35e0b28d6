import { AUX_ITEMS } from '../protocol/aux-items.ts'
import { KomError } from '../protocol/errors.ts'
import type { Database } from './database.ts'
import type { Conference, Membership, Misc, Person, Text } from './model.ts'

/** The person whose permissions are checked. */
export interface Viewer {
  /** 0: not logged in */
  readonly person: number
  /** The security level set with enable; 0: privileges are disabled */
  readonly level: number
}

/** The access levels of a viewer to a conference. Each level includes the lower ones. */
export const ACCESS = {
  /** may not know that the conference exists */
  none: 0,
  /** may know that it exists, but neither read nor join it */
  readProtected: 1,
  /** may read and join it */
  limited: 2,
  /** is a member */
  member: 3,
  /** may change and delete it */
  unlimited: 4,
} as const

/** Returns the access level of a viewer to a conference, one of `ACCESS` (chapter Security). */
export function access(db: Database, viewer: Viewer, conf: Conference): number {
  if (viewer.person === 0) return openness(conf)
  if (supervises(db, viewer, conf)) return ACCESS.unlimited
  if (conf.members.has(viewer.person)) return ACCESS.member
  return openness(conf)
}

function openness({ type }: Conference): number {
  if (type.secret) return ACCESS.none
  return type.rdProt ? ACCESS.readProtected : ACCESS.limited
}

/**
 * Reports whether the viewer is the person of this mailbox, the supervisor, a member of the supervisor, or has the
 * wheel privilege enabled.
 */
export function supervises(db: Database, viewer: Viewer, conf: Conference): boolean {
  return (viewer.person !== 0 && viewer.person === conf.no) || isSupervisor(db, viewer, conf)
}

/** Like `supervises`, but a person is not the supervisor of the own mailbox unless it says so. */
export function isSupervisor(db: Database, viewer: Viewer, conf: Conference): boolean {
  const { person } = viewer
  if (person === 0) return false
  if (person === conf.supervisor || wheel(db, viewer)) return true
  return db.conferences.get(conf.supervisor)?.members.has(person) ?? false
}

/** Like `supervises`, by person number. Returns false for 0 and deleted persons. */
export function supervisesPerson(db: Database, viewer: Viewer, person: number): boolean {
  const mailbox = db.conferences.get(person)
  return mailbox !== undefined && supervises(db, viewer, mailbox)
}

/** Reports whether the viewer has the wheel privilege and has enabled it. */
export function wheel(db: Database, viewer: Viewer): boolean {
  return viewer.level > 0 && db.persons.get(viewer.person)?.privileges.wheel === true
}

/**
 * Returns a conference that the viewer may know of.
 *
 * @throws KomError `conference-zero` or `undefined-conference`
 */
export function conferenceFor(db: Database, viewer: Viewer, no: number): Conference {
  if (no === 0) throw KomError.of('conference-zero', 0)
  const conf = db.conferences.get(no)
  if (conf === undefined || access(db, viewer, conf) === ACCESS.none) throw KomError.of('undefined-conference', no)
  return conf
}

/**
 * Returns a person that the viewer may know of.
 *
 * @throws KomError `conference-zero` or `undefined-person`
 */
export function personFor(db: Database, viewer: Viewer, no: number): Person {
  if (no === 0) throw KomError.of('conference-zero', 0)
  const person = db.persons.get(no)
  const mailbox = db.conferences.get(no)
  if (person === undefined || mailbox === undefined || access(db, viewer, mailbox) === ACCESS.none) {
    throw KomError.of('undefined-person', no)
  }
  return person
}

/**
 * Returns a text that the viewer may read.
 *
 * @throws KomError `text-zero` or `no-such-text`
 */
export function textFor(db: Database, viewer: Viewer, no: number): Text {
  if (no === 0) throw KomError.of('text-zero', 0)
  const text = db.texts.get(no)
  if (text === undefined || !mayRead(db, viewer, text)) throw KomError.of('no-such-text', no)
  return text
}

/** Reports whether the viewer may read a text. Anonymous viewers may read the notice and world-readable texts. */
export function mayRead(db: Database, viewer: Viewer, text: Text): boolean {
  if (text.no === db.info.motd) return true
  if (text.auxItems.some((item) => item.tag === AUX_ITEMS['world-readable'])) return true
  if (viewer.person === 0) return false
  if (text.author === viewer.person || wheel(db, viewer)) return true
  return text.misc.some((item) => {
    if ('text' in item) return false
    const conf = db.conferences.get(item.conf)
    return conf !== undefined && access(db, viewer, conf) > ACCESS.readProtected
  })
}

/** Like `mayRead`, by text number. Returns false for texts that do not exist. */
export function mayReadNumber(db: Database, viewer: Viewer, no: number): boolean {
  const text = db.texts.get(no)
  return text !== undefined && mayRead(db, viewer, text)
}

/** Returns the recipients and links that the viewer may see: no secret conferences and no bcc to other persons. */
export function visibleMisc(db: Database, viewer: Viewer, text: Text): Misc[] {
  return text.misc.filter((item) => {
    if ('text' in item) return true
    const conf = db.conferences.get(item.conf)
    if (conf === undefined) return false
    const allowed = access(db, viewer, conf)
    if (item.kind !== 'bcc-recpt') return allowed > ACCESS.none
    const sender = item.sentBy ?? text.author
    return [text.author, sender].some((by) => supervisesPerson(db, viewer, by)) || allowed >= ACCESS.member
  })
}

/**
 * Returns the conference that receives a text sent to `conf`: `conf` itself or the first super-conference that accepts
 * it (chapter Security).
 *
 * @throws KomError `access-denied` if none accepts it, or `anonymous-rejected`
 */
export function submitTo(db: Database, viewer: Viewer, conf: Conference, anonymous: boolean): Conference {
  let at: Conference | undefined = conf
  for (let hops = 0; at !== undefined && hops < MAX_SUPER_CONF_HOPS; hops++) {
    if (maySubmit(db, viewer, at)) {
      if (!anonymous || at.type.allowAnonymous) return at
      throw KomError.of('anonymous-rejected', conf.no)
    }
    at = db.conferences.get(at.superConf)
  }
  throw KomError.of('access-denied', conf.no)
}

/** Reports whether the viewer may send texts to a conference. */
export function maySubmit(db: Database, viewer: Viewer, conf: Conference): boolean {
  const permitted = conf.permittedSubmitters
  const submitters = db.conferences.get(permitted)
  return permitted === 0 || submitters?.members.has(viewer.person) === true || supervises(db, viewer, conf)
}

/** Number of conferences in a chain of super-conferences that lyskomd tries. */
const MAX_SUPER_CONF_HOPS = 17

/** The part of a membership that a viewer may see (chapter Membership visibility). */
export type MembershipView = 'all' | 'unread-hidden' | 'none'

/** Returns the part of a membership that the viewer may see. */
export function membershipView(db: Database, viewer: Viewer, membership: Membership): MembershipView {
  const person = db.persons.get(membership.person)
  const mailbox = db.conferences.get(membership.person)
  const conf = db.conferences.get(membership.conf)
  if (person === undefined || mailbox === undefined || conf === undefined) return 'none'
  if (supervises(db, viewer, mailbox)) return 'all'
  const shown = person.unreadIsSecret ? 'unread-hidden' : 'all'
  if (supervises(db, viewer, conf)) return shown
  const known = access(db, viewer, mailbox) > ACCESS.none && access(db, viewer, conf) > ACCESS.none
  return known && !membership.type.secret ? shown : 'none'
}
