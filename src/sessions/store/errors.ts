/** Why the store did not do what was asked of it. */
export type StoreErrorCode = 'unavailable' | 'full' | 'cannot-list' | 'too-large' | 'contended'

export class StoreError extends Error {
  constructor(
    readonly code: StoreErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.name = 'StoreError'
  }
}
