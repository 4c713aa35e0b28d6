import type { CallReply, Conference, Kom, OnlineSession } from 'komgate/client'

/** What is known about a person besides their letterbox. */
export interface PersonFacts {
  /** their status on the LysKOM server; undefined if it cannot be read */
  stat: CallReply<'get-person-stat'> | undefined
  /** their session that was used last; undefined while they are not logged in */
  session: OnlineSession | undefined
}

/**
 * Returns the letterbox of a person, which has their name and presentation, and facts about them; null if the number is
 * that of a conference.
 *
 * @throws LyskomError if there is no such person
 */
export async function findPerson(
  kom: Kom,
  persNo: number,
): Promise<{ letterbox: Conference; facts: PersonFacts } | null> {
  const [letterbox, stat, online] = await kom.batchSettled([
    kom.conferences.get(persNo, { micro: false }),
    kom.call('get-person-stat', { pers_no: persNo }),
    kom.sessions.list(),
  ])
  if (letterbox.status === 'rejected') throw letterbox.reason
  if (letterbox.value.type.letterbox !== 1) return null
  const sessions = online.status === 'fulfilled' ? online.value.sessions : []
  const [session] = sessions.filter(({ person }) => person.pers_no === persNo).sort((a, b) => a.idle - b.idle)
  return { letterbox: letterbox.value, facts: { stat: stat.status === 'fulfilled' ? stat.value : undefined, session } }
}
