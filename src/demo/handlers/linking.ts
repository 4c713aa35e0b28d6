import { KomError } from '../../protocol/errors.ts'
import { type Context, type Handlers, notifySessions, personsToNotify } from '../context.ts'
import { MAX_COMMENTS_PER_TEXT, MAX_FOOTNOTES_PER_TEXT, MAX_RECIPIENTS_PER_TEXT } from '../limits.ts'
import type { LinkKind, Misc, Recipient, RecipientKind, Text } from '../model.ts'
import {
  conferenceFor,
  mayRead,
  maySubmit,
  supervises,
  supervisesPerson,
  textFor,
  visibleMisc,
} from '../permissions.ts'
import { deleteOldTexts } from './deleting.ts'

/** Handlers of the calls that add and remove recipients and links of existing texts. */
export const linking = {
  'add-recipient'(context, { textNo, confNo, recptType }) {
    const { db, session } = context
    const person = session.mustBePerson
    const conf = conferenceFor(db, session, confNo)
    const text = textFor(db, session, textNo)
    if (!isRecipientKind(recptType)) throw KomError.of('illegal-info-type', INFO_TYPES.indexOf(recptType))
    const existing = recipientOf(text, confNo)
    if (existing?.kind === recptType) throw KomError.of('already-recipient', confNo)
    if (existing === undefined) {
      if (!maySubmit(db, session, conf)) throw KomError.of('access-denied', confNo)
      if (text.misc.filter((item) => 'conf' in item).length >= MAX_RECIPIENTS_PER_TEXT)
        throw KomError.of('recipient-limit', textNo)
      const recipient = { kind: recptType, conf: confNo, localNo: db.receive(confNo, textNo), ...addedBy(text, person) }
      db.setMisc(text, [...text.misc, recipient])
    } else {
      const allowed = mayManage(context, text, existing)
      if (!allowed) throw KomError.of('permission-denied', confNo)
      db.setMisc(
        text,
        text.misc.map((item) => (item === existing ? { ...existing, kind: recptType } : item)),
      )
    }
    deleteOldTexts(context)
    announce(context, 'async-new-recipient', text, confNo)
  },

  'sub-recipient'(context, { textNo, confNo }) {
    const { db, session } = context
    session.mustBePerson
    const text = textFor(db, session, textNo)
    if (confNo === 0) throw KomError.of('undefined-conference', 0)
    conferenceFor(db, session, confNo)
    const recipient = visibleMisc(db, session, text).find((item) => 'conf' in item && item.conf === confNo)
    if (recipient === undefined || !('conf' in recipient)) throw KomError.of('not-recipient', confNo)
    if (!mayManage(context, text, recipient)) throw KomError.of('permission-denied', textNo)
    announce(context, 'async-sub-recipient', text, confNo)
    db.setMisc(
      text,
      text.misc.filter((item) => item !== recipient),
    )
    db.conferences.get(confNo)?.texts.remove(recipient.localNo)
  },

  'add-comment': (context, { textNo, commentTo }) => link(context, 'comm', textNo, commentTo),
  'add-footnote': (context, { textNo, footnoteTo }) => link(context, 'footn', textNo, footnoteTo),
  'sub-comment': (context, { textNo, commentTo }) => unlink(context, 'comm', textNo, commentTo),
  'sub-footnote': (context, { textNo, footnoteTo }) => unlink(context, 'footn', textNo, footnoteTo),
} satisfies Partial<Handlers>

/** The values of Info-Type in protocol order. */
const INFO_TYPES = [
  'recpt',
  'cc-recpt',
  'comm-to',
  'comm-in',
  'footn-to',
  'footn-in',
  'loc-no',
  'rec-time',
  'sent-by',
  'sent-at',
]

function isRecipientKind(kind: string): kind is RecipientKind {
  return kind === 'recpt' || kind === 'cc-recpt' || kind === 'bcc-recpt'
}

function recipientOf(text: Text, conf: number): Recipient | undefined {
  return text.misc.find((item): item is Recipient => 'conf' in item && item.conf === conf)
}

