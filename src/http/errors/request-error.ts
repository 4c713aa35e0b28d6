import { KomgateError } from '../../protocol/komgate-error.ts'

declare module '../../protocol/komgate-error.ts' {
  interface ErrorCodes extends Record<RequestErrorCode, RequestError> {}
}

/** Why the HTTP layer rejects a request. */
export type RequestErrorCode =
  /** a part of the request is missing or invalid, and the message names it */
  | 'invalid-request'
  /** the client disconnected before the end of its request */
  | 'incomplete-request'
  /** a required parameter is missing; of REST-Sessions alone, as the next two are */
  | 'missing-parameter'
  /** a parameter does not match its pattern */
  | 'invalid-format'
  /** a parameter is outside its range, or of a wrong type */
  | 'invalid-value'
  /** the session has no person logged in */
  | 'not-logged-in'
  /** the key of the operator or of an application is missing or wrong */
  | 'invalid-key'
  /** the connection id is missing or unknown, or of another server, or its session has ended */
  | 'invalid-session'
  /** a page of this origin may not use the API in this way */
  | 'foreign-origin'
  /** there is no such route or resource */
  | 'not-found'
  /** the route exists, but not for this method */
  | 'method-not-allowed'
  /** a request to open a session carries a connection id */
  | 'session-exists'
  /** the body has a content coding, which the gateway does not decode */
  | 'content-coding'
  /** a request of a batch depends on one that failed, or refers to a value that is not there */
  | 'failed-dependency'
  /** `Expect` is not `100-continue` */
  | 'expectation-failed'
  /** the body has a transfer coding other than `chunked` */
  | 'transfer-coding'
  /** the responses of a batch are too large together */
  | 'batch-size'
  /** as many wire traces are running as may */
  | 'too-many-traces'
  /** the gateway is not ready for requests: the result of a readiness check */
  | 'not-ready'

/** The HTTP layer rejects a request. Not Hono's `HTTPException`: its status would be a second table of statuses. */
export class RequestError extends KomgateError {
  constructor(
    readonly code: RequestErrorCode,
    message: string,
    /** header fields of the response */
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
  }
}
