/**
 * The codes of all errors, each with the class that has it. Every class adds its codes by declaration merging, so that
 * the compiler rejects a code of two classes, and a code without an HTTP status (`STATUS` in `http/status.ts`).
 */
export interface ErrorCodes {
  /** any error that is not a `KomgateError` */
  'internal-error': Error
}

/** A stable identifier of an error, in logs, metrics and spans. */
export type ErrorCode = keyof ErrorCodes

/** The base class of the errors of the gateway. */
export abstract class KomgateError extends Error {
  abstract readonly code: ErrorCode
  /** time after which the client may repeat the request, milliseconds; absent if the error does not know it */
  declare readonly retryAfterMs?: number | undefined

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }

  /** The message for clients. Leaves out addresses, paths, and messages of drivers, stores and LysKOM servers. */
  get clientMessage(): string {
    return this.message
  }
}
