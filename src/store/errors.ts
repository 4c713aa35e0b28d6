/** Codes of `StoreError`. */
export type StoreErrorCode = 'unavailable' | 'full' | 'cannot-list' | 'too-large' | 'contended'

/** The store could not do an operation. */
export class StoreError extends Error {
  /** The kind of failure within its code, for the log: `connection`, or the server's name for its error. */
  readonly kind: string

  constructor(
    readonly code: StoreErrorCode,
    message: string,
    { kind = 'connection', ...options }: ErrorOptions & { kind?: string } = {},
  ) {
    super(message, options)
    this.name = 'StoreError'
    this.kind = kind
  }
}
