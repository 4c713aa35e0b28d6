import { KomError } from '../../protocol/errors.ts'
import type { AuxItemInput, MiscInfo } from '../../protocol/types.ts'
import { inheritedAuxItems, newAuxItems } from '../aux-items.ts'
import { type Context, type Handlers, type Hub, notifySessions, personsToNotify } from '../context.ts'
import { MAX_LINKS_PER_CALL, MAX_MARKS_PER_PERSON, MAX_MARKS_PER_TEXT, textCost } from '../limits.ts'
import type { RecipientKind, Text } from '../model.ts'
import { conferenceFor, mayRead, mayReadNumber, submitTo, textFor } from '../permissions.ts'
import type { Session } from '../session.ts'
import { fromTime } from '../times.ts'
import { deleteOldTexts } from './deleting.ts'
import { isFull } from './linking.ts'
import { statOld, textStat } from './text-stat.ts'

/** Maximum size of a text, in bytes. */
const MAX_TEXT = 131_072

/** Handlers of the calls that read, write, mark and find texts. */
export const texts = {
  'get-text'({ db, session }, { text: no, startChar, endChar }) {
    const { body } = textFor(db, session, no)
    if (startChar > body.length) throw KomError.of('index-out-of-range', startChar)
    const person = db.persons.get(session.person)
    if (person !== undefined) person.textFetches++
    return body.subarray(startChar, Math.max(startChar, endChar + 1))
  },

  'get-text-stat': (context, { textNo }) =>
    textStat(context, context.session, textFor(context.db, context.session, textNo)),
  'get-text-stat-old': (context, { textNo }) =>
    statOld(context, context.session, textFor(context.db, context.session, textNo)),

  'create-text': (context, { text, miscInfo, auxItems }) => create(context, text, miscInfo, auxItems, false),
  'create-anonymous-text': (context, { text, miscInfo, auxItems }) => create(context, text, miscInfo, auxItems, true),

  'get-marks'({ db, session }) {
    const { marks } = loggedInPerson(db, session)
    return [...marks].map(([textNo, type]) => ({ textNo, type }))
  },

  'mark-text': (context, { text, markType }) => mark(context, text, markType),
  'unmark-text': (context, { textNo }) => unmark(context, textNo),
  'mark-text-old'(context, { text, markType }) {
    if (markType === 0) unmark(context, text)
    else mark(context, text, markType)
  },

  'get-last-text'({ db, session }, { before }) {
    session.mustBePerson
    const limit = fromTime(before, session.utc).getTime()
    let last = 0
    for (const { no, created } of db.texts.values()) if (created.getTime() < limit) last = Math.max(last, no)
    return last
  },

  'find-next-text-no'({ db, session }, { start }) {
    session.mustBePerson
    for (const [no, text] of db.texts) if (no > start && mayRead(db, session, text)) return no
    throw KomError.of('no-such-text', start)
  },

  'find-previous-text-no'({ db, session }, { start }) {
    session.mustBePerson
    for (const text of [...db.texts.values()].reverse()) {
      if (text.no < start && mayRead(db, session, text)) return text.no
    }
    throw KomError.of('no-such-text', start)
  },
} satisfies Partial<Handlers>

/** Returns the logged-in person. */
function loggedInPerson(db: Context['db'], session: Session) {
  const person = db.persons.get(session.mustBePerson)
  if (person === undefined) throw KomError.of('undefined-person', session.person)
  return person
}

function mark({ db, session }: Context, no: number, type: number): void {
  const { marks } = loggedInPerson(db, session)
  const text = textFor(db, session, no)
  if (!marks.has(no)) {
    const limitError = KomError.of('mark-limit', no)
    if (marks.size >= MAX_MARKS_PER_PERSON || text.noOfMarks >= MAX_MARKS_PER_TEXT) throw limitError
    db.checkLimit('marks', db.markCount + 1, limitError)
    text.noOfMarks++
  }
  marks.set(no, type)
}

function unmark({ db, session }: Context, no: number): void {
  const { marks } = loggedInPerson(db, session)
  if (!marks.delete(no)) throw KomError.of('not-marked', no)
  db.addMarks(no, -1)
}

