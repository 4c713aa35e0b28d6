import type { LyskomSession } from './session.ts'

/**
 * Sends a message to all sessions of the members of a conference, or of a person. One round trip.
 *
 * @param recipient number of a conference or person; 0 for all sessions on the server
 * @param message written in UTF-8; lyskomd accepts 1,024 bytes
 * @throws KomError `undefined-conference`, `string-too-long`, or `message-not-sent` if no session receives the message
 */
export async function sendMessage({ connection }: LyskomSession, recipient: number, message: string): Promise<void> {
  await connection.call('send-message', { recipient, message: Buffer.from(message) })
}
