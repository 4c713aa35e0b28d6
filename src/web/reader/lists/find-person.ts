import type { CallReply, Conference, Kom } from 'komgate/client'

/** The status of a person on the LysKOM server. */
export type PersonStat = CallReply<'get-person-stat'>

/**
 * Returns the letterbox of a person, which has their name and presentation, and their status, undefined if it cannot be
 * read; null if the number is that of a conference.
 *
 * @throws LyskomError if there is no such person
 */
export async function findPerson(
  kom: Kom,
  persNo: number,
): Promise<{ letterbox: Conference; stat: PersonStat | undefined } | null> {
  const [letterbox, stat] = await kom.batchSettled([
    kom.conferences.get(persNo, { micro: false }),
    kom.call('get-person-stat', { pers_no: persNo }),
  ])
  if (letterbox.status === 'rejected') throw letterbox.reason
  if (letterbox.value.type.letterbox !== 1) return null
  return { letterbox: letterbox.value, stat: stat.status === 'fulfilled' ? stat.value : undefined }
}
