import { randomUUID } from 'node:crypto'
import type { Backend, Lists } from './backend.ts'
import type { StoreError } from './errors.ts'
import { DELETE, type HealthEvents, READ, StoreHealth, WRITE } from './health.ts'
import { newRecord } from './new-session.ts'
import type { Pages } from './pages.ts'
import { type Change, type Key, keyOf, type SessionRecord } from './record.ts'

/** Interval of probes while the backend fails, milliseconds. */
const PROBE_MS = 1000
/** The app of probe records. It contains a character that no other app's name has. */
const PROBE_APP = 'komgate:probe'
const PROBE_LASTS_MS = 60_000

/** Observes all calls to a backend: reports outages, and probes the backend until they end. */
export class MonitoredBackend implements Backend {
  readonly lists: Lists | undefined
  readonly #backend: Backend
  readonly #health: StoreHealth
  readonly #clock: () => number
  #probe: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(backend: Backend, clock: () => number, { onFailure, onRecovery }: HealthEvents) {
    const health = new StoreHealth({
      onFailure: (error) => {
        this.#probeLater()
        onFailure(error)
      },
      onRecovery,
    })
    this.#backend = backend
    this.#health = health
    this.#clock = clock
    const { lists } = backend
    this.lists = lists && {
      byUser: (...args) => watchedPages(lists.byUser(...args), health),
      activeSince: (...args) => watchedPages(lists.activeSince(...args), health),
      countUsers: (...args) => health.watch(READ, lists.countUsers(...args)),
    }
  }

  get interruptions(): number {
    return this.#backend.interruptions
  }

  /** The error while the backend is unavailable; undefined while it works. */
  get unavailable(): StoreError | undefined {
    return this.#health.unavailable
  }

  /** Records a write that failed in a layer above the backend. */
  failed(error: StoreError): void {
    this.#health.failed(error, WRITE)
  }

  async insert(record: SessionRecord): Promise<void> {
    await this.#health.watch(
      WRITE,
      this.#backend.insert(record).then(() => true),
    )
  }

  find(key: Key): Promise<SessionRecord | undefined> {
    return this.#health.watch(READ, this.#backend.find(key))
  }

  touch(app: string, key: Key, now: number): Promise<SessionRecord | undefined> {
    return this.#health.watch(WRITE, this.#backend.touch(app, key, now))
  }

  update(key: Key, revision: number, change: Change, now: number): Promise<boolean> {
    return this.#health.watch(WRITE, this.#backend.update(key, revision, change, now))
  }

  remove(key: Key): Promise<SessionRecord | undefined> {
    return this.#health.watch(DELETE, this.#backend.remove(key))
  }

  sweep(now: number): Promise<void> {
    return this.#health.watch(READ, this.#backend.sweep(now))
  }

  close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#probe)
    return this.#backend.close()
  }

  #probeLater(): void {
    if (this.#isClosed || this.#probe !== undefined) return
    this.#probe = setTimeout(async () => {
      // The health records the error.
      await this.#writeProbe().catch(() => undefined)
      this.#probe = undefined
      if (this.#health.isFailing) this.#probeLater()
    }, PROBE_MS).unref()
  }

  /** Writes and removes a record; reading would succeed on a read-only server. */
  async #writeProbe(): Promise<void> {
    const now = this.#clock()
    const key = keyOf(randomUUID())
    await this.insert(newRecord({ key, app: PROBE_APP, user: '', endsAt: now + PROBE_LASTS_MS }, now, 2))
    await this.remove(key)
  }
}

async function* watchedPages(pages: Pages, health: StoreHealth): Pages {
  try {
    yield* pages
  } catch (error) {
    health.failed(error, READ)
    throw error
  }
}
