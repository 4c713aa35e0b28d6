import type { Reply } from '../protocol/calls/index.ts'
import type { LyskomSession } from './session.ts'

/**
 * Returns the numbers of the texts that the logged-in person has marked, and the types of the marks. One round trip.
 */
export function getMarks({ connection }: LyskomSession): Promise<Reply<'get-marks'>> {
  return connection.call('get-marks')
}

/**
 * Marks a text for the logged-in person, or changes the type of the mark. One round trip.
 *
 * @param markType 0 to 255; the meaning is up to the person
 * @throws KomError `no-such-text` or `mark-limit`
 */
export async function markText({ connection }: LyskomSession, text: number, markType: number): Promise<void> {
  await connection.call('mark-text', { text, markType })
}

/**
 * Removes the logged-in person's mark from a text. One round trip.
 *
 * @throws KomError `not-marked`
 */
export async function unmarkText({ connection }: LyskomSession, textNo: number): Promise<void> {
  await connection.call('unmark-text', { textNo })
}
