import type { Reply } from '../protocol/calls/index.ts'
import type { LyskomSession } from './session.ts'

/** The texts that the person who is logged in has marked. One round trip each. */
export function getMarks({ connection }: LyskomSession): Promise<Reply<'get-marks'>> {
  return connection.call('get-marks')
}

/** @param markType 0 to 255; what it means is the person's own affair */
export async function markText({ connection }: LyskomSession, text: number, markType: number): Promise<void> {
  await connection.call('mark-text', { text, markType })
}

export async function unmarkText({ connection }: LyskomSession, textNo: number): Promise<void> {
  await connection.call('unmark-text', { textNo })
}
