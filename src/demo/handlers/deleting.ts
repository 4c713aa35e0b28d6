import { KomError } from '../../protocol/errors.ts'
import { type Handlers, type Hub, notifySessions, personsToNotify } from '../context.ts'
import type { Text } from '../model.ts'
import { conferenceFor, mayRead, supervises, supervisesPerson, textFor } from '../permissions.ts'
import { changeText } from './conferences.ts'
import { setUserArea } from './persons.ts'
import { logOut } from './sessions.ts'
import { textStat } from './text-stat.ts'

/** Handlers of the calls that delete texts, conferences and persons. */
export const deleting = {
  'delete-text'(context, { text: no }) {
    const { db, session } = context
    const person = session.mustBePerson
    const text = textFor(db, session, no)
    if (text.author !== person && !supervisesPerson(db, session, text.author)) throw KomError.of('not-author', no)
    deleteText(context, text)
  },

  'delete-conf'(context, { conf: no }) {
    const { db, session, sessions } = context
    session.mustBePerson
    const conf = conferenceFor(db, session, no)
    if (!supervises(db, session, conf)) throw KomError.of('permission-denied', no)
    const person = db.persons.get(no)
    if (person !== undefined) {
      for (const other of sessions.values()) if (other.person === no) logOut(context, other)
      setUserArea(context, person, 0)
      db.removePerson(person)
    }
    changeText(context, conf, 'presentation', 0)
    changeText(context, conf, 'motd', 0)
    for (const other of sessions.values()) {
      if (conf.members.has(other.person)) other.notify('async-leave-conf', { confNo: no })
    }
    db.removeConference(conf)
  },
} satisfies Partial<Handlers>

/** Deletes the oldest texts written by clients until the remaining ones are within the limits. */
export function deleteOldTexts(hub: Hub): void {
  const { written, texts, limits } = hub.db
  for (;;) {
    const limit = written.count > limits.texts ? 'texts' : written.bytes > limits.textBytes ? 'textBytes' : undefined
    const oldest = texts.get(written.oldest ?? 0)
    if (limit === undefined || oldest === undefined) return
    hub.db.hitLimit(limit)
    deleteText(hub, oldest)
  }
}

/** Deletes a text and notifies the sessions of it. */
export function deleteText(hub: Hub, text: Text): void {
  const { db } = hub
  const persons = personsToNotify(db, text)
  notifySessions(
    hub,
    'async-deleted-text',
    (to) => ({ textNo: text.no, textStat: textStat(hub, to, text) }),
    (to) => persons.has(to.person) && mayRead(db, to, text),
  )
  db.removeText(text)
}
