import { setTimeout as sleep } from 'node:timers/promises'
import { StoreError } from '../errors.ts'
import type { SqlKind } from './kind.ts'

/** Statements that were in each other's way are tried again so often. */
const MAX_TRIES = 10
const PAUSE_MS = 10

/** The line to an SQL server: whether it holds, and what goes wrong on it. */
export class SqlLine {
  /** How often the server went away; not how many connections were lost with it. */
  interruptions = 0
  readonly #kind: Pick<SqlKind, 'name' | 'where' | 'faultOf'>
  #holds = true

  constructor(kind: Pick<SqlKind, 'name' | 'where' | 'faultOf'>) {
    this.#kind = kind
  }

  lost(): void {
    if (this.#holds) this.interruptions++
    this.#holds = false
  }

  /** Does a statement, again if others were in its way. Rejects with a `StoreError` where it is the server's fault. */
  async run<T>(statement: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        const result = await statement()
        this.#holds = true
        return result
      } catch (error) {
        if (tries === MAX_TRIES || this.#kind.faultOf(error) !== 'conflict') throw this.translated(error)
        await sleep(Math.random() * PAUSE_MS * tries)
      }
    }
  }

  /** The error as the caller is to see it. */
  translated(error: unknown): unknown {
    const fault = this.#kind.faultOf(error)
    if (fault === 'other') return error
    const { name, where } = this.#kind
    const options = { cause: error, kind: fault === 'away' ? 'connection' : kindOf(error) }
    if (fault === 'full') return new StoreError('full', `${name} at ${where} has no room`, options)
    // What a server held that is replaced by another one may be gone as well.
    if (fault === 'away' || fault === 'read-only') this.lost()
    return new StoreError('unavailable', `${name} at ${where} is not available: ${reasonOf(error)}`, options)
  }
}

/** What the server calls its error; `timeout` where it says nothing. */
function kindOf(error: unknown): string {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? code : 'timeout'
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'for no known reason'
  // A name with several addresses, none of which answers, is an error without a text.
  return error.message || (error as NodeJS.ErrnoException).code || error.name
}
