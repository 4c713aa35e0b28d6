import PQueue from 'p-queue'
import type { OpenedSession, Registry } from './registry.ts'
import type { Data, SessionRecord } from './store/record.ts'
import type { SessionStore } from './store/store.ts'

export interface RecordsOptions {
  registry: Registry
  store: SessionStore
  /** the lease of a session, milliseconds */
  idleMs: number
  /** told when the store begins to fail, and when it is back */
  onStore: (state: 'unavailable' | 'available', reason?: unknown) => void
  /** between two looks at the sessions that were used, milliseconds */
  intervalMs?: number
}

const INTERVAL_MS = 10_000
/** A record outlives its session by some looks: it runs out by itself only where the whole gateway has ended. */
const LOOKS_MISSED = 3
const TOUCHED_AT_ONCE = 64
const NO_DATA: Data = Object.freeze({})
/** Of the client's name and version, characters. */
const MAX_NAME = 100

/**
 * Keeps a record in the store for every LysKOM session, and ends the session whose record somebody ends. The session
 * goes on where the store fails: what could not be written is written when it is back.
 */
export class SessionRecords {
  readonly #options: RecordsOptions
  /** Sessions whose record is not as it should be: perhaps there is none, or it says what is no longer so. */
  readonly #behind = new Map<OpenedSession, 'missing' | 'changed'>()
  /** The last of what is being done about a session's record. */
  readonly #doing = new Map<OpenedSession, Promise<void>>()
  /** The number of the person who wrote the data of a session; no entry for data that was written without a login. */
  readonly #dataOwners = new WeakMap<OpenedSession, number>()
  readonly #queue = new PQueue({ concurrency: TOUCHED_AT_ONCE })
  readonly #timer: NodeJS.Timeout
  readonly #intervalMs: number
  #lastLook = performance.now()
  #isFailing = false
  #interruptions = 0
  #isLooking = false

  constructor(options: RecordsOptions) {
    this.#options = options
    this.#intervalMs = options.intervalMs ?? INTERVAL_MS
    const { registry, store } = options
    registry.on('opened', (opened) => this.#bring(opened, 'missing'))
    registry.on('person', (opened) => this.#bring(opened, 'changed'))
    registry.on('closed', (opened, reason) => {
      this.#behind.delete(opened)
      if (reason !== 'ended') void this.#do(opened, async () => void (await store.end(opened.serverId, opened.key)))
    })
    store.on('ended', ({ key }) => this.#endSession(key))
    this.#timer = setInterval(() => void this.look(), this.#intervalMs)
    this.#timer.unref()
  }

  /** Resolves when the record of a session is as it should be; rejects with a `StoreError` when that cannot be. */
  async ready(opened: OpenedSession): Promise<void> {
    await this.#doing.get(opened)
    if (this.#behind.has(opened)) await this.#write(opened)
  }

  /**
   * Reads the data of a session. Data that a person wrote is empty for everyone else. Resolves with undefined when the
   * session has ended; rejects with a `StoreError`.
   */
  async readData(opened: OpenedSession): Promise<Data | undefined> {
    await this.ready(opened)
    const record = await this.#options.store.find(opened.serverId, opened.key)
    return record && (this.#ownsData(opened) ? record.data : NO_DATA)
  }

  /** Merges a patch into the data of a session, replacing another person's; otherwise as `readData` and `SessionStore.merge`. */
  async mergeData(opened: OpenedSession, patch: Data, maxBytes: number): Promise<Data | undefined> {
    const { store } = this.#options
    await this.ready(opened)
    if (!this.#ownsData(opened)) await store.change(opened.serverId, opened.key, { data: NO_DATA })
    this.#setDataOwner(opened, opened.session.persNo)
    return (await store.merge(opened.serverId, opened.key, patch, maxBytes))?.data
  }

  /** Sweeps the store, writes what is missing there, and notes which sessions were used since the last look. */
  async look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    const { registry, store } = this.#options
    const since = this.#lastLook
    this.#lastLook = performance.now()
    const lost = store.interruptions !== this.#interruptions
    this.#interruptions = store.interruptions
    await this.#try(() => store.sweep())
    for (const opened of registry.all()) {
      if (lost || this.#behind.has(opened))
        void this.#queue.add(() => this.#bring(opened, lost ? 'missing' : 'changed'))
      else if (opened.lastUsed > since || opened.streams > 0) void this.#queue.add(() => this.#touch(opened))
    }
    await this.#queue.onIdle()
    this.#isLooking = false
  }

  /** Waits for what is being done. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#queue.clear()
    await Promise.all(this.#doing.values())
  }

  /** Makes the record say what is so. */
  #bring(opened: OpenedSession, state: 'missing' | 'changed'): Promise<void> {
    if (this.#behind.get(opened) !== 'missing') this.#behind.set(opened, state)
    return this.#do(opened, () => this.#write(opened))
  }

  async #write(opened: OpenedSession): Promise<void> {
    const { registry, store } = this.#options
    const { serverId: app, key } = opened
    const user = userOf(opened)
    const { persNo } = opened.session
    const isForeign = persNo !== 0 && !this.#ownsData(opened)
    if ((await store.change(app, key, { user, ...(isForeign && { data: NO_DATA }) })) === undefined) {
      if (this.#behind.get(opened) === 'missing') await this.#create(opened, user)
      else await this.#endedElsewhere(opened)
    }
    if (isForeign) this.#setDataOwner(opened, persNo)
    if (userOf(opened) === user) this.#behind.delete(opened)
    // It was closed while the record was being made: nobody else takes that record away.
    if (registry.byKey(key) !== opened) await store.end(app, key)
  }

  async #create({ serverId, key, clientAddress, session }: OpenedSession, user: string): Promise<void> {
    const { name, version } = session.client
    await this.#options.store.create({
      key,
      app: serverId,
      user,
      name: `${name} ${version}`.trim().slice(0, MAX_NAME),
      ip: clientAddress,
      idleMs: this.#options.idleMs + LOOKS_MISSED * this.#intervalMs,
    })
  }

  /** There was a record and there is none: another process has ended it, unless the store has lost what it held. */
  async #endedElsewhere(opened: OpenedSession): Promise<void> {
    const { registry, store } = this.#options
    if (opened.closing !== undefined) return
    // Closing waits for requests in flight, and one of them may wait for this.
    if (!store.forgets && store.interruptions === this.#interruptions) void registry.close(opened, 'ended')
    else await this.#create(opened, userOf(opened))
  }

  async #touch(opened: OpenedSession): Promise<void> {
    const { registry, store } = this.#options
    await this.#do(opened, async () => {
      if (registry.byKey(opened.key) !== opened) return
      const record = await store.touch(opened.serverId, opened.key)
      if (record === undefined && registry.byKey(opened.key) === opened) await this.#endedElsewhere(opened)
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

  /** One thing after the other for each session. Never rejects. */
  #do(opened: OpenedSession, work: () => Promise<void>): Promise<void> {
    const before = this.#doing.get(opened)
    const mine: Promise<void> = (before ?? Promise.resolve())
      .then(() => this.#try(work))
      .then(() => {
        if (this.#doing.get(opened) === mine) this.#doing.delete(opened)
      })
    this.#doing.set(opened, mine)
    return mine
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work()
      if (this.#isFailing) this.#options.onStore('available')
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing) this.#options.onStore('unavailable', error)
      this.#isFailing = true
    }
  }
}

/** The user of a session's record: the number of the person who is logged in. */
export function userOf({ session }: OpenedSession): string {
  return session.persNo === 0 ? '' : String(session.persNo)
}
