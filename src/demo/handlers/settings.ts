/** Calls that change settings of conferences and of the server. */
import { KomError } from '../../protocol/errors.ts'
import type { Context, Handlers } from '../context.ts'
import type { Conference } from '../model.ts'
import { conferenceFor, supervises, textFor, wheel } from '../permissions.ts'

export const settings = {
  'set-supervisor'(context, { confNo, admin }) {
    supervised(context, confNo).supervisor = named(context, admin)
  },

  'set-permitted-submitters'(context, { confNo, permSub }) {
    const conf = supervised(context, confNo)
    // Unlike the others, this conference need not be visible to the session.
    if (permSub !== 0 && !context.db.conferences.has(permSub)) throw KomError.of('undefined-conference', permSub)
    conf.permittedSubmitters = permSub
  },

  'set-super-conf'(context, { confNo, superConf }) {
    supervised(context, confNo).superConf = named(context, superConf)
  },

  'set-motd-of-lyskom'({ db, session }, { textNo }) {
    session.mustBePerson
    if (!wheel(db, session)) throw KomError.of('permission-denied', 0)
    if (textNo !== 0) textFor(db, session, textNo)
    db.pin(textNo, 1)
    db.pin(db.info.motd, -1)
    db.info.motd = textNo
  },
} satisfies Partial<Handlers>

function supervised({ db, session }: Context, no: number): Conference {
  session.mustBePerson
  const conf = conferenceFor(db, session, no)
  if (!supervises(db, session, conf)) throw KomError.of('permission-denied', no)
  return conf
}

/** Returns the number of an existing, visible conference; 0 stands for none. */
function named({ db, session }: Context, no: number): number {
  return no === 0 ? 0 : conferenceFor(db, session, no).no
}
