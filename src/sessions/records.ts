import { mapConcurrent } from '../map-concurrent.ts'
import { isUnavailable } from '../store/errors.ts'
import { KeyedMutex } from '../store/keyed-mutex.ts'
import type { Data, SessionRecord } from '../store/record.ts'
import type { NewSession, SessionStore } from '../store/store.ts'
import type { GatewaySession } from './gateway-session.ts'
import type { Registry } from './registry.ts'

/** Options of `SessionRecords`. */
export interface RecordsOptions {
  /** the registry whose sessions have records */
  registry: Registry
  /** the store of the records */
  store: SessionStore
  /** the longest idle timeout of LysKOM sessions, milliseconds */
  idleMs: number
  /** called once for each outage of the store and kind of error, and when the outage has ended */
  onStore: (state: 'unavailable' | 'available', reason?: unknown) => void
  /** interval between two calls of `sync`, milliseconds; default: 10 s */
  intervalMs?: number
}

const INTERVAL_MS = 10_000
/**
 * A record expires this many intervals later than its session would. So a record of a live session only expires after
 * the gateway process has ended.
 */
const MISSED_SYNCS = 3
/** Maximum number of concurrent operations of `sync`. */
const CONCURRENCY = 64
/**
 * Difference between the store's clock and the monotonic clock above which the store's clock counts as stepped,
 * milliseconds.
 */
const CLOCK_STEP_MS = 5000
const NO_DATA: Data = Object.freeze({})
/** Maximum length of client name and version in a record, characters. */
const MAX_NAME = 100

/** Why a record must be written: it was never written, it may have been lost, or the session has changed. */
type Staleness = 'missing' | 'lost' | 'changed'

/**
 * Keeps a record in the store for every live LysKOM session. While a session lives, a record that was lost or has
 * expired is written again; only a record that was ended on purpose ends its session. Sessions continue while the store
 * is unavailable, and missed writes and removals are repeated when it is available again.
 */
export class SessionRecords {
  readonly #options: RecordsOptions
  /** Sessions whose record must be written, and why. */
  readonly #stale = new Map<GatewaySession, Staleness>()
  /** Serializes the operations on a record, by its key. */
  readonly #mutex = new KeyedMutex()
  /** Person number of the owner of a session's data; no entry for data that was written before a login. */
  readonly #dataOwners = new WeakMap<GatewaySession, number>()
  readonly #timer: NodeJS.Timeout
  readonly #intervalMs: number
  #lastSync = performance.now()
  #lastStoreTime: number
  #interruptions = 0
  #isSyncing = false
  #isClosed = false

