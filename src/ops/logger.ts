/** Writes a log line: the message alone, or fields and the message. */
export interface LogMethod {
  (fields: object, message: string): void
  (message: string): void
}

/** Receives the log of a gateway. A pino logger or `console` can be used. */
export interface Logger {
  /** writes a line about a detail; without it such lines are discarded */
  readonly debug?: LogMethod
  /** writes a line about a normal event */
  readonly info: LogMethod
  /** writes a line about a problem that the gateway works around */
  readonly warn: LogMethod
  /** writes a line about a failure */
  readonly error: LogMethod
}

const ignore = (): void => undefined

/** A logger that discards all lines. */
export const silentLogger: Logger = { info: ignore, warn: ignore, error: ignore }
