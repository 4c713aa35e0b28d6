import { KomgateError } from '../protocol/komgate-error.ts'

declare module '../protocol/komgate-error.ts' {
  interface ErrorCodes extends Record<ConnectionErrorCode, ConnectionError> {}
}

/** Why a connection could not be opened, why it closed, or why a call has no reply. */
export type ConnectionErrorCode =
  /** the TCP connection failed, or the connection closed during the handshake */
  | 'unreachable'
  /** TCP, greeting and handshake took longer than `connectTimeoutMs` */
  | 'connect-timeout'
  /** this process or machine has no file descriptor or memory left for a TCP connection */
  | 'open-files'
  /** the server sent `%%…` instead of its greeting, e.g. because it allows no logins */
  | 'connect-refused'
  /** the server sent `%%No connections left.` instead of its greeting */
  | 'server-full'
  /** the peer did not send the greeting of a LysKOM server */
  | 'not-lyskom'
  /** the server closed the connection (FIN) */
  | 'connection-ended'
  /** the connection was reset (RST) or failed otherwise */
  | 'connection-reset'
  /** the server refused the stream with `%%…` */
  | 'connection-rejected'
  /** the server sent bytes that are not Protocol A, or the unfinished messages are over their limit */
  | 'connection-unreadable'
  /** the server did not reply to a keepalive, or left a call without a reply */
  | 'connection-silent'
  /** the gateway closed the connection */
  | 'connection-closed'
  /** the deadline of the call passed; the connection is open, and the server may have carried out the call */
  | 'call-timeout'
  /** too many calls are waiting on this connection */
  | 'too-many-calls'

/** Messages for clients where the error's own message holds an address or words of the LysKOM server. */
const CLIENT_MESSAGES: Readonly<Partial<Record<ConnectionErrorCode, string>>> = {
  unreachable: 'cannot connect to the LysKOM server',
  'connect-refused': 'the LysKOM server refused the connection',
  'connection-rejected': 'the LysKOM server refused the connection',
}

/** A failure of the connection to a LysKOM server, or of a call on it. */
export class ConnectionError extends KomgateError {
  constructor(
    readonly code: ConnectionErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }

  override get clientMessage(): string {
    return CLIENT_MESSAGES[this.code] ?? this.message
  }
}
