import { KomError } from '../../protocol/errors.ts'
import { newAuxItems } from '../aux-items.ts'
import { type Context, type Handlers, type Hub, notifySessions } from '../context.ts'
import { NO_MEMBERSHIP_FLAGS } from '../database.ts'
import { MAILBOX_TYPE, NO_PRIVILEGES } from '../demo-data.ts'
import type { Person } from '../model.ts'
import { mayReadNumber, personFor, supervisesPerson, textFor } from '../permissions.ts'
import { checkRoom } from './conferences.ts'
import { checkMembershipRoom } from './memberships.ts'
import { checkName } from './names.ts'
import { samePassword, significant } from './sessions.ts'

const MAILBOX_PRIORITY = 255
/** Maximum number of texts in a reply to map-created-texts. */
const MAX_MAPPED = 255

const NO_FLAGS = { flg2: false, flg3: false, flg4: false, flg5: false, flg6: false, flg7: false, flg8: false }

/** Handlers of the calls that read, create and change persons. */
export const persons = {
  'get-person-stat'({ db, session }, { persNo }) {
    const person = personFor(db, session, persNo)
    return {
      username: person.username,
      privileges: person.privileges,
      flags: { unreadIsSecret: person.unreadIsSecret, ...NO_FLAGS },
      lastLogin: session.time(person.lastLogin),
      userArea: supervisesPerson(db, session, persNo) ? person.userArea : 0,
      totalTimePresent: person.totalSeconds,
      sessions: person.sessions,
      createdLines: person.createdLines,
      createdBytes: person.createdBytes,
      readTexts: person.readTexts,
      noOfTextFetches: person.textFetches,
      createdPersons: person.createdPersons,
      createdConfs: person.createdConfs,
      firstCreatedLocalNo: person.texts.first,
      noOfCreatedTexts: person.texts.highest - person.texts.first + 1,
      noOfMarks: person.marks.size,
      noOfConfs: person.memberships.length,
    }
  },

  'create-person'({ db, session }, { name, passwd, flags, auxItems }) {
    const creator = session.person
    checkName(db, name, 'person-exists')
    const created = new Date()
    const no = db.highestConf + 1
    const items = newAuxItems(
      auxItems,
      { on: 'letterbox', mayRead: (text) => mayReadNumber(db, session, text) },
      creator || no,
      created,
    )
    checkRoom(db, items)
    checkMembershipRoom(db)
    const mailbox = db.addConference({
      name,
      type: { ...MAILBOX_TYPE },
      created,
      creator: creator || no,
      supervisor: creator || no,
      superConf: creator,
    })
    mailbox.auxItems = items
    const privileges = { ...NO_PRIVILEGES, changeName: true }
    db.addPerson(no, significant(passwd), privileges, flags.unreadIsSecret)
    const membership = {
      person: no,
      conf: no,
      priority: MAILBOX_PRIORITY,
      addedBy: creator || no,
      addedAt: created,
      type: { ...NO_MEMBERSHIP_FLAGS },
      lastTimeRead: created,
      read: [],
    }
    db.addMembership(membership, 0)
    const maker = db.persons.get(creator)
    if (maker !== undefined) maker.createdPersons++
    return no
  },

  'set-passwd'({ db, session }, { person: no, oldPwd, newPwd }) {
    const own = db.persons.get(session.mustBePerson)
    const person = personFor(db, session, no)
    if (!supervisesPerson(db, session, no)) throw KomError.of('permission-denied', no)
    // The old password is the one of the logged-in person, not of the person whose password changes.
    if (own === undefined || !samePassword(own.passwd, oldPwd)) throw KomError.of('invalid-password', no)
    person.passwd = significant(newPwd)
  },

  'set-user-area'(context, { persNo, userArea }) {
    const { db, session } = context
    session.mustBePerson
    const person = personFor(db, session, persNo)
    if (!supervisesPerson(db, session, persNo)) throw KomError.of('permission-denied', persNo)
    if (userArea !== 0) textFor(db, session, userArea)
    setUserArea(context, person, userArea)
  },

  'map-created-texts'({ db, session }, { author, firstLocalNo, noOfExistingTexts }) {
    const { texts } = mappableAuthor({ db, session }, author, noOfExistingTexts)
    if (firstLocalNo === 0) throw KomError.of('local-text-zero', 0)
    if (firstLocalNo > texts.highest) throw KomError.of('no-such-local-text', firstLocalNo)
    return texts.map(firstLocalNo, noOfExistingTexts)
  },

  'map-created-texts-reverse'({ db, session }, { author, localNoCeiling, noOfExistingTexts }) {
    const { texts } = mappableAuthor({ db, session }, author, noOfExistingTexts)
    return texts.mapDown(localNoCeiling, noOfExistingTexts)
  },
} satisfies Partial<Handlers>

/** Changes the user area of a person. If the text number changes, notifies the sessions that may set it. */
export function setUserArea(hub: Hub, person: Person, userArea: number): void {
  const { db } = hub
  const { no, userArea: old } = person
  if (userArea === old) return
  db.addMarks(userArea, 1)
  db.addMarks(old, -1)
  person.userArea = userArea
  notifySessions(
    hub,
    'async-new-user-area',
    () => ({ persNo: no, oldUserArea: old, newUserArea: userArea }),
    (to) => supervisesPerson(db, to, no),
  )
}

/** Returns a person whose texts the session may map. The map includes texts that the session may not read. */
function mappableAuthor({ db, session }: Pick<Context, 'db' | 'session'>, author: number, count: number): Person {
  session.mustBePerson
  const person = personFor(db, session, author)
  if (count > MAX_MAPPED) throw KomError.of('long-array', MAX_MAPPED)
  return person
}
