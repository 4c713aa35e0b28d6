import { Conflict, retryOnConflict, StoreError } from '../../index.ts'
import type { SqlKind } from './kind.ts'

const RETRY = { attempts: 10, pauseMs: 10 }

/** The connection to an SQL server: retries conflicts, detects the loss of the server, and converts errors. */
export class SqlConnection {
  /** number of times the server was lost; connections lost at the same time count once */
  interruptions = 0
  readonly #kind: Pick<SqlKind, 'name' | 'where' | 'faultOf'>
  #isUp = true

  /** @param kind the kind of server, which classifies errors */
  constructor(kind: Pick<SqlKind, 'name' | 'where' | 'faultOf'>) {
    this.#kind = kind
  }

  /** Records that a connection was lost. */
  connectionLost(): void {
    if (this.#isUp) this.interruptions++
    this.#isUp = false
  }

  /**
   * Runs a statement, and repeats it after conflicts.
   * @returns its result
   * @throws StoreError if the server failed
   */
  async run<T>(statement: () => Promise<T>): Promise<T> {
    return await retryOnConflict(async () => {
      try {
        const result = await statement()
        this.#isUp = true
        return result
      } catch (error) {
        if (this.#kind.faultOf(error) !== 'conflict') throw this.toStoreError(error)
        return new Conflict(this.toStoreError(error))
      }
    }, RETRY)
  }

  /** Converts a driver error to a `StoreError`. Returns errors that the server did not cause unchanged. */
  toStoreError(error: unknown): unknown {
    const fault = this.#kind.faultOf(error)
    if (fault === 'other') return error
    const { name, where } = this.#kind
    const options = { cause: error, kind: fault === 'unavailable' ? 'connection' : kindOf(error) }
    if (fault === 'full') return new StoreError('full', `${name} at ${where} is full`, options)
    // Another server may have replaced this one, without its latest records.
    if (fault === 'unavailable' || fault === 'read-only') this.connectionLost()
    return new StoreError('unavailable', `${name} at ${where} is unavailable: ${reasonOf(error)}`, options)
  }
}

/** Returns the server's code of an error; `timeout` if there is none. */
function kindOf(error: unknown): string {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? code : 'timeout'
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'for no known reason'
  // If a host name has several addresses and none responds, the error has no message.
  return error.message || (error as NodeJS.ErrnoException).code || error.name
}