  constructor(options: RecordsOptions) {
    this.#options = options
    this.#intervalMs = options.intervalMs ?? INTERVAL_MS
    const { registry, store, onStore } = options
    this.#lastStoreTime = store.now()
    registry.on('opened', (session) => this.#refresh(session, 'missing'))
    registry.on('person', (session) => this.#refresh(session, 'changed'))
    registry.on('closed', (session, reason) => {
      this.#stale.delete(session)
      if (reason !== 'ended') void this.#enqueue(session, () => store.remove(session.key))
    })
    store.on('ended', ({ key }) => this.#endSession(key))
    store.on('failing', (error) => onStore('unavailable', error))
    store.on('recovered', () => {
      onStore('available')
      void this.sync()
    })
    this.#timer = setInterval(() => void this.sync(), this.#intervalMs)
    this.#timer.unref()
  }

  /**
   * Resolves when the record of a session is up to date.
   * @throws StoreError if the record cannot be written
   */
  async ready(session: GatewaySession): Promise<void> {
    const write = async () => {
      if (this.#stale.has(session)) await this.#write(session)
    }
    await this.#mutex.runExclusive(session.key, write, isUnavailable)
  }

  /**
   * Reads the data of a session.
   * @returns the data, empty if another person wrote it; undefined if the session has ended
   * @throws StoreError if the store is unavailable
   */
  async readData(session: GatewaySession): Promise<Data | undefined> {
    await this.ready(session)
    const record = await this.#restoring(session, () => this.#options.store.find(session.serverId, session.key))
    return record && (this.#ownsData(session) ? record.data : NO_DATA)
  }

  /**
   * Merges a patch into the data of a session; data written by another person is cleared first.
   * @param patch keys to set; null deletes a key
   * @param maxBytes maximum size of the merged data, bytes of JSON
   * @returns the merged data; undefined if the session has ended
   * @throws StoreError `too-large` if the merged data exceeds `maxBytes`, and if the store is unavailable
   */
  async mergeData(session: GatewaySession, patch: Data, maxBytes: number): Promise<Data | undefined> {
    const { store } = this.#options
    await this.ready(session)
    if (!this.#ownsData(session)) await store.change(session.serverId, session.key, { data: NO_DATA })
    this.#setDataOwner(session, session.lyskom.persNo)
    const merge = () => store.merge(session.serverId, session.key, patch, maxBytes)
    return (await this.#restoring(session, merge))?.data
  }

  /**
   * Runs `work` on the record of a session. If the record of a live session is missing, writes it and repeats `work`.
   */
  async #restoring(
    session: GatewaySession,
    work: () => Promise<SessionRecord | undefined>,
  ): Promise<SessionRecord | undefined> {
    const record = await work()
    if (record !== undefined || session.hasEnded) return record
    await this.#mutex.runExclusive(session.key, () => this.#write(session), isUnavailable)
    return await work()
  }

  /**
   * Synchronizes the records with the live sessions: touches the records of sessions used since the last call, writes
   * missing and changed records, and sweeps expired ones. Never rejects.
   */
  async sync(): Promise<void> {
    if (this.#isSyncing) return
    this.#isSyncing = true
    const { store } = this.#options
    // While the store is unavailable, one call per session would only add to its load.
    if (store.unavailable === undefined || (await this.#try(() => store.sweep()))) {
      await this.#renewRecords()
      // Sweep after the records are renewed: after a forward step of the clock, live sessions would look expired.
      await this.#try(() => store.sweep())
    }
    this.#isSyncing = false
  }

  async #renewRecords(): Promise<void> {
    const { registry, store } = this.#options
    const since = this.#lastSync
    const elapsed = performance.now() - since
    const mayBeLost =
      store.interruptions !== this.#interruptions ||
      Math.abs(store.now() - this.#lastStoreTime - elapsed) > CLOCK_STEP_MS
    this.#lastSync = performance.now()
    this.#lastStoreTime = store.now()
    this.#interruptions = store.interruptions
    const work: (() => Promise<void>)[] = []
    for (const session of registry.all()) {
      if (mayBeLost) work.push(() => this.#refresh(session, 'lost'))
      else if (this.#stale.has(session)) work.push(() => this.#refresh(session, 'changed'))
      else if (session.lastUsed > since || session.hasStreams) work.push(() => this.#touch(session))
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
   * Marks the record of a session as stale and writes it. `missing` and `lost` take precedence over `changed` until the
   * record is written. Never rejects.
   */
  #refresh(session: GatewaySession, state: Staleness): Promise<void> {
    const before = this.#stale.get(session)
    if (before === undefined || before === 'changed') this.#stale.set(session, state)
    return this.#enqueue(session, () => this.#write(session))
  }

  /** Updates the record of a session, or writes it again if it is missing. */
  async #write(session: GatewaySession): Promise<void> {
    const { store } = this.#options
    const { serverId: app, key } = session
    const user = userOf(session)
    const { persNo } = session.lyskom
    const isForeign = persNo !== 0 && !this.#ownsData(session)
    const cleared = isForeign ? { data: NO_DATA } : undefined
    if ((await store.change(app, key, { user, ...cleared })) === undefined) {
      const state = this.#stale.get(session)
      const record = { ...this.#recordOf(session, user), ...cleared }
      if (state === 'missing') await store.create(record)
      else if (!(await this.#restore(session, record, state === 'lost'))) return
    }
    if (isForeign) this.#setDataOwner(session, persNo)
    if (userOf(session) === user) this.#stale.delete(session)
    // The session was closed while its record was being written; no other process removes the record.
    if (session.hasEnded) await store.remove(key)
  }

  #recordOf({ serverId, key, clientAddress, lyskom }: GatewaySession, user: string): NewSession {
    const { name, version } = lyskom.client
    return {
      key,
      app: serverId,
      user,
      name: `${name} ${version}`.trim().slice(0, MAX_NAME),
      ip: clientAddress,
      idleMs: this.#options.idleMs + MISSED_SYNCS * this.#intervalMs,
    }
  }

  /** Writes a missing record again. If the record was ended on purpose, closes the session and resolves with false. */
  async #restore(session: GatewaySession, record: NewSession, mayBeLost: boolean): Promise<boolean> {
    const { store } = this.#options
    // A session that is closing needs no record.
    if (session.isClosing) return false
    if (await store.restore(record, mayBeLost)) return true
    // Not awaited: closing waits for requests in flight, and one of them may be waiting for this write.
    if (!session.hasEnded) void session.close('ended')
    return false
  }

  async #touch(session: GatewaySession): Promise<void> {
    const { store } = this.#options
    await this.#enqueue(session, async () => {
      if (session.hasEnded) return
      const record = await store.touch(session.serverId, session.key)
      if (record === undefined && !session.hasEnded) await this.#write(session)
    })
  }

  #ownsData(session: GatewaySession): boolean {
    const owner = this.#dataOwners.get(session)
    return owner === undefined || owner === session.lyskom.persNo
  }

  #setDataOwner(session: GatewaySession, persNo: number): void {
    if (persNo === 0) this.#dataOwners.delete(session)
    else this.#dataOwners.set(session, persNo)
  }

  #endSession(key: SessionRecord['key']): void {
    const session = this.#options.registry.byKey(key)
    if (session !== undefined) void session.close('ended')
  }

  /** Queues an operation on a session's record; the operations of a session run one at a time. Never rejects. */
  async #enqueue({ key }: GatewaySession, work: () => Promise<void>): Promise<void> {
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
export function userOf({ lyskom }: GatewaySession): string {
  return lyskom.persNo === 0 ? '' : String(lyskom.persNo)
}
