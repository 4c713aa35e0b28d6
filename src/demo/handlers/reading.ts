import { KomError } from '../../protocol/errors.ts'
import type { Context, Handlers } from '../context.ts'
import { MAX_MARK_AS_READ_CHUNKS, MAX_READ_RANGES_PER_CALL } from '../limits.ts'
import type { Conference, Membership, Person } from '../model.ts'
import { ACCESS, access, conferenceFor } from '../permissions.ts'
import { countUnread, normalized, type ReadRange, readTo, withoutRead, withRead } from '../read-ranges.ts'

/** Maximum number of texts in a reply to local-to-global. */
const MAX_MAPPED = 255

/** Handlers of the calls that read and change which local text numbers a person has read. */
export const reading = {
  'mark-as-read'(context, { conference, text }) {
    const { conf, person, membership } = ownMembership(context, conference)
    if (text.length > MAX_MARK_AS_READ_CHUNKS) throw KomError.of('long-array', MAX_MARK_AS_READ_CHUNKS)
    for (const [i, localNo] of text.entries()) {
      if (localNo === 0) throw KomError.of('local-text-zero', i)
      if (localNo > conf.texts.highest) throw KomError.of('no-such-local-text', i)
    }
    // lyskomd counts read texts only in the working conference.
    const newlyRead = context.session.workingConference === conference ? countUnread(membership.read, text) : 0
    setRead(context, membership, withRead(membership.read, text))
    person.readTexts += newlyRead
  },

  'mark-as-unread'(context, { conference, text }) {
    const { conf, membership } = ownMembership(context, conference)
    if (text === 0) throw KomError.of('local-text-zero', 0)
    if (text > conf.texts.highest) throw KomError.of('no-such-local-text', text)
    setRead(context, membership, withoutRead(membership.read, text))
  },

  'set-unread'(context, { confNo, noOfUnread }) {
    const { conf, membership } = ownMembership(context, confNo)
    setRead(context, membership, readTo(conf.texts.highest - noOfUnread))
  },

  'set-last-read'(context, { conference, lastRead }) {
    const { conf, membership } = ownMembership(context, conference)
    setRead(context, membership, readTo(Math.min(lastRead, conf.texts.highest)))
  },

  'set-read-ranges'(context, { conference, readRanges }) {
    const { conf, membership } = ownMembership(context, conference)
    if (readRanges.length > MAX_READ_RANGES_PER_CALL) throw KomError.of('long-array', MAX_READ_RANGES_PER_CALL)
    let before = 0
    for (const [i, { firstRead, lastRead }] of readRanges.entries()) {
      if (firstRead === 0) throw KomError.of('local-text-zero', i)
      if (firstRead > lastRead) throw KomError.of('invalid-range', i)
      if (firstRead <= before) throw KomError.of('invalid-range-list', i)
      before = lastRead
    }
    if (before > conf.texts.highest) throw KomError.of('no-such-local-text', before)
    setRead(context, membership, normalized(readRanges))
  },

  'local-to-global'({ db, session }, { confNo, firstLocalNo, noOfExistingTexts }) {
    const { texts } = mappableConference({ db, session }, confNo, noOfExistingTexts)
    if (firstLocalNo === 0) throw KomError.of('local-text-zero', 0)
    if (firstLocalNo > texts.highest) throw KomError.of('no-such-local-text', firstLocalNo)
    return texts.map(firstLocalNo, noOfExistingTexts)
  },

  'local-to-global-reverse'({ db, session }, { confNo, localNoCeiling, noOfExistingTexts }) {
    const { texts } = mappableConference({ db, session }, confNo, noOfExistingTexts)
    return texts.mapDown(localNoCeiling, noOfExistingTexts)
  },
} satisfies Partial<Handlers>

/**
 * Returns a conference, the logged-in person and the person's membership in the conference.
 *
 * @throws KomError `not-member` if there is none
 */
function ownMembership(
  { db, session }: Context,
  no: number,
): { conf: Conference; person: Person; membership: Membership } {
  const person = db.persons.get(session.mustBePerson)
  const conf = conferenceFor(db, session, no)
  const membership = conf.members.get(session.person)
  if (person === undefined || membership === undefined) throw KomError.of('not-member', no)
  return { conf, person, membership }
}

/**
 * Replaces the read ranges of a membership.
 *
 * @throws KomError `temporary-failure` if their number grows beyond the limit of the server
 */
function setRead({ db }: Context, membership: Membership, read: ReadRange[]): void {
  const more = read.length - membership.read.length
  if (more > 0) db.checkLimit('readRanges', db.readRangeCount + more, KomError.of('temporary-failure', 0))
  membership.read = read
}

/** Returns a conference whose texts the session may map. */
function mappableConference({ db, session }: Pick<Context, 'db' | 'session'>, no: number, count: number): Conference {
  session.mustBePerson
  const conf = conferenceFor(db, session, no)
  if (count > MAX_MAPPED) throw KomError.of('long-array', MAX_MAPPED)
  if (access(db, session, conf) <= ACCESS.readProtected) throw KomError.of('access-denied', no)
  return conf
}
