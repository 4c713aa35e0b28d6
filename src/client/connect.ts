import type { SessionOpened } from '../http/output/schemas/index.ts'
import { Kom } from './kom.ts'
import { path } from './path.ts'
import { Transport, type TransportOptions } from './transport.ts'

/** Options of `connect`. */
export interface ConnectOptions extends TransportOptions {
  /** the program, which the LysKOM server shows to other users and records in texts */
  client: { name: string; version: string }
  /** the id of a session to resume; without it, a session is opened */
  connectionId?: string
}

/**
 * Opens a session, or resumes one.
 *
 * @throws SessionLostError if the session to resume has ended
 * @throws LimitError if there are too many sessions
 * @throws UnavailableError if the gateway or the LysKOM server cannot be reached
 */
export async function connect({ client, connectionId, ...options }: ConnectOptions): Promise<Kom> {
  const transport = new Transport(options)
  const kom = new Kom(transport)
  if (connectionId !== undefined) {
    transport.connectionId = connectionId
    await kom.whoAmI()
    return kom
  }
  const open = { method: 'POST', path: path`/sessions/`, body: { client }, isAlone: true } as const
  const { connection_id } = await transport.send<SessionOpened>(open)
  transport.connectionId = connection_id
  return kom
}
