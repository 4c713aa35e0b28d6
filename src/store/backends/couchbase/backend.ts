import type { Cas, Collection } from 'couchbase'
import type { Backend, Change, Key, Layout, SessionDocument, SessionRecord } from '../../index.ts'
import {
  afterRead,
  afterWrite,
  Conflict,
  expiresAt,
  fromDocument,
  isExpired,
  retryOnConflict,
  ServerCalls,
  toDocument,
} from '../../index.ts'
import { isNamed, storeError } from './errors.ts'

const RETRY = { attempts: 100, pauseMs: 1, maxPauseMs: 20 }
/** Maximum lifetime of a document, seconds, since the SDK rejects larger ones. Above it a document does not expire. */
const LONGEST_S = 50 * 365 * 86_400

interface Found {
  readonly document: SessionDocument
  readonly record: SessionRecord
  readonly cas: Cas
}

/** Stores each record in a Couchbase document, which expires with the record. */
export class CouchbaseBackend implements Backend {
  readonly lists = undefined
  readonly #collection: Collection
  readonly #layout: Layout
  readonly #close: () => Promise<void>
  readonly #calls = new ServerCalls(storeError)

  /**
   * @param layout prefix of document ids, and names of the fields for other programs
   * @param close closes the cluster
   */
  constructor(collection: Collection, layout: Layout, close: () => Promise<void>) {
    this.#collection = collection
    this.#layout = layout
    this.#close = close
  }

  /** The number of interruptions. The SDK does not report lost connections, so failed calls are counted. */
  get interruptions(): number {
    return this.#calls.interruptions
  }

  async insert(record: SessionRecord): Promise<void> {
    const options = { expiry: expiryOf(record, record.lastActive) }
    await this.#calls.run(() =>
      this.#collection.insert(this.#idOf(record.key), toDocument(record, this.#layout), options),
    )
  }

  async find(key: Key): Promise<SessionRecord | undefined> {
    return await this.#withRecord(key, async ({ record }) => record)
  }

  async touch(app: string, key: Key, now: number): Promise<SessionRecord | undefined> {
    return await this.#withRecord(key, async (found) => {
      const { record } = found
      if (record.app !== app || isExpired(record, now)) return undefined
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
    return await this.#withRecord(key, async ({ record, cas }) => {
      await this.#collection.remove(this.#idOf(key), { cas })
      return record
    })
  }

  async sweep(): Promise<void> {
    // Couchbase expires documents itself.
  }

  async close(): Promise<void> {
    await this.#close()
  }

  /**
   * Reads a record and runs `work` on it. Repeats both if another writer has changed the document in between.
   * @returns the result of `work`, undefined if there is no record
   */
  async #withRecord<T>(key: Key, work: (found: Found) => Promise<T>): Promise<T | undefined> {
    return await retryOnConflict(() => this.#calls.run(() => this.#tryWith(key, work)), RETRY)
  }

  async #tryWith<T>(key: Key, work: (found: Found) => Promise<T>): Promise<T | Conflict | undefined> {
    try {
      const { content, cas } = await this.#collection.get(this.#idOf(key))
      const document: SessionDocument = content
      return await work({ document, record: fromDocument(key, document), cas })
    } catch (error) {
      if (isNamed(error, 'DocumentNotFoundError')) return undefined
      if (isNamed(error, 'CasMismatchError')) return new Conflict()
      throw error
    }
  }

  async #replace({ document, cas }: Found, record: SessionRecord, now: number): Promise<void> {
    // Keep the fields that other programs added to the document.
    const changed = { ...document, ...toDocument(record, this.#layout) }
    await this.#collection.replace(this.#idOf(record.key), changed, { expiry: expiryOf(record, now), cas })
  }

  #idOf(key: Key): string {
    return this.#layout.keyNs + key
  }
}

/**
 * Returns the lifetime of a document at `now`, seconds; 0 for no expiry. It is one second longer than that of the
 * record, since the server counts whole seconds.
 */
function expiryOf(record: SessionRecord, now: number): number {
  const end = expiresAt(record)
  if (end === null) return 0
  const seconds = Math.ceil(Math.max(end - now, 0) / 1000) + 1
  return seconds > LONGEST_S ? 0 : seconds
}
