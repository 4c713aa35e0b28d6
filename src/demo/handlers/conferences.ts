import { KomError } from '../../protocol/errors.ts'
import { auxItemsFor, newAuxItems } from '../aux-items.ts'
import { type Context, type Handlers, type Hub, notifySessions } from '../context.ts'
import type { Database } from '../database.ts'
import { auxItemsCost } from '../limits.ts'
import type { Conference, StoredAuxItem } from '../model.ts'
import { ACCESS, access, conferenceFor, mayReadNumber, supervises } from '../permissions.ts'
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
      auxItems: auxItemsFor(db, session, conf.auxItems),
    }
  },

  'create-conf'({ db, session }, { name, type, auxItems }) {
    const creator = session.mustBePerson
    checkName(db, name, 'conference-exists')
    if (type.secret && !type.rdProt) throw KomError.of('secret-public', 0)
    if (type.letterbox) throw KomError.of('permission-denied', 0)
    const created = new Date()
    const items = newAuxItems(
      auxItems,
      { on: 'conf', mayRead: (no) => mayReadNumber(db, session, no) },
      creator,
      created,
    )
    checkRoom(db, items)
    const conf = db.addConference({ name, type, created, creator, supervisor: creator, superConf: creator })
    conf.auxItems = items
    const person = db.persons.get(creator)
    if (person !== undefined) person.createdConfs++
    return conf.no
  },

  'set-presentation': (context, { confNo, textNo }) => setText(context, 'presentation', confNo, textNo),
  'set-etc-motd': (context, { confNo, textNo }) => setText(context, 'motd', confNo, textNo),
} satisfies Partial<Handlers>

function setText(context: Context, field: 'presentation' | 'motd', confNo: number, textNo: number): void {
  const { db, session } = context
  session.mustBePerson
  const conf = conferenceFor(db, session, confNo)
  if (!supervises(db, session, conf)) throw KomError.of('permission-denied', confNo)
  // lyskomd does not require that the session may read the text.
  if (textNo !== 0 && !db.texts.has(textNo)) throw KomError.of('no-such-text', textNo)
  changeText(context, conf, field, textNo)
}

/**
 * Changes the presentation or the notice of a conference. Notifies the sessions that may know of the conference and see
 * a difference between the old and the new number: a session sees 0 for a text that it may not read.
 *
 * @param textNo 0 for none
 */
export function changeText(hub: Hub, conf: Conference, field: 'presentation' | 'motd', textNo: number): void {
  const { db } = hub
  const old = conf[field]
  db.addMarks(textNo, 1)
  db.addMarks(old, -1)
  conf[field] = textNo
  const visible = (to: Session, no: number): number => (mayReadNumber(db, to, no) ? no : 0)
  const mayKnow = (to: Session): boolean =>
    access(db, to, conf) > ACCESS.none && visible(to, old) !== visible(to, textNo)
  if (field === 'presentation') {
    notifySessions(
      hub,
      'async-new-presentation',
      (to) => ({ confNo: conf.no, oldPresentation: visible(to, old), newPresentation: visible(to, textNo) }),
      mayKnow,
    )
    return
  }
  notifySessions(
    hub,
    'async-new-motd',
    (to) => ({ confNo: conf.no, oldMotd: visible(to, old), newMotd: visible(to, textNo) }),
    mayKnow,
  )
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
