import { KomError } from '../../protocol/errors.ts'
import type { Context, Handlers } from '../context.ts'
import type { Conference } from '../model.ts'
import { conferenceFor, isSupervisor, supervises, textFor, wheel } from '../permissions.ts'

/** Handlers of the calls that change settings of conferences and of the server. */
export const settings = {
  'set-supervisor'(context, { confNo, admin }) {
    const { db, session } = context
    const conf = supervisedConference(context, confNo)
    // Persons may change their own mailboxes otherwise, but not their supervisors.
    if (!isSupervisor(db, session, conf)) throw KomError.of('permission-denied', confNo)
    conf.supervisor = visibleNumber(context, admin)
  },

  'set-permitted-submitters'(context, { confNo, permSub }) {
    const conf = supervisedConference(context, confNo)
    // Unlike the others, this conference need not be visible to the session.
    if (permSub !== 0 && !context.db.conferences.has(permSub)) throw KomError.of('undefined-conference', permSub)
    conf.permittedSubmitters = permSub
  },

  'set-super-conf'(context, { confNo, superConf }) {
    supervisedConference(context, confNo).superConf = visibleNumber(context, superConf)
  },

  'set-motd-of-lyskom'({ db, session }, { textNo }) {
    session.mustBePerson
    if (!wheel(db, session)) throw KomError.of('permission-denied', 0)
    if (textNo !== 0) textFor(db, session, textNo)
    db.addMarks(textNo, 1)
    db.addMarks(db.info.motd, -1)
    db.info.motd = textNo
  },
} satisfies Partial<Handlers>

/** Returns a conference that the session may change. */
function supervisedConference({ db, session }: Context, no: number): Conference {
  session.mustBePerson
  const conf = conferenceFor(db, session, no)
  if (!supervises(db, session, conf)) throw KomError.of('permission-denied', no)
  return conf
}

/** Checks that a conference exists and is visible to the session, and returns its number. Number 0 stands for none. */
function visibleNumber({ db, session }: Context, no: number): number {
  return no === 0 ? 0 : conferenceFor(db, session, no).no
}
