/**
 * Errors of the protocol: `KomError` for error replies of the server (chapter Error Codes), and `ProtocolError` for
 * bytes that are not Protocol A and values that Protocol A cannot express.
 */
import type { BoundName } from './bounds.ts'
import { KomgateError } from './komgate-error.ts'

declare module './komgate-error.ts' {
  interface ErrorCodes extends Record<KomError['code'], KomError>, Record<ProtocolErrorCode, ProtocolError> {}
}

/** The error codes of Protocol A 11.1 by their name in the specification. */
export const ERRORS = {
  'no-error': 0,
  'not-implemented': 2,
  'obsolete-call': 3,
  'invalid-password': 4,
  'string-too-long': 5,
  'login-first': 6,
  'login-disallowed': 7,
  'conference-zero': 8,
  'undefined-conference': 9,
  'undefined-person': 10,
  'access-denied': 11,
  'permission-denied': 12,
  'not-member': 13,
  'no-such-text': 14,
  'text-zero': 15,
  'no-such-local-text': 16,
  'local-text-zero': 17,
  'bad-name': 18,
  'index-out-of-range': 19,
  'conference-exists': 20,
  'person-exists': 21,
  'secret-public': 22,
  letterbox: 23,
  'ldb-error': 24,
  'illegal-misc': 25,
  'illegal-info-type': 26,
  'already-recipient': 27,
  'already-comment': 28,
  'already-footnote': 29,
  'not-recipient': 30,
  'not-comment': 31,
  'not-footnote': 32,
  'recipient-limit': 33,
  'comment-limit': 34,
  'footnote-limit': 35,
  'mark-limit': 36,
  'not-author': 37,
  'no-connect': 38,
  'out-of-memory': 39,
  'server-is-crazy': 40,
  'client-is-crazy': 41,
  'undefined-session': 42,
  'regexp-error': 43,
  'not-marked': 44,
  'temporary-failure': 45,
  'long-array': 46,
  'anonymous-rejected': 47,
  'illegal-aux-item': 48,
  'aux-item-permission': 49,
  'unknown-async': 50,
  'internal-error': 51,
  'feature-disabled': 52,
  'message-not-sent': 53,
  'invalid-membership-type': 54,
  'invalid-range': 55,
  'invalid-range-list': 56,
  'undefined-measurement': 57,
  'priority-denied': 58,
  'weight-denied': 59,
  'weight-zero': 60,
  'bad-bool': 61,
} as const satisfies Record<string, number>

/** The specification's name of an error code. */
export type ErrorName = keyof typeof ERRORS

const namesByCode = new Map<number, ErrorName>(Object.entries(ERRORS).map(([name, code]) => [code, name as ErrorName]))

/** An error reply of the LysKOM server: `%refNo code status`. */
export class KomError extends KomgateError {
  readonly code = 'kom-error'
  /** The specification's name; `unknown-error` for a code that Protocol A 11.1 does not define. */
  readonly errorName: ErrorName | 'unknown-error'

  /**
   * @param errorCode see `ERRORS`
   * @param errorStatus detail such as a text number or a length; its meaning depends on the code
   */
  constructor(
    readonly errorCode: number,
    readonly errorStatus: number,
  ) {
    const errorName = namesByCode.get(errorCode) ?? 'unknown-error'
    super(`${errorName} (${errorCode}), status ${errorStatus}`)
    this.errorName = errorName
  }

  /** Creates an error by its name. */
  static of(name: ErrorName, status: number): KomError {
    return new KomError(ERRORS[name], status)
  }
}

/** The kind of a `ProtocolError`. */
export type ProtocolErrorCode =
  /** a message, or a string announced in it, is over the size limit */
  | 'message-too-large'
  /** the bytes do not follow the grammar */
  | 'unreadable'
  /** a string or an array in a message of the server is over its bound; the rest of the stream is readable */
  | 'over-bound'
  /** the grammar cannot express a value; nothing was sent */
  | 'unwritable'

/** Thrown for bytes that are not Protocol A, and for values that Protocol A cannot express. */
export class ProtocolError extends KomgateError {
  /** The path to the field, outermost first, e.g. `['miscInfo', '3']`. Each codec adds its field while it rethrows. */
  readonly path: string[] = []

  constructor(
    readonly code: ProtocolErrorCode,
    private readonly reason: string,
    /** the bound that was exceeded, for `over-bound` and `message-too-large` */
    readonly bound?: BoundName,
  ) {
    super(reason)
  }

  /** Prepends a field to the path, and returns the error. */
  within(field: string): this {
    this.path.unshift(field)
    this.message = `${this.path.join('.')}: ${this.reason}`
    return this
  }
}
