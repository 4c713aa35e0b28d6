import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Backend } from '../backend.ts'
import { PAGE } from '../pages.ts'
import { keyOf, type SessionRecord } from '../record.ts'
import { type NewSession, SessionStore, type StoreOptions } from '../store.ts'

/** A backend under test and its server. */
export interface BackendHarness {
  /** Opens the backend. Called again, it returns another backend on the same server, or the same one if it is private. */
  open(): Promise<Backend>
  /** Returns everything that is stored, as text in any form. */
  dump(): Promise<string>
  /** stops the server, and starts it with or without its records; undefined without a server */
  outage?: { begin(): Promise<void>; end(): Promise<void> }
  /** Stops the server. */
  close(): Promise<void>
}

/** What the tests of a backend take into account. */
export interface BackendTraits {
  /** whether the backend can list records; default: true */
  canList: boolean
  /** number of records in the longest list; default: 301, which fills several pages */
  many: number
}

/** Number of records that fill several pages, at least. */
export const SEVERAL_PAGES = 6 * PAGE + 1
/** The time at which every test begins, milliseconds since 1970. */
export const START = Date.UTC(2026, 0, 1)
/** Longest recovery after an outage, milliseconds. */
const RECOVERY_MS = 20_000

/** Defines a test that runs on the stage. */
export type BackendTest = (title: string, body: (stage: Stage) => Promise<void>, timeoutMs?: number) => unknown

/** The backend under test, a store on it with a clock that stands still, and the sessions of one test. */
export class Stage {
  harness!: BackendHarness
  backend!: Backend
  store!: SessionStore
  /** a new app for each test, so that lists do not contain records of other tests and runs */
  app = ''
  /** `now` is the time, milliseconds since 1970 */
  readonly clock = { now: START }

  /** Begins a test. */
  begin(): void {
    this.clock.now = START
    this.app = `app-${randomUUID()}`
    this.store = this.storeOn(this.backend)
  }

  /** Returns a store with the clock of the stage. */
  readonly storeOn = (backend: Backend, options: StoreOptions = {}) =>
    new SessionStore(backend, { clock: () => this.clock.now, ...options })

  /** Creates a session with a new token. */
  readonly create = async (rest: Partial<NewSession> = {}) => {
    const token = `Secret-${randomUUID()}`
    const key = keyOf(token)
    return { token, key, record: await this.store.create({ key, app: this.app, user: 'u', ...rest }) }
  }

  /** Repeats `work` for 20 s until it resolves with a value other than undefined. */
  readonly untilItWorks = async (work: () => Promise<unknown>): Promise<void> => {
    const end = performance.now() + RECOVERY_MS
    for (;;) {
      const result = await work().catch((error: unknown) => {
        if (performance.now() > end) throw error
      })
      if (result !== undefined) return
      if (performance.now() > end) throw new Error(`no result within ${RECOVERY_MS} ms`)
      await sleep(50)
    }
  }
}

/** Collects all records of a paged list. */
export async function all(pages: AsyncIterable<SessionRecord[]>): Promise<SessionRecord[]> {
  const records: SessionRecord[] = []
  for await (const page of pages) records.push(...page)
  return records
}
