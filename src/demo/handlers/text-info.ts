import { KomError } from '../../protocol/errors.ts'
import { type AuxItemOwner, auxItemsFor, auxItemsToDelete, newAuxItems } from '../aux-items.ts'
import { type Handlers, type Hub, notifySessions, personsToNotify } from '../context.ts'
import { textCost } from '../limits.ts'
import type { StoredAuxItem } from '../model.ts'
import { isSupervisor, mayRead, mayReadNumber, supervisesPerson, textFor } from '../permissions.ts'
import type { Session } from '../session.ts'
import { deleteOldTexts } from './deleting.ts'

/** Handlers of the calls that change the aux-items of existing texts. */
export const textInfo = {
  'modify-text-info'(context, { text: no, delete: numbers, add }) {
    const { db, session } = context
    const person = session.mustBePerson
    const text = textFor(db, session, no)
    const supervisesOwner = supervisesPerson(db, session, text.author)
    const deleted = auxItemsToDelete(text.auxItems, numbers, {
      mayActFor: (creator) => creator === person || supervisesPerson(db, session, creator),
      supervisesOwner,
    })
    const kept = text.auxItems.filter((item) => !deleted.includes(item))
    const mailbox = db.conferences.get(text.author)
    const owner: AuxItemOwner = {
      on: 'text',
      existing: kept,
      highestAuxNo: text.highestAuxNo,
      isAuthor: supervisesOwner,
      isSupervisor: mailbox !== undefined && isSupervisor(db, session, mailbox),
      mayRead: (readable) => mayReadNumber(db, session, readable),
    }
    const added = newAuxItems(add, owner, person, new Date())
    const items = [...kept, ...added]
    const error = KomError.of('temporary-failure', 0)
    db.checkLimit('textBytes', textCost({ ...text, auxItems: items }), error)
    db.setAuxItems(text, items, error)
    deleteOldTexts(context)
    notifyOfAuxItems(context, no, deleted, added)
  },
} satisfies Partial<Handlers>

/** Notifies the sessions of `personsToNotify` that may see at least one of the deleted or added aux-items of a text. */
function notifyOfAuxItems(
  hub: Hub,
  textNo: number,
  deleted: readonly StoredAuxItem[],
  added: readonly StoredAuxItem[],
): void {
  const { db } = hub
  const text = db.texts.get(textNo)
  if (text === undefined) return
  const persons = personsToNotify(db, text)
  const gone = deleted.map((item) => ({ ...item, flags: { ...item.flags, deleted: true } }))
  const seen = (to: Session) => ({ deleted: auxItemsFor(db, to, gone), added: auxItemsFor(db, to, added) })
  notifySessions(
    hub,
    'async-text-aux-changed',
    (to) => ({ textNo, ...seen(to) }),
    (to) => {
      if (!persons.has(to.person) || !mayRead(db, to, text)) return false
      const { deleted, added } = seen(to)
      return deleted.length > 0 || added.length > 0
    },
  )
}
