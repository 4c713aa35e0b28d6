/** Why the store did not do what was asked of it. */
export type StoreErrorCode = 'unavailable' | 'full' | 'cannot-list' | 'too-large' | 'contended'

export class StoreError extends Error {
  /** What kind of failure it is within its code, for the log: `connection`, or the server's name of its error. */
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
