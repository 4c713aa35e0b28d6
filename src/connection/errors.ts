/** Why a connection could not be opened, why a line died, or why a call has no reply. */
export type ConnectionErrorCode =
  /** no TCP connection could be made */
  | 'unreachable'
  /** no TCP connection, or no greeting and handshake, within the deadline */
  | 'connect-timeout'
  /** this process has no file descriptor left for a TCP connection */
  | 'open-files'
  /** the server said `%%…` instead of its greeting, e.g. that it allows no logins */
  | 'connect-refused'
  /** the server said that it has no connections left */
  | 'server-full'
  /** whatever answers there is no LysKOM server */
  | 'not-lyskom'
  /** the server closed the connection (FIN) */
  | 'line-ended'
  /** the connection was reset or failed otherwise */
  | 'line-reset'
  /** the server refused the stream with `%%…` */
  | 'line-refused'
  /** bytes came that are not Protocol A */
  | 'line-unreadable'
  /** nothing came, not even a reply to the keepalive; or a call was left without an answer */
  | 'line-silent'
  /** closed by this side */
  | 'line-closed'
  /** the call's deadline passed; the connection is alive and the call may have been carried out */
  | 'call-timeout'
  /** too many calls are waiting on this connection */
  | 'too-many-calls'

export class ConnectionError extends Error {
  constructor(
    readonly code: ConnectionErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.name = 'ConnectionError'
  }
}
