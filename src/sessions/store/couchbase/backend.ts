import { setTimeout as pause } from 'node:timers/promises'
import type { Backend, Lists } from '../backend.ts'
import { fromStored, namedFields, overFrom, toStored } from '../document.ts'
import { StoreError } from '../errors.ts'
import type { Layout } from '../layout.ts'
import { afterRead, afterWrite, type Change, isOver, type Key, type SessionRecord } from '../record.ts'
import { type Cas, type CouchbaseCollection, type CouchbaseDocument, isNamed, storeError } from './port.ts'

/** Others that may come between reading and writing a document, one after the other. */
const MAX_TRIES = 100
/** Between two tries, at most: chance decides, so that those who met do not meet again. */
const MAX_PAUSE_MS = 20
/** What expires later does not expire: the SDK takes larger numbers for a mistake. */
const LONGEST_S = 50 * 365 * 86_400

const AGAIN = Symbol('another one has come between')

interface Found {
  readonly document: CouchbaseDocument
  readonly record: SessionRecord
  readonly cas: Cas
}

export interface CouchbaseOptions {
  collection: CouchbaseCollection
  lists: Lists | undefined
  layout: Layout
  /** asks the cluster for its time, where it answers queries */
  time?: (() => Promise<number>) | undefined
  close(): Promise<void>
}

/**
 * Records in a bucket of Couchbase, each in a document of its own, which expires with it. No real server has seen it
 * yet: it is tested on a stand-in for the collection.
 */
export class CouchbaseBackend implements Backend {
  readonly time: Backend['time']
  readonly #options: CouchbaseOptions
  #interruptions = 0
  #reached = true

  constructor(options: CouchbaseOptions) {
    this.#options = options
    const { time } = options
    if (time !== undefined) this.time = time
  }

  get lists(): Lists | undefined {
    return this.#options.lists
  }

  /** The SDK tells nobody when it loses a line: it shows when something is asked for. */
  get interruptions(): number {
    return this.#interruptions
  }

  async insert(record: SessionRecord): Promise<void> {
    const options = { expiry: expiryOf(record, record.lastActive) }
    const { collection } = this.#options
    await this.#ask(() => collection.insert(this.#idOf(record.key), this.#document(record), options))
  }

  async find(key: Key): Promise<SessionRecord | undefined> {
    return await this.#withRecord(key, async ({ record }) => record)
  }

  async touch(app: string, key: Key, now: number): Promise<SessionRecord | undefined> {
    return await this.#withRecord(key, async (found) => {
      const { record } = found
      if (record.app !== app || isOver(record, now)) return undefined
      await this.#replace(found, afterRead(record, now), now)
      return record
    })
  }

  async update(key: Key, revision: number, change: Change, now: number): Promise<boolean> {
    const updated = await this.#withRecord(key, async (found) => {
      const { record } = found
      if (record.revision !== revision) return false
      await this.#replace(found, afterWrite(record, change, now), now)
      return true
    })
    return updated ?? false
  }

  async remove(key: Key): Promise<SessionRecord | undefined> {
    const { collection } = this.#options
    return await this.#withRecord(key, async ({ record, cas }) => {
      await collection.remove(this.#idOf(key), { cas })
      return record
    })
  }

  async sweep(): Promise<void> {
    // Documents expire by themselves.
  }

  async close(): Promise<void> {
    await this.#options.close()
  }

  /**
   * Reads a record and does something with it that fails if another one has come between: then it is read again.
   * Undefined where there is none.
   */
  async #withRecord<T>(key: Key, work: (found: Found) => Promise<T>): Promise<T | undefined> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      if (tries > 0) await pause(Math.random() * Math.min(tries, MAX_PAUSE_MS))
      const done = await this.#ask(() => this.#tryWith(key, work))
      if (done !== AGAIN) return done
    }
    throw new StoreError('contended', 'too many others write this session')
  }

  async #tryWith<T>(key: Key, work: (found: Found) => Promise<T>): Promise<T | typeof AGAIN | undefined> {
    try {
      const { content, cas } = await this.#options.collection.get(this.#idOf(key))
      const document = content as CouchbaseDocument
      return await work({ document, record: fromStored(key, document.record), cas })
    } catch (error) {
      if (isNamed(error, 'DocumentNotFoundError')) return undefined
      if (isNamed(error, 'CasMismatchError')) return AGAIN
      throw error
    }
  }

  async #replace({ document, cas }: Found, record: SessionRecord, now: number): Promise<void> {
    const { collection } = this.#options
    // What others have added to the document stays.
    const changed = { ...document, ...this.#document(record) }
    await collection.replace(this.#idOf(record.key), changed, { expiry: expiryOf(record, now), cas })
  }

  #document(record: SessionRecord): CouchbaseDocument {
    const { layout } = this.#options
    const stored = { ...toStored(record), key: record.key, ns: layout.keyNs, over: overFrom(record) }
    return { ...namedFields(record, layout), record: stored }
  }

  #idOf(key: Key): string {
    return this.#options.layout.keyNs + key
  }

  async #ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      const answer = await question()
      this.#reached = true
      return answer
    } catch (error) {
      const known = storeError(error)
      const reached = !(known instanceof StoreError && known.code === 'unavailable')
      if (this.#reached && !reached) this.#interruptions++
      this.#reached = reached
      throw known
    }
  }
}

/**
 * How long a document stays, by the gateway's clock: seconds from `now` on, and one more, since the server counts in
 * whole ones; 0 for ever.
 */
function expiryOf(record: SessionRecord, now: number): number {
  const over = overFrom(record)
  if (over === null) return 0
  const seconds = Math.ceil(Math.max(over - now, 0) / 1000) + 1
  return seconds > LONGEST_S ? 0 : seconds
}
