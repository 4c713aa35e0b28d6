import { randomUUID } from 'node:crypto'
import type { Backend, Lists } from './backend.ts'
import type { StoreError } from './errors.ts'
import { DELETE, type HealthEvents, READ, StoreHealth, WRITE } from './health.ts'
import { newRecord } from './new-session.ts'
import type { Pages } from './pages.ts'
import { type Change, type Key, keyOf, type SessionRecord } from './record.ts'

/** Interval of probes while the backend fails, milliseconds. */
const PROBE_MS = 1000
/** The app of probe records. Other app names contain no colon. */
const PROBE_APP = 'komgate:probe'
const PROBE_LIFETIME_MS = 60_000

/** Observes all calls to a backend, reports outages, and probes the backend during an outage. */
export class MonitoredBackend implements Backend {
  readonly lists: Lists | undefined
  readonly #backend: Backend
  readonly #health: StoreHealth
  readonly #clock: () => number
  #probe: NodeJS.Timeout | undefined
  #isClosed = false

  /** @param clock returns the time, milliseconds since 1970 */
  constructor(backend: Backend, clock: () => number, { onFailure, onRecovery }: HealthEvents) {
    const health = new StoreHealth({
      onFailure: (error) => {
        this.#scheduleProbe()
        onFailure(error)
      },
      onRecovery,
    })
    this.#backend = backend
    this.#health = health
    this.#clock = clock
    const { lists } = backend
    this.lists = lists && {
      byUser: (...args) => observedPages(lists.byUser(...args), health),
      activeSince: (...args) => observedPages(lists.activeSince(...args), health),
      countUsers: (...args) => health.observe(READ, lists.countUsers(...args)),
    }
  }

  get interruptions(): number {
    return this.#backend.interruptions
  }

  /** The error while the backend is unavailable, undefined otherwise. */
  get unavailable(): StoreError | undefined {
    return this.#health.unavailable
  }

  /** Records a write that failed outside the backend. */
  failed(error: StoreError): void {
    this.#health.failed(error, WRITE)
  }

  async insert(record: SessionRecord): Promise<void> {
    await this.#health.observe(
      WRITE,
      this.#backend.insert(record).then(() => true),
    )
  }

  find(key: Key): Promise<SessionRecord | undefined> {
    return this.#health.observe(READ, this.#backend.find(key))
  }

  touch(app: string, key: Key, now: number): Promise<SessionRecord | undefined> {
    return this.#health.observe(WRITE, this.#backend.touch(app, key, now))
  }

  update(key: Key, revision: number, change: Change, now: number): Promise<boolean> {
    return this.#health.observe(WRITE, this.#backend.update(key, revision, change, now))
  }

  remove(key: Key): Promise<SessionRecord | undefined> {
    return this.#health.observe(DELETE, this.#backend.remove(key))
  }

  sweep(now: number): Promise<void> {
    return this.#health.observe(READ, this.#backend.sweep(now))
  }

  close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#probe)
    return this.#backend.close()
  }

  #scheduleProbe(): void {
    if (this.#isClosed || this.#probe !== undefined) return
    this.#probe = setTimeout(async () => {
      // `StoreHealth` has recorded the error.
      await this.#writeProbe().catch(() => undefined)
      this.#probe = undefined
      if (this.#health.isFailing) this.#scheduleProbe()
    }, PROBE_MS).unref()
  }

  /** Writes and removes a record, since reads succeed on a read-only server too. */
  async #writeProbe(): Promise<void> {
    const now = this.#clock()
    const key = keyOf(randomUUID())
    await this.insert(newRecord({ key, app: PROBE_APP, user: '', endsAt: now + PROBE_LIFETIME_MS }, now, 2))
    await this.remove(key)
  }
}

async function* observedPages(pages: Pages, health: StoreHealth): Pages {
  try {
    yield* pages
  } catch (error) {
    health.failed(error, READ)
    throw error
  }
}
