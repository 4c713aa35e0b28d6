import type { Reply } from '../protocol/calls/index.ts'
import type { LyskomSession } from './session.ts'

/** Returns the texts that the logged-in person has marked. One round trip. */
export function getMarks({ connection }: LyskomSession): Promise<Reply<'get-marks'>> {
  return connection.call('get-marks')
}

/**
 * Marks a text for the logged-in person. One round trip.
 *
 * @param markType 0 to 255; the person chooses its meaning
 */
export async function markText({ connection }: LyskomSession, text: number, markType: number): Promise<void> {
  await connection.call('mark-text', { text, markType })
}

/** Removes the logged-in person's mark from a text. One round trip. */
export async function unmarkText({ connection }: LyskomSession, textNo: number): Promise<void> {
  await connection.call('unmark-text', { textNo })
}
