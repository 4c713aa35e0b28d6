import {
  type ConferenceName,
  type ConferenceType,
  type Kom,
  LyskomError,
  type Membership,
  type Text,
} from 'komgate/client'
import type { Recipient } from './drafts.ts'
import type { Target } from './target.ts'

/** What the recipients of a text depend on. */
interface Circumstances {
  kom: Kom
  /** the person who writes */
  person: { pers_no: number; pers_name: string }
  memberships: readonly Membership[]
}

/**
 * Returns the recipients that a text has unless the person chooses others:
 *
 * - a new text: the conference that it begins with, and for a letter the person too
 * - a comment: see `recipientsOfComment`
 * - a footnote: those of the text, with their copies
 * - an answer: the author of the text and the person
 *
 * @param text the text that is answered; undefined for a new text
 */
export async function proposedRecipients(
  { kind, no }: Target,
  text: Text | undefined,
  { kom, person, memberships }: Circumstances,
): Promise<Recipient[]> {
  const self: Recipient = { type: 'to', conf_no: person.pers_no, name: person.pers_name }
  if (text === undefined) {
    if (kind !== 'new' || no === 0) return []
    const { conf_no, name, type } = await typed(kom, no, memberships)
    return distinct([{ type: 'to', conf_no, name }, ...(type.letterbox === 1 ? [self] : [])])
  }
  const { pers_no, pers_name } = text.author
  if (kind === 'answer') return distinct([{ type: 'to', conf_no: pers_no, name: pers_name }, self])
  if (kind === 'comment') return await recipientsOfComment(kom, text, memberships)
  return distinct(
    text.recipient_list
      .filter(({ type }) => type !== 'bcc')
      .map(({ type, recpt: { conf_no, name } }) => ({ type: type === 'cc' ? 'cc' : 'to', conf_no, name })),
  )
}

/**
 * Returns the recipients of a comment: those of the text without its copies. A conference for original texts alone is
 * replaced by its super conference, and one that does not exist any more is left out. The author receives comments on a
 * letter too.
 */
async function recipientsOfComment(kom: Kom, text: Text, memberships: readonly Membership[]): Promise<Recipient[]> {
  const main = text.recipient_list.filter(({ type }) => type === 'to')
  const conferences = (main.length > 0 ? main : text.recipient_list.filter(({ type }) => type === 'cc')).map(
    ({ recpt }) => recpt,
  )
  const found = await Promise.all(
    conferences.map(async (recipient) => {
      try {
        const { type } = await typed(kom, recipient.conf_no, memberships)
        if (!type.original) return { recipient, isLetterbox: type.letterbox === 1 }
        const { super_conf } = await kom.conferences.get(recipient.conf_no, { micro: false })
        return { recipient: super_conf, isLetterbox: false }
      } catch (error) {
        if (!(error instanceof LyskomError && error.name === 'UndefinedConference')) throw error
        return { recipient: null, isLetterbox: true }
      }
    }),
  )
  const recipients = found.flatMap(({ recipient }): Recipient[] =>
    recipient === null ? [] : [{ type: 'to', conf_no: recipient.conf_no, name: recipient.name }],
  )
  const { pers_no, pers_name } = text.author
  const isLetter = found.every(({ isLetterbox }) => isLetterbox)
  if (isLetter && pers_no !== 0) recipients.push({ type: 'to', conf_no: pers_no, name: pers_name })
  return distinct(recipients)
}

async function typed(
  kom: Kom,
  confNo: number,
  memberships: readonly Membership[],
): Promise<ConferenceName & { type: ConferenceType }> {
  const known = memberships.find(({ conference }) => conference.conf_no === confNo)?.conference
  return known ?? (await kom.conferences.get(confNo))
}

/** Returns recipients without those that occur before. */
function distinct(recipients: readonly Recipient[]): Recipient[] {
  return recipients.filter(({ conf_no }, i) => recipients.findIndex((each) => each.conf_no === conf_no) === i)
}
