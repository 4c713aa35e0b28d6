import { refusalText } from '../protocol/envelope.ts'
import { ConnectionError } from './errors.ts'

const GREETING = 'LysKOM'
/** The refusal of lyskomd when all its connections are in use. */
const NO_CONNECTIONS_LEFT = /no connections left/i

/** Size limit of the first message, in bytes. It is the greeting or a refusal with a reason. */
export const MAX_GREETING_BYTES = 1000

/**
 * Checks the first message of a server, which has to be the greeting `LysKOM` (chapter Client-Server Dialog).
 *
 * @param message the message, LF included
 * @returns undefined for the greeting, and otherwise an error with the code `server-full` or `connect-refused` for a
 * refusal and `not-lyskom` for anything else
 */
export function greetingError(message: Buffer): ConnectionError | undefined {
  const text = message.toString('latin1', 0, 200).trim()
  if (text === GREETING) return undefined
  if (!text.startsWith('%%')) return noGreeting()
  const reason = refusalText(message)
  if (NO_CONNECTIONS_LEFT.test(reason)) {
    return new ConnectionError('server-full', 'the LysKOM server has no connections left')
  }
  return new ConnectionError('connect-refused', `the LysKOM server refused the connection: ${reason}`)
}

/** Returns the error for a server that sends no greeting. */
export function noGreeting(): ConnectionError {
  return new ConnectionError('not-lyskom', 'the server did not send the greeting of a LysKOM server')
}
