import { mapConcurrent } from '../lyskom/map-concurrent.ts'
import { KeyedMutex } from '../store/keyed-mutex.ts'
import type { Data, SessionRecord } from '../store/record.ts'
import type { NewSession, SessionStore } from '../store/store.ts'
import type { OpenedSession, Registry } from './registry.ts'

/** Options of `SessionRecords`. */
export interface RecordsOptions {
  /** the registry whose sessions have records */
  registry: Registry
  /** the store of the records */
  store: SessionStore
  /** idle timeout of LysKOM sessions, milliseconds */
  idleMs: number
  /** called once for each outage of the store and kind of error, and when the outage is over */
  onStore: (state: 'unavailable' | 'available', reason?: unknown) => void
  /** milliseconds between two calls of `look`; default: 10 s */
  intervalMs?: number
}

const INTERVAL_MS = 10_000
/**
 * A record outlives the idle timeout of its session by this many intervals: it only expires by itself after the gateway
 * process ended.
 */
const LOOKS_MISSED = 3
/** Records written at a time by `look`. */
const CONCURRENCY = 64
/**
 * A difference between the store's clock and the monotonic clock from which on the store's clock counts as having been
 * set, milliseconds.
 */
const CLOCK_STEP_MS = 5000
const NO_DATA: Data = Object.freeze({})
/** Longest client name and version in a record, characters. */
const MAX_NAME = 100

type Behind = 'missing' | 'lost' | 'changed'

/**
 * Keeps a record in the store for every live LysKOM session. While a session lives, a record that was lost or has
 * expired is written again; only a record that was ended on purpose ends its session. Sessions continue while the store
 * fails, and missed writes and removals are made when the store works again.
 */
export class SessionRecords {
  readonly #options: RecordsOptions
  /** Sessions whose record is missing, may be lost, or is out of date. */
  readonly #behind = new Map<OpenedSession, Behind>()
  /** Serializes the operations on a record, by its key. */
  readonly #mutex = new KeyedMutex()
  /** Person number of the owner of a session's data; no entry for data that was written before a login. */
  readonly #dataOwners = new WeakMap<OpenedSession, number>()
  readonly #timer: NodeJS.Timeout
  readonly #intervalMs: number
  #lastLook = performance.now()
  #lastStoreTime: number
  #interruptions = 0
  #isLooking = false
  #isClosed = false

