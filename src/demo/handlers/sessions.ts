import { KomError } from '../../protocol/errors.ts'
import { type Context, type Handlers, type Hub, notifySessions } from '../context.ts'
import type { Database } from '../database.ts'
import type { Person } from '../model.ts'
import { ACCESS, access, conferenceFor, supervisesPerson } from '../permissions.ts'
import type { Session } from '../session.ts'
import { secondsBetween } from '../times.ts'

/** Maximum length of client name, client version and what-am-i-doing, in characters. */
const MAX_STRING = 60
/** Number of significant characters of a password. */
const PASSWORD_CHARACTERS = 8
/** Maximum length of a message, in bytes. */
const MAX_MESSAGE = 1024

/** Handlers of the calls for login and logout, the list of sessions, and asynchronous messages. */
export const sessions = {
  'login-old': (context, { person, passwd }) => logIn(context, person, passwd, false),
  login: (context, { person, passwd, invisible }) => logIn(context, person, passwd, invisible),
  logout: (context) => logOut(context, context.session),

  'change-conference'({ db, session, ...hub }, { conference }) {
    const person = session.mustBePerson
    if (conference !== 0 && !conferenceFor(db, session, conference).members.has(person)) {
      throw KomError.of('not-member', conference)
    }
    leaveConference(db, session)
    session.workingConference = conference
    announce({ db, ...hub }, session)
  },

  'change-what-i-am-doing'({ session, ...hub }, { whatAmIDoing }) {
    checkLength(whatAmIDoing, MAX_STRING)
    session.whatAmIDoing = whatAmIDoing
    announce(hub, session)
  },

  'set-client-version'({ session }, { clientName, clientVersion }) {
    checkLength(clientName, MAX_STRING)
    checkLength(clientVersion, MAX_STRING)
    if (session.client !== undefined) throw KomError.of('client-is-crazy', 0)
    session.client = { name: clientName, version: clientVersion }
  },

  'get-client-name': (context, { session }) => sessionByNumber(context, session).client?.name ?? '',
  'get-client-version': (context, { session }) => sessionByNumber(context, session).client?.version ?? '',

  'get-static-session-info'(context, { sessionNo }) {
    const { hello, host, connectedAt } = sessionByNumber(context, sessionNo)
    return { username: hello, hostname: host, identUser: 'unknown', connectionTime: context.session.time(connectedAt) }
  },

  'who-is-on-dynamic'({ db, session, sessions }, { wantVisible, wantInvisible, activeLast }) {
    const now = new Date()
    const found = [...sessions.values()].filter((other) => {
      const visible = other.person !== 0 && !other.invisible
      const idle = secondsBetween(other.activeAt, now)
      const active = activeLast === 0 || !other.userActiveUsed || idle <= activeLast
      return active && (visible ? wantVisible : wantInvisible)
    })
    return found.reverse().map((other) => ({
      session: other.no,
      person: other.person,
      workingConference: seenConference({ db }, session, other),
      idleTime: secondsBetween(other.activeAt, now),
      flags: {
        invisible: other.person === 0 || other.invisible,
        userActiveUsed: other.userActiveUsed,
        userAbsent: false,
        reserved3: false,
        reserved4: false,
        reserved5: false,
        reserved6: false,
        reserved7: false,
      },
      whatAmIDoing: other.whatAmIDoing,
    }))
  },

  'who-am-i': ({ session }) => session.no,

  disconnect(context, { sessionNo }) {
    const { db, session, sessions } = context
    if (sessionNo !== 0 && sessionNo !== session.no) {
      session.mustBePerson
      const other = sessions.get(sessionNo)
      if (other === undefined) throw KomError.of('undefined-session', sessionNo)
      if (!supervisesPerson(db, session, other.person)) throw KomError.of('permission-denied', sessionNo)
      context.afterReply(() => context.disconnect(other))
      return
    }
    context.afterReply(() => context.disconnect(session))
  },

  'accept-async': ({ session }, { requestList }) => session.accept(requestList),
  'query-async': ({ session }) => [...session.accepted],

  'user-active'({ session }) {
    session.activeAt = new Date()
    session.userActiveUsed = true
  },

  'set-connection-time-format'({ session }, { useUtc }) {
    session.utc = useUtc
  },

  enable({ session }, { level }) {
    session.mustBePerson
    session.level = level
  },

  'send-message': (context, { recipient, message }) => sendMessage(context, recipient, message),
  broadcast: (context, { message }) => sendMessage(context, 0, message),
} satisfies Partial<Handlers>

