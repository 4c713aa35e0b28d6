import type { CallName } from '../protocol/calls/index.ts'
import { writeHello } from '../protocol/envelope.ts'
import { KomError } from '../protocol/errors.ts'
import { MESSAGES, type MessageName } from '../protocol/messages.ts'
import { Connection, type ConnectionContext } from './connection.ts'
import { ConnectionError } from './errors.ts'
import { connectTcp, type TcpAddress } from './transport.ts'

export interface ConnectOptions extends TcpAddress {
  /** what connections share */
  context: ConnectionContext
  /** who connects, as `user%clientHost`: what the server shows other people */
  user: string
  clientHost: string
  client: { name: string; version: string }
  /** which asynchronous messages the server shall send */
  accept: readonly MessageName[]
}

/** The calls of the handshake that a server may refuse, and the error that means no harm. */
const HARMLESS = {
  // Older servers know local time only.
  'set-connection-time-format': 'not-implemented',
  // The call succeeds for the messages the server knows; this is its warning of the others.
  'accept-async': 'unknown-async',
} as const satisfies Partial<Record<CallName, KomError['errorName']>>

/** Errors of connect(2) and socket(2) that say nothing of the server: this process or machine has no more to give. */
const OWN_FAULTS: ReadonlySet<string | undefined> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])

/**
 * Opens a connection: TCP, then greeting, time format, client version, accepted messages and session number in one
 * round trip, since the server reads ahead.
 *
 * Rejects with a `ConnectionError`; with the server's `KomError` when it refuses the client's name or version; with a
 * `ProtocolError` when they cannot be written, or a reply cannot be read.
 */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const { connectTimeoutMs } = options.context.settings
  const connection = new Connection(options.context)
  const deadline = new AbortController()
  const timer = setTimeout(() => {
    const late = new ConnectionError('connect-timeout', `no session on the LysKOM server within ${connectTimeoutMs} ms`)
    deadline.abort(late)
    connection.destroy(late)
  }, connectTimeoutMs)
  try {
    const transport = await connectTcp(options, connection, deadline.signal).catch((error: unknown) => {
      if (error instanceof ConnectionError) throw error
      if (OWN_FAULTS.has((error as NodeJS.ErrnoException).code)) {
        throw new ConnectionError('open-files', 'this gateway cannot open more connections', { cause: error })
      }
      throw new ConnectionError('unreachable', `cannot connect to ${options.host} port ${options.port}`, {
        cause: error,
      })
    })
    connection.attach(transport)
    await shakeHands(connection, options)
    return connection
  } catch (error) {
    connection.destroy(new ConnectionError('line-closed', 'the session could not be opened'))
    // Until there is a session, a line that dies is a server that cannot be reached.
    if (!(error instanceof ConnectionError && error.code.startsWith('line-'))) throw error
    throw new ConnectionError('unreachable', `no session on the LysKOM server: ${error.message}`, { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

async function shakeHands(connection: Connection, { user, clientHost, client, accept }: ConnectOptions): Promise<void> {
  connection.hello(writeHello(user, clientHost))
  const calls = [
    connection.call('set-connection-time-format', { useUtc: true }).catch(unlessHarmless('set-connection-time-format')),
    connection.call('set-client-version', { clientName: client.name, clientVersion: client.version }),
    connection
      .call('accept-async', { requestList: accept.map((name) => MESSAGES[name].number) })
      .catch(unlessHarmless('accept-async')),
    connection.call('who-am-i').then((sessionNo) => {
      connection.sessionNo = sessionNo
    }),
  ]
  await Promise.allSettled(calls)
  await Promise.all(calls)
}

function unlessHarmless(call: keyof typeof HARMLESS): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof KomError && error.errorName === HARMLESS[call])) throw error
  }
}