/** Returns the person who adds an item, unless it is the author, and the current time. */
function addedBy(text: Text, person: number): { sentBy?: number; sentAt: Date } {
  return { ...(person !== text.author && { sentBy: person }), sentAt: new Date() }
}

/** Reports whether the session may change or remove a recipient of a text. */
function mayManage({ db, session }: Context, text: Text, { conf: no, sentBy }: Recipient): boolean {
  const conf = db.conferences.get(no)
  return (
    text.author === session.person ||
    supervisesPerson(db, session, text.author) ||
    (conf !== undefined && supervises(db, session, conf)) ||
    (sentBy !== undefined && supervisesPerson(db, session, sentBy))
  )
}

/** Notifies the sessions that may see the recipient and whose persons are among `personsToNotify`. */
function announce(
  context: Context,
  name: 'async-new-recipient' | 'async-sub-recipient',
  text: Text,
  confNo: number,
): void {
  const { db } = context
  const kind = recipientOf(text, confNo)?.kind ?? 'recpt'
  const persons = personsToNotify(db, text)
  notifySessions(
    context,
    name,
    () => ({ textNo: text.no, confNo, type: kind }),
    (to) =>
      persons.has(to.person) &&
      mayRead(db, to, text) &&
      visibleMisc(db, to, text).some((item) => 'conf' in item && item.conf === confNo),
  )
}

/** Reports whether a text has as many comments or footnotes as lyskomd allows. */
export function isFull(text: Text, kind: 'comm' | 'footn'): boolean {
  const count = text.misc.filter((item) => item.kind === `${kind}-in`).length
  return count >= (kind === 'comm' ? MAX_COMMENTS_PER_TEXT : MAX_FOOTNOTES_PER_TEXT)
}

/** Returns a predicate for the links of a kind to a text. */
const isLink = (kind: LinkKind, no: number) => (item: Misc) => 'text' in item && item.kind === kind && item.text === no

/** Makes text `no` a comment on or a footnote to text `toNo`. */
function link(context: Context, kind: 'comm' | 'footn', no: number, toNo: number): void {
  const { db, session } = context
  const person = session.mustBePerson
  const text = textFor(db, session, no)
  const to = textFor(db, session, toNo)
  if (no === toNo) throw KomError.of('index-out-of-range', no)
  if (kind === 'footn' && to.author !== person) throw KomError.of('not-author', toNo)
  if (text.misc.some(isLink('comm-to', toNo))) throw KomError.of('already-comment', no)
  if (text.misc.some(isLink('footn-to', toNo))) throw KomError.of('already-footnote', no)
  // As in lyskomd, the status of footnote-limit is 0 here but the text number in create-text.
  if (isFull(to, kind)) throw kind === 'comm' ? KomError.of('comment-limit', toNo) : KomError.of('footnote-limit', 0)
  db.setMisc(text, [...text.misc, { kind: `${kind}-to`, text: toNo, ...addedBy(text, person) }])
  db.setMisc(to, [...to.misc, { kind: `${kind}-in`, text: no }])
  deleteOldTexts(context)
}

/** Removes the link from text `no` to text `toNo`. */
function unlink({ db, session }: Context, kind: 'comm' | 'footn', no: number, toNo: number): void {
  const person = session.mustBePerson
  const text = textFor(db, session, no)
  const to = textFor(db, session, toNo)
  const found = text.misc.find(isLink(`${kind}-to`, toNo))
  if (found === undefined) throw KomError.of(kind === 'comm' ? 'not-comment' : 'not-footnote', no)
  const allowed = text.author === person || found.sentBy === person || supervisesPerson(db, session, text.author)
  if (!allowed) throw KomError.of('permission-denied', no)
  db.setMisc(
    text,
    text.misc.filter((item) => item !== found),
  )
  db.setMisc(
    to,
    to.misc.filter((item) => !isLink(`${kind}-in`, no)(item)),
  )
}
