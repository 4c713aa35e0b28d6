import { KomgateError } from '../protocol/komgate-error.ts'

declare module '../protocol/komgate-error.ts' {
  interface ErrorCodes extends Record<StoreErrorCode, StoreError> {}
}

/**
 * Codes of `StoreError`: the server cannot be reached or used, it is full, the kind of store cannot list, the record is
 * too large, or too many writers change the record.
 */
export type StoreErrorCode = 'unavailable' | 'full' | 'cannot-list' | 'too-large' | 'contended'

/** Messages for clients. The messages of most errors contain addresses, paths or texts of drivers and servers. */
const CLIENT_MESSAGES: Readonly<Record<StoreErrorCode, string>> = {
  unavailable: 'The session store cannot be reached.',
  full: 'The session store is full.',
  'cannot-list': 'The session store cannot list sessions.',
  'too-large': 'The session is larger than the session store accepts.',
  contended: 'Too many concurrent writes to this session.',
}

/** An operation of the store failed. */
export class StoreError extends KomgateError {
  /** the kind of failure within its code, for the log: `connection`, or the server's name for its error */
  readonly kind: string

  constructor(
    readonly code: StoreErrorCode,
    message: string,
    { kind = 'connection', ...options }: ErrorOptions & { kind?: string } = {},
  ) {
    super(message, options)
    this.kind = kind
  }

  override get clientMessage(): string {
    // An error without a cause is a limit of the gateway, whose message states the field and the size.
    return this.code === 'too-large' && this.cause === undefined ? this.message : CLIENT_MESSAGES[this.code]
  }
}

/**
 * Returns whether an error is a `StoreError` `unavailable`. Calls that wait for a call with this error share it: if each
 * waited for its own timeout, the last one would wait for the sum.
 */
export function isUnavailable(error: unknown): error is StoreError {
  return error instanceof StoreError && error.code === 'unavailable'
}
