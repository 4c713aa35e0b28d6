import { KomError } from '../../protocol/errors.ts'
import { type Context, type Handlers, notifySessions } from '../context.ts'
import { type Database, NO_MEMBERSHIP_FLAGS } from '../database.ts'
import type { Membership } from '../model.ts'
import {
  ACCESS,
  access,
  conferenceFor,
  membershipView,
  personFor,
  supervises,
  supervisesPerson,
} from '../permissions.ts'
import { firstUnread } from '../read-ranges.ts'
import { EPOCH } from '../times.ts'

/** Handlers of the calls that read and change memberships. */
export const memberships = {
  'get-membership'(context, { person: no, first, noOfConfs, wantReadRanges, maxRanges }) {
    const { db, session } = context
    session.mustBePerson
    const seen = personFor(db, session, no).memberships.filter((m) => membershipView(db, session, m) !== 'none')
    if (first >= seen.length) throw KomError.of('index-out-of-range', first)
    const page = seen.slice(first, first + noOfConfs)
    return page.map((m, i) => visibleMembership(context, m, first + i, wantReadRanges, maxRanges))
  },

  'query-read-texts'(context, { person: no, conference, wantReadRanges, maxRanges }) {
    const { db, session } = context
    const person = personFor(db, session, no)
    // lyskomd checks in this order: conference 0 is `undefined-conference`, not `conference-zero`.
    const conf = db.conferences.get(conference)
    if (conf === undefined || access(db, session, conf) === ACCESS.none)
      throw KomError.of('undefined-conference', conference)
    const membership = conf.members.get(no)
    if (membership === undefined || membershipView(db, session, membership) === 'none')
      throw KomError.of('not-member', conference)
    return visibleMembership(context, membership, person.memberships.indexOf(membership), wantReadRanges, maxRanges)
  },

  'get-members'({ db, session }, { conf: no, first, noOfMembers }) {
    const members = [...conferenceFor(db, session, no).members.values()]
    if (first >= members.length) throw KomError.of('index-out-of-range', first)
    return members.slice(first, first + noOfMembers).map((m) => {
      // As in lyskomd, a secret membership of another person stays in the list, but shows only its type.
      const hidden = membershipView(db, session, m) === 'none'
      return {
        member: hidden ? 0 : m.person,
        addedBy: hidden ? 0 : m.addedBy,
        addedAt: session.time(hidden ? EPOCH : m.addedAt),
        type: hidden ? { ...NO_MEMBERSHIP_FLAGS, secret: true } : m.type,
      }
    })
  },

  'get-unread-confs'({ db, session }, { persNo }) {
    session.mustBePerson
    const unread = personFor(db, session, persNo).memberships.filter((m) => {
      const view = membershipView(db, session, m)
      const highest = db.conferences.get(m.conf)?.texts.highest ?? 0
      return view !== 'none' && !m.type.passive && (view === 'all' ? firstUnread(m.read) : 1) <= highest
    })
    return unread.map(({ conf }) => conf)
  },

  'add-member'(context, { confNo, persNo, priority, where, type }) {
    const { db, session } = context
    const by = session.mustBePerson
    const conf = conferenceFor(db, session, confNo)
    const person = personFor(db, session, persNo)
    const own = supervisesPerson(db, session, persNo)
    const existing = conf.members.get(persNo)
    if (existing === undefined && access(db, session, conf) <= ACCESS.readProtected)
      throw KomError.of('access-denied', confNo)
    if (existing !== undefined && !own) throw KomError.of('permission-denied', persNo)
    if (type.secret && conf.type.forbidSecret) throw KomError.of('invalid-membership-type', 0)
    const flags = own ? { ...type } : { ...type, invitation: true }
    if (existing !== undefined) {
      Object.assign(existing, { priority, type: flags })
      person.memberships = person.memberships.filter((m) => m !== existing)
      person.memberships.splice(where, 0, existing)
      return
    }
    checkMembershipRoom(db)
    const now = new Date()
    const membership = {
      person: persNo,
      conf: confNo,
      priority,
      addedBy: by,
      addedAt: now,
      type: flags,
      lastTimeRead: now,
      read: [],
    }
    db.addMembership(membership, where)
    notifySessions(
      context,
      'async-new-membership',
      () => ({ persNo, confNo }),
      (to) => to.person === persNo,
    )
  },

  'set-membership-type'({ db, session }, { pers, conf: no, type }) {
    session.mustBePerson
    personFor(db, session, pers)
    const conf = conferenceFor(db, session, no)
    if (!supervisesPerson(db, session, pers)) throw KomError.of('permission-denied', pers)
    const membership = conf.members.get(pers)
    if (membership === undefined) throw KomError.of('not-member', no)
    const isReinvited = type.invitation && !membership.type.invitation
    if (isReinvited || (type.secret && conf.type.forbidSecret)) throw KomError.of('invalid-membership-type', 0)
    membership.type = { ...type }
  },

  'sub-member'(context, { confNo, persNo }) {
    const { db, session, sessions } = context
    session.mustBePerson
    const conf = conferenceFor(db, session, confNo)
    personFor(db, session, persNo)
    const membership = conf.members.get(persNo)
    if (membership === undefined) throw KomError.of('not-member', confNo)
    if (!supervisesPerson(db, session, persNo) && !supervises(db, session, conf))
      throw KomError.of('permission-denied', confNo)
    db.removeMembership(membership)
    for (const other of sessions.values()) {
      if (other.person !== persNo) continue
      if (other.workingConference === confNo) other.workingConference = 0
      other.notify('async-leave-conf', { confNo })
    }
  },
} satisfies Partial<Handlers>

/**
 * Checks that the server may store one more membership.
 *
 * @throws KomError `temporary-failure` if it may not
 */
export function checkMembershipRoom(db: Database): void {
  db.checkLimit('memberships', db.membershipCount + 1, KomError.of('temporary-failure', 0))
}

/** Returns a membership as the session may see it. */
function visibleMembership(
  { db, session }: Context,
  membership: Membership,
  position: number,
  wantReadRanges: boolean,
  maxRanges: number,
) {
  const { conf, priority, addedBy, addedAt, type } = membership
  const hidden = membershipView(db, session, membership) === 'unread-hidden'
  const read = hidden ? [] : membership.read
  const ranges = maxRanges > 0 ? read.slice(0, maxRanges) : read
  return {
    position,
    lastTimeRead: session.time(hidden ? EPOCH : membership.lastTimeRead),
    conference: conf,
    priority,
    readRanges: wantReadRanges ? [...ranges] : Object.assign([], { omitted: read.length }),
    addedBy,
    addedAt: session.time(addedAt),
    type,
  }
}
