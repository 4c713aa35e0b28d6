import { KomError } from '../../protocol/errors.ts'
import { newAuxItems } from '../aux-items.ts'
import { type Context, type Handlers, notifySessions } from '../context.ts'
import type { Database } from '../database.ts'
import { auxItemsCost } from '../limits.ts'
import type { StoredAuxItem } from '../model.ts'
import { ACCESS, access, conferenceFor, mayRead, supervises } from '../permissions.ts'
import type { Session } from '../session.ts'
import { checkName } from './names.ts'

/** Conference numbers are 16-bit. */
const MAX_CONF_NO = 65_535

/** Handlers of the calls that read and create conferences. */
export const conferences = {
  'get-uconf-stat'({ db, session }, { conference }) {
    const { name, type, texts, nice } = conferenceFor(db, session, conference)
    return { name, type, highestLocalNo: texts.highest, nice }
  },

  'get-conf-stat'({ db, session }, { confNo }) {
    const conf = conferenceFor(db, session, confNo)
    const { name, type, creator, presentation, supervisor, permittedSubmitters, superConf } = conf
    return {
      name,
      type,
      creationTime: session.time(conf.created),
      lastWritten: session.time(conf.lastWritten),
      creator,
      presentation,
      supervisor,
      permittedSubmitters,
      superConf,
      msgOfDay: conf.motd,
      nice: conf.nice,
      keepCommented: conf.keepCommented,
      noOfMembers: conf.members.size,
      firstLocalNo: conf.texts.first,
      noOfTexts: conf.texts.highest - conf.texts.first + 1,
      expire: conf.expire,
      auxItems: auxItemsFor(session, conf.auxItems),
    }
  },

  'create-conf'({ db, session }, { name, type, auxItems }) {
    const creator = session.mustBePerson
    checkName(db, name, 'conference-exists')
    if (type.secret && !type.rdProt) throw KomError.of('secret-public', 0)
    if (type.letterbox) throw KomError.of('permission-denied', 0)
    const created = new Date()
    const items = newAuxItems(auxItems, 'conf', creator, created)
    checkRoom(db, items)
    const conf = db.addConference({ name, type, created, creator, supervisor: creator, superConf: creator })
    conf.auxItems = items
    const person = db.persons.get(creator)
    if (person !== undefined) person.createdConfs++
    return conf.no
  },

  'set-presentation'(context, { confNo, textNo }) {
    const { seen, mayKnow } = setText(context, 'presentation', confNo, textNo)
    notifySessions(
      context,
      'async-new-presentation',
      (to) => ({ confNo, oldPresentation: seen(to).old, newPresentation: seen(to).new }),
      mayKnow,
    )
  },

  'set-etc-motd'(context, { confNo, textNo }) {
    const { seen, mayKnow } = setText(context, 'motd', confNo, textNo)
    notifySessions(
      context,
      'async-new-motd',
      (to) => ({ confNo, oldMotd: seen(to).old, newMotd: seen(to).new }),
      mayKnow,
    )
  },
} satisfies Partial<Handlers>

/**
 * Sets the presentation or the notice of a conference.
 *
 * @param textNo 0 for none
 * @returns the old and the new number as a session sees them, 0 for a text that it may not read, and whether it learns of
 * the change: if these differ
 */
function setText(context: Context, field: 'presentation' | 'motd', confNo: number, textNo: number) {
  const { db, session } = context
  session.mustBePerson
  const conf = conferenceFor(db, session, confNo)
  if (!supervises(db, session, conf)) throw KomError.of('permission-denied', confNo)
  // lyskomd does not require that the session may read the text.
  if (textNo !== 0 && !db.texts.has(textNo)) throw KomError.of('no-such-text', textNo)
  const old = conf[field]
  db.addMarks(textNo, 1)
  db.addMarks(old, -1)
  conf[field] = textNo
  const visible = (to: Session, no: number): number => {
    const text = db.texts.get(no)
    return text !== undefined && mayRead(db, to, text) ? no : 0
  }
  return {
    seen: (to: Session) => ({ old: visible(to, old), new: visible(to, textNo) }),
    mayKnow: (to: Session) => access(db, to, conf) > ACCESS.none && visible(to, old) !== visible(to, textNo),
  }
}

/**
 * Checks that the server may store one more conference or person.
 *
 * @param auxItems the aux-items of the new conference or person
 * @throws KomError `index-out-of-range` with the next number, as lyskomd does, or `temporary-failure` if the aux-items
 * exceed their limit
 */
export function checkRoom(db: Database, auxItems: readonly StoredAuxItem[]): void {
  const no = db.highestConf + 1
  const full = KomError.of('index-out-of-range', no)
  if (no > MAX_CONF_NO) throw full
  db.checkLimit('conferences', db.conferences.size + 1, full)
  if (auxItems.length === 0) return
  db.checkLimit('auxItemBytes', db.auxItemBytes + auxItemsCost(auxItems), KomError.of('temporary-failure', 0))
}

/**
 * Returns the aux-items that a session may see. Secret ones are visible only to their creator, and so is a hidden
 * creator.
 */
export function auxItemsFor(session: Session, items: readonly StoredAuxItem[]) {
  const seen = items.filter(({ flags, creator }) => !flags.secret || creator === session.person)
  return seen.map((item) => ({
    ...item,
    creator: item.flags.hideCreator && item.creator !== session.person ? 0 : item.creator,
    createdAt: session.time(item.createdAt),
  }))
}
