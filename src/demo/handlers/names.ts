import { KomError } from '../../protocol/errors.ts'
import { type Context, type Handlers, notifySessions } from '../context.ts'
import type { Database } from '../database.ts'
import type { Conference } from '../model.ts'
import { isLegalName, matchesName, nameWords, sameName } from '../name-expansion.ts'
import { ACCESS, access, conferenceFor, supervises, wheel } from '../permissions.ts'

/** Maximum length of a name, in characters. */
const MAX_NAME = 60

/** Handlers of the calls that look up and change names of conferences and persons. */
export const names = {
  'lookup-z-name'(context, { name, wantPers, wantConfs }) {
    const pattern = nameWords(name)
    const found = visible(context).filter(({ type, words }) => {
      return (type.letterbox ? wantPers : wantConfs) && matchesName(pattern, words)
    })
    return found.map(({ name, type, no }) => ({ name, type, confNo: no }))
  },

  'change-name'(context, { conference, newName }) {
    const { db, session } = context
    const person = db.persons.get(session.mustBePerson)
    const conf = conferenceFor(db, session, conference)
    const allowed = supervises(db, session, conf) && (person?.privileges.changeName || wheel(db, session))
    if (!allowed) throw KomError.of('permission-denied', conference)
    const words = checkName(db, newName, 'conference-exists', conf)
    const oldName = conf.name
    conf.name = newName
    conf.words = words
    notifySessions(
      context,
      'async-new-name',
      () => ({ confNo: conf.no, oldName, newName }),
      (to) => access(db, to, conf) > ACCESS.none,
    )
  },

  'find-next-conf-no'(context, { start }) {
    context.session.mustBePerson
    const next = visible(context).find(({ no }) => no > start)
    if (next === undefined) throw KomError.of('undefined-conference', start)
    return next.no
  },

  'find-previous-conf-no'(context, { start }) {
    context.session.mustBePerson
    const previous = visible(context).findLast(({ no }) => no < start)
    if (previous === undefined) throw KomError.of('undefined-conference', start)
    return previous.no
  },
} satisfies Partial<Handlers>

/** Returns the conferences that the session may know of, in order of their numbers. */
function visible({ db, session }: Context): Conference[] {
  const found = [...db.conferences.values()].filter((conf) => access(db, session, conf) > ACCESS.none)
  return found.sort((a, b) => a.no - b.no)
}

/**
 * Validates the name of a new conference or person, or the new name of `renamed`.
 *
 * @param taken the error if another conference or person, visible or not, has the same name
 * @returns the collated words of the name
 * @throws KomError `string-too-long`, `bad-name` or `taken`
 */
export function checkName(
  db: Database,
  name: string,
  taken: 'conference-exists' | 'person-exists',
  renamed?: Conference,
): string[] {
  if (name.length > MAX_NAME) throw KomError.of('string-too-long', MAX_NAME)
  if (!isLegalName(name)) throw KomError.of('bad-name', 0)
  const words = nameWords(name)
  for (const conf of db.conferences.values()) {
    if (conf !== renamed && sameName(words, conf.words)) throw KomError.of(taken, 0)
  }
  return words
}