/** A recipient or link of a new text. */
type NewMisc = { kind: RecipientKind; conf: number } | { kind: 'comm-to' | 'footn-to'; text: number }

function create(
  context: Context,
  body: Uint8Array,
  miscInfo: readonly MiscInfo[],
  auxItems: readonly AuxItemInput[],
  anonymous: boolean,
): number {
  const { db, session } = context
  const person = session.mustBePerson
  if (body.length > MAX_TEXT) throw KomError.of('string-too-long', MAX_TEXT)
  const misc = newMisc(context, miscInfo, anonymous)
  const author = anonymous ? 0 : person
  const created = new Date()
  const own = newAuxItems(auxItems, { on: 'text', mayRead: (no) => mayReadNumber(db, session, no) }, author, created)
  const linked = misc.flatMap((item) => ('text' in item ? (db.texts.get(item.text) ?? []) : []))
  const items = [...own, ...inheritedAuxItems(linked, own.length, created)]
  const cost = textCost({ body, misc, auxItems: items })
  db.checkLimit('textBytes', cost, KomError.of('temporary-failure', 0))
  const text = db.addText({ author, created, body: new Uint8Array(body), misc, auxItems: items })
  db.written.add(text)
  deleteOldTexts(context)
  announceText(context, text)
  return text.no
}

/**
 * Validates the recipients and links of a new text.
 *
 * @throws KomError `illegal-misc` with the index of the invalid item, or the error of a recipient or linked text
 */
function newMisc({ db, session }: Context, miscInfo: readonly MiscInfo[], anonymous: boolean): NewMisc[] {
  if (miscInfo.length > MAX_LINKS_PER_CALL) throw KomError.of('long-array', MAX_LINKS_PER_CALL)
  const misc: NewMisc[] = []
  for (const [i, item] of miscInfo.entries()) {
    switch (item.kind) {
      case 'recpt':
      case 'cc-recpt':
      case 'bcc-recpt': {
        const conf = submitTo(db, session, conferenceFor(db, session, item.value), anonymous)
        if (misc.some((other) => 'conf' in other && other.conf === conf.no)) throw KomError.of('illegal-misc', i)
        misc.push({ kind: item.kind, conf: conf.no })
        break
      }
      case 'comm-to':
      case 'footn-to': {
        const text = textFor(db, session, item.value)
        if (item.kind === 'footn-to' && text.author !== session.person) throw KomError.of('not-author', text.no)
        if (misc.some((other) => 'text' in other && other.text === text.no)) throw KomError.of('illegal-misc', i)
        if (item.kind === 'comm-to' && isFull(text, 'comm')) throw KomError.of('comment-limit', text.no)
        if (item.kind === 'footn-to' && isFull(text, 'footn')) throw KomError.of('footnote-limit', text.no)
        misc.push({ kind: item.kind, text: text.no })
        break
      }
      case 'loc-no':
        // lyskomd assigns the local number itself and accepts a loc-no after a recipient.
        if (i > 0 && isRecipient(miscInfo[i - 1])) break
        throw KomError.of('illegal-misc', i)
      default:
        throw KomError.of('illegal-misc', i)
    }
  }
  return misc
}

function isRecipient(item: MiscInfo | undefined): boolean {
  return item?.kind === 'recpt' || item?.kind === 'cc-recpt' || item?.kind === 'bcc-recpt'
}

/** Notifies the sessions that may read a new text and whose persons are among `personsToNotify`. */
export function announceText(hub: Hub, text: Text): void {
  const persons = personsToNotify(hub.db, text)
  const to = ({ person, level }: Session): boolean => persons.has(person) && mayRead(hub.db, { person, level }, text)
  notifySessions(
    hub,
    'async-new-text-old',
    (session) => ({ textNo: text.no, textStat: statOld(hub, session, text) }),
    to,
  )
  notifySessions(hub, 'async-new-text', (session) => ({ textNo: text.no, textStat: textStat(hub, session, text) }), to)
}
