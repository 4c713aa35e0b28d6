/** Writes a log line, with fields in front of the message or without. */
export interface LogMethod {
  (fields: object, message: string): void
  (message: string): void
}

/** Receives the log of a gateway. A pino logger and `console` are loggers. */
export interface Logger {
  readonly info: LogMethod
  readonly warn: LogMethod
  readonly error: LogMethod
}

const ignore = (): void => undefined

/** Discards the log. */
export const silentLogger: Logger = { info: ignore, warn: ignore, error: ignore }