  constructor(options: RecordsOptions) {
    this.#options = options
    this.#intervalMs = options.intervalMs ?? INTERVAL_MS
    const { registry, store, onStore } = options
    this.#lastStoreTime = store.now()
    registry.on('opened', (opened) => this.#sync(opened, 'missing'))
    registry.on('person', (opened) => this.#sync(opened, 'changed'))
    registry.on('closed', (opened, reason) => {
      this.#behind.delete(opened)
      if (reason !== 'ended') void this.#do(opened, () => store.remove(opened.key))
    })
    store.on('ended', ({ key }) => this.#endSession(key))
    store.on('failing', (error) => onStore('unavailable', error))
    store.on('recovered', () => {
      onStore('available')
      void this.look()
    })
    this.#timer = setInterval(() => void this.look(), this.#intervalMs)
    this.#timer.unref()
  }

  /** Resolves when the record of a session is up to date. Rejects with a `StoreError` if it cannot be written. */
  async ready(opened: OpenedSession): Promise<void> {
    await this.#mutex.settled(opened.key)
    if (this.#behind.has(opened)) await this.#write(opened)
  }

  /**
   * Reads the data of a session. Data written by another person reads as empty. Resolves with undefined when the
   * session has ended; rejects with a `StoreError`.
   */
  async readData(opened: OpenedSession): Promise<Data | undefined> {
    await this.ready(opened)
    const record = await this.#restoring(opened, () => this.#options.store.find(opened.serverId, opened.key))
    return record && (this.#ownsData(opened) ? record.data : NO_DATA)
  }

  /**
   * Merges a patch into the data of a session; data written by another person is cleared first. Resolves and rejects
   * like `readData` and `SessionStore.merge`.
   */
  async mergeData(opened: OpenedSession, patch: Data, maxBytes: number): Promise<Data | undefined> {
    const { store } = this.#options
    await this.ready(opened)
    if (!this.#ownsData(opened)) await store.change(opened.serverId, opened.key, { data: NO_DATA })
    this.#setDataOwner(opened, opened.session.persNo)
    const merge = () => store.merge(opened.serverId, opened.key, patch, maxBytes)
    return (await this.#restoring(opened, merge))?.data
  }

  /** Runs `work` on the record of a session. If a live session has no record, writes it and runs `work` again. */
  async #restoring(
    opened: OpenedSession,
    work: () => Promise<SessionRecord | undefined>,
  ): Promise<SessionRecord | undefined> {
    const record = await work()
    if (record !== undefined || this.#options.registry.byKey(opened.key) !== opened) return record
    await this.#write(opened)
    return await work()
  }

  /** TouchBatcher the records of sessions used since the last call, writes missing records, and sweeps expired ones. */
  async look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    const { store } = this.#options
    // While the store is unavailable, one call per session would only add to its load.
    if (store.unavailable === undefined || (await this.#try(() => store.sweep()))) {
      await this.#renewRecords()
      // Sweep after the records are renewed: after a forward step of the clock, live sessions would look expired.
      await this.#try(() => store.sweep())
    }
    this.#isLooking = false
  }

  async #renewRecords(): Promise<void> {
    const { registry, store } = this.#options
    const since = this.#lastLook
    const elapsed = performance.now() - since
    const mayBeLost =
      store.interruptions !== this.#interruptions ||
      Math.abs(store.now() - this.#lastStoreTime - elapsed) > CLOCK_STEP_MS
    this.#lastLook = performance.now()
    this.#lastStoreTime = store.now()
    this.#interruptions = store.interruptions
    const work: (() => Promise<void>)[] = []
    for (const opened of registry.all()) {
      if (mayBeLost) work.push(() => this.#sync(opened, 'lost'))
      else if (this.#behind.has(opened)) work.push(() => this.#sync(opened, 'changed'))
      else if (opened.lastUsed > since || opened.streams > 0) work.push(() => this.#touch(opened))
    }
    await mapConcurrent(work, async (run) => (this.#isClosed ? undefined : await run()), CONCURRENCY)
  }

  /** Stops the timer and waits for the operations in progress. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#isClosed = true
    await this.#mutex.settled()
  }

  /**
   * Marks a record as out of date and writes it. A record known to be missing stays marked as missing until it is
   * written.
   */
  #sync(opened: OpenedSession, state: Behind): Promise<void> {
    const before = this.#behind.get(opened)
    if (before === undefined || before === 'changed') this.#behind.set(opened, state)
    return this.#do(opened, () => this.#write(opened))
  }

  async #write(opened: OpenedSession): Promise<void> {
    const { registry, store } = this.#options
    const { serverId: app, key } = opened
    const user = userOf(opened)
    const { persNo } = opened.session
    const isForeign = persNo !== 0 && !this.#ownsData(opened)
    const cleared = isForeign ? { data: NO_DATA } : undefined
    if ((await store.change(app, key, { user, ...cleared })) === undefined) {
      const state = this.#behind.get(opened)
      const record = { ...this.#recordOf(opened, user), ...cleared }
      if (state === 'missing') await store.create(record)
      else if (!(await this.#restore(opened, record, state === 'lost'))) return
    }
    if (isForeign) this.#setDataOwner(opened, persNo)
    if (userOf(opened) === user) this.#behind.delete(opened)
    // The session was closed while its record was being written; no other process removes the record.
    if (registry.byKey(key) !== opened) await store.remove(key)
  }

  #recordOf({ serverId, key, clientAddress, session }: OpenedSession, user: string): NewSession {
    const { name, version } = session.client
    return {
      key,
      app: serverId,
      user,
      name: `${name} ${version}`.trim().slice(0, MAX_NAME),
      ip: clientAddress,
      idleMs: this.#options.idleMs + LOOKS_MISSED * this.#intervalMs,
    }
  }

  /** Writes a missing record again. If it was ended on purpose, closes the session and resolves with false. */
  async #restore(opened: OpenedSession, record: NewSession, mayBeLost: boolean): Promise<boolean> {
    const { registry, store } = this.#options
    // A session that is closing needs no record.
    if (opened.closing !== undefined) return false
    if (await store.restore(record, mayBeLost)) return true
    // Not awaited: closing waits for requests in flight, and one of them may be waiting for this write.
    if (registry.byKey(opened.key) === opened) void registry.close(opened, 'ended')
    return false
  }

  async #touch(opened: OpenedSession): Promise<void> {
    const { registry, store } = this.#options
    await this.#do(opened, async () => {
      if (registry.byKey(opened.key) !== opened) return
      const record = await store.touch(opened.serverId, opened.key)
      if (record === undefined && registry.byKey(opened.key) === opened) await this.#write(opened)
    })
  }

  #ownsData(opened: OpenedSession): boolean {
    const owner = this.#dataOwners.get(opened)
    return owner === undefined || owner === opened.session.persNo
  }

  #setDataOwner(opened: OpenedSession, persNo: number): void {
    if (persNo === 0) this.#dataOwners.delete(opened)
    else this.#dataOwners.set(opened, persNo)
  }

  #endSession(key: SessionRecord['key']): void {
    const opened = this.#options.registry.byKey(key)
    if (opened !== undefined) void this.#options.registry.close(opened, 'ended')
  }

  /** Queues an operation on a session's record; the operations of a session run one at a time. Never rejects. */
  async #do({ key }: OpenedSession, work: () => Promise<void>): Promise<void> {
    await this.#mutex.runExclusive(key, () => this.#try(work))
  }

  /** Resolves with whether `work` succeeded. The store reports the error. */
  async #try(work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch {
      return false
    }
  }
}

/** Returns the user of a session's record: the number of the logged-in person, empty for an anonymous session. */
export function userOf({ session }: OpenedSession): string {
  return session.persNo === 0 ? '' : String(session.persNo)
}
