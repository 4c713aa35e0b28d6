import type { CallName } from '../protocol/calls/index.ts'
import { writeHello } from '../protocol/envelope.ts'
import { KomError } from '../protocol/errors.ts'
import { MESSAGES, type MessageName } from '../protocol/messages.ts'
import { Connection } from './connection.ts'
import type { ConnectionContext } from './context.ts'
import { ConnectionError } from './errors.ts'
import { connectTcp, type TcpAddress } from './transport.ts'

/** Options of `connect`. */
export interface ConnectOptions extends TcpAddress {
  /** settings and services that connections share */
  context: ConnectionContext
  /** user name of the client; the server shows it to other persons */
  user: string
  /** host name or address of the client; the server shows it to other persons */
  clientHost: string
  /** name and version of the client program, for set-client-version */
  client: { name: string; version: string }
  /** the asynchronous messages to request from the server */
  accept: readonly MessageName[]
}

/** The errors of handshake calls that do not abort the handshake. */
const HARMLESS = {
  // Older servers support only local time.
  'set-connection-time-format': 'not-implemented',
  // The server does not know some of the messages, but accepts the others.
  'accept-async': 'unknown-async',
} as const satisfies Partial<Record<CallName, KomError['errorName']>>

/** Error codes of connect(2) and socket(2) for a process or machine that is out of resources. */
const OUT_OF_RESOURCES: ReadonlySet<string | undefined> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])

/**
 * Opens a connection to a LysKOM server. After TCP, the handshake takes one round trip: greeting, time format, client
 * version, accepted messages and session number are sent together, since the server reads ahead.
 *
 * @returns a connection whose `sessionNo` is set
 * @throws ConnectionError if the connection or the handshake fails, or takes longer than `connectTimeoutMs`
 * @throws KomError if the server rejects the client's name or version
 * @throws ProtocolError if these cannot be written, or if a reply cannot be read
 */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const { connectTimeoutMs } = options.context.settings
  const connection = new Connection(options.context)
  const deadline = new AbortController()
  const timer = setTimeout(() => {
    const timeout = new ConnectionError(
      'connect-timeout',
      `no session on the LysKOM server within ${connectTimeoutMs} ms`,
    )
    deadline.abort(timeout)
    connection.destroy(timeout)
  }, connectTimeoutMs)
  try {
    const transport = await connectTcp(options, connection, deadline.signal).catch((error: unknown) => {
      if (error instanceof ConnectionError) throw error
      if (OUT_OF_RESOURCES.has((error as NodeJS.ErrnoException).code)) {
        throw new ConnectionError('open-files', 'the gateway cannot open more connections', { cause: error })
      }
      throw new ConnectionError('unreachable', `cannot connect to ${options.host} port ${options.port}`, {
        cause: error,
      })
    })
    connection.attach(transport)
    await shakeHands(connection, options)
    return connection
  } catch (error) {
    connection.destroy(new ConnectionError('connection-closed', 'the session could not be opened'))
    // Callers see `connection-…` codes only for connections that were open.
    if (!(error instanceof ConnectionError && error.code.startsWith('connection-'))) throw error
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
