import { type Kom, LyskomError } from 'komgate/client'

/**
 * Ends all other sessions of the person: those on the gateway, and those of other programs on the LysKOM server.
 *
 * @param persNo the person who is logged in
 * @param sessionNo the number of the session that stays
 */
export async function endOtherSessions(kom: Kom, persNo: number, sessionNo: number): Promise<void> {
  await kom.sessions.endOthers()
  const { sessions } = await kom.sessions.list()
  const others = sessions.filter(({ person, session_no }) => person.pers_no === persNo && session_no !== sessionNo)
  if (others.length === 0) return
  const outcomes = await kom.batchSettled(others.map(({ session_no }) => kom.sessions.end(session_no)))
  for (const outcome of outcomes) {
    // It has ended by itself.
    if (outcome.status === 'rejected' && !isGone(outcome.reason)) throw outcome.reason
  }
}

function isGone(error: unknown): boolean {
  return error instanceof LyskomError && error.name === 'UndefinedSession'
}