/** Sends a message to the members of a conference, or to all sessions if `recipient` is 0. */
function sendMessage(context: Context, recipient: number, message: Uint8Array): void {
  const { db, session } = context
  const sender = session.mustBePerson
  if (message.length > MAX_MESSAGE) throw KomError.of('string-too-long', MAX_MESSAGE)
  const members = recipient === 0 ? undefined : conferenceFor(db, session, recipient).members
  const recipients = notifySessions(
    context,
    'async-send-message',
    () => ({ recipient, sender, message }),
    ({ person }) => {
      if (members === undefined) return true
      const type = members.get(person)?.type
      return type !== undefined && type.passive === type.passiveMessageInvert
    },
  )
  if (recipients === 0) throw KomError.of('message-not-sent', 0)
}

function logIn(context: Context, no: number, passwd: string, invisible: boolean): void {
  const { db, session } = context
  const person = personToLogIn(context, no)
  const isPassword = samePassword(person.passwd, passwd)
  if (!isPassword && !supervisesPerson(db, session, no)) throw KomError.of('invalid-password', no)
  const again = session.person === no
  if (session.person !== 0) logOut(context, session)
  session.person = no
  session.invisible = invisible
  session.loggedInAt = new Date()
  if (!again) person.sessions++
  person.lastLogin = session.loggedInAt
  person.username = `${session.hello}(unknown)@${session.host}`
  if (!invisible) notifySessions(context, 'async-login', () => ({ persNo: no, sessionNo: session.no }))
}

/** Returns a person by number. A secret person may log in, so it does not check visibility. */
function personToLogIn({ db }: Context, no: number): Person {
  if (no === 0) throw KomError.of('conference-zero', 0)
  const person = db.persons.get(no)
  if (person === undefined) throw KomError.of('undefined-person', no)
  return person
}

/**
 * Logs out the person of a session, if any, and notifies the other sessions unless the session is invisible. As in
 * lyskomd, this also leaves the working conference and updates last-login.
 */
export function logOut(hub: Hub, session: Session): void {
  const { person: no, invisible } = session
  if (no === 0) return
  leaveConference(hub.db, session)
  const person = hub.db.persons.get(no)
  if (person !== undefined) {
    person.lastLogin = new Date()
    person.totalSeconds += secondsBetween(session.loggedInAt, person.lastLogin)
  }
  if (!invisible) notifySessions(hub, 'async-logout', () => ({ persNo: no, sessionNo: session.no }))
  session.person = 0
  session.invisible = false
  session.level = 0
  session.workingConference = 0
  session.whatAmIDoing = ''
}

/** Sets last-time-read of the working conference. As in lyskomd, marking texts as read does not change it. */
function leaveConference(db: Database, { person, workingConference }: Session): void {
  const membership = db.conferences.get(workingConference)?.members.get(person)
  if (membership !== undefined) membership.lastTimeRead = new Date()
}

/** Compares the significant parts of two passwords. */
export function samePassword(a: string, b: string): boolean {
  return significant(a) === significant(b)
}

/** Returns the significant part of a password: its first eight characters. */
export function significant(password: string): string {
  return password.slice(0, PASSWORD_CHARACTERS)
}

/** Returns a session by number; 0 is the session of the request. */
function sessionByNumber({ session, sessions }: Context, no: number): Session {
  session.mustBePerson
  const found = no === 0 ? session : sessions.get(no)
  if (found === undefined) throw KomError.of('undefined-session', no)
  return found
}

/**
 * Notifies all sessions of the activity and the working conference of a session, unless it is invisible. As in lyskomd,
 * it may be an anonymous session.
 */
function announce(hub: Hub, session: Session): void {
  if (session.invisible) return
  notifySessions(hub, 'async-i-am-on', (to) => ({
    info: {
      person: session.person,
      workingConference: seenConference(hub, to, session),
      session: session.no,
      whatAmIDoing: session.whatAmIDoing,
      username: session.username,
    },
  }))
}

/** Returns the working conference of a session as another session may see it. */
function seenConference({ db }: Pick<Hub, 'db'>, viewer: Session, { workingConference }: Session): number {
  const conf = db.conferences.get(workingConference)
  return conf !== undefined && access(db, viewer, conf) > ACCESS.none ? workingConference : 0
}

function checkLength(text: string, max: number): void {
  if (text.length > max) throw KomError.of('string-too-long', max)
}
