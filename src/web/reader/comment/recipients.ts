import type { ConferenceName, Kom, Membership, Text } from 'komgate/client'

/**
 * Returns the recipients of a comment: those of the text without its copies. A conference for original texts alone is
 * replaced by its super conference. The author receives comments on a letter too.
 */
export async function recipientsOfComment(
  kom: Kom,
  text: Text,
  memberships: readonly Membership[],
): Promise<ConferenceName[]> {
  const main = text.recipient_list.filter(({ type }) => type === 'to')
  const conferences = (main.length > 0 ? main : text.recipient_list.filter(({ type }) => type === 'cc')).map(
    ({ recpt }) => recpt,
  )
  const found = await Promise.all(
    conferences.map(async (recipient) => {
      const known = memberships.find(({ conference }) => conference.conf_no === recipient.conf_no)?.conference
      const { type } = known ?? (await kom.conferences.get(recipient.conf_no))
      if (!type.original) return { recipient, isLetterbox: type.letterbox === 1 }
      const { super_conf } = await kom.conferences.get(recipient.conf_no, { micro: false })
      return { recipient: super_conf, isLetterbox: false }
    }),
  )
  const recipients = new Map<number, ConferenceName>()
  for (const { recipient } of found) if (recipient !== null) recipients.set(recipient.conf_no, recipient)
  const { pers_no, pers_name } = text.author
  if (found.every(({ isLetterbox }) => isLetterbox) && pers_no !== 0) {
    recipients.set(pers_no, { conf_no: pers_no, name: pers_name })
  }
  return [...recipients.values()]
}
