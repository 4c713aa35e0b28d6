import type { MemcacheClient } from 'memcache-client'
import type { Backend } from './backend.ts'
import { checkNames, fromStored, namedFields, overFrom, RECORD, type StoredRecord, toStored } from './document.ts'
import { StoreError } from './errors.ts'
import type { Layout } from './layout.ts'
import { afterRead, afterWrite, type Change, isOver, type Key, type SessionRecord } from './record.ts'
import { refuseUnknown } from './sql-url.ts'

const PORT = 11_211
const CONNECT_MS = 3000
const COMMAND_MS = 3000
/** Writers that may come before us, one after the other. */
const MAX_TRIES = 100
/** What memcached takes for a duration; more is a time since 1970. */
const MAX_DURATION_S = 30 * 24 * 60 * 60
/** An item outlives its record: the clock of the gateway says when that is over, not memcached's. */
const SLACK_S = 60
/** memcached drops such an item at once. */
const DROPPED = -1

type Document = { readonly [RECORD]: StoredRecord }
/** A document, and what it must still be when it is written over. */
type Held = { record: SessionRecord; casUniq: string | number }

/** `memcache://host:port`. The text protocol knows no passwords. Each record is one item, under `layout.keyNs`. */
export async function openMemcache(url: URL, layout: Layout): Promise<Backend> {
  refuseUnknown(url, 'memcached', [])
  checkNames(Object.values(layout.fields))
  if (url.hostname === '' || url.username !== '' || url.password !== '' || url.pathname.length > 1) {
    throw new TypeError('memcache://host:port is what is needed: its protocol knows neither users nor databases')
  }
  const { MemcacheClient } = await import('memcache-client')
  const client = new MemcacheClient({
    server: `${url.hostname}:${url.port || PORT}`,
    connectTimeout: CONNECT_MS,
    cmdTimeout: COMMAND_MS,
    noDelay: true,
  })
  const backend = new MemcacheBackend(client, layout)
  try {
    await backend.greet()
    return backend
  } catch (error) {
    await backend.close()
    throw error
  }
}

class MemcacheBackend implements Backend {
  /** memcached cannot tell what it holds. */
  readonly lists = undefined
  /** It makes room by itself, and says nothing. */
  readonly forgets = true
  interruptions = 0
  readonly #client: MemcacheClient
  readonly #layout: Layout
  #isUp = true

  constructor(client: MemcacheClient, layout: Layout) {
    this.#client = client
    this.#layout = layout
  }

  /** Rejects when nobody is there. */
  async greet(): Promise<void> {
    await this.#ask((client) => client.version())
  }

  async insert(record: SessionRecord): Promise<void> {
    const options = { lifetime: lifetimeOf(record, record.lastActive) }
    await this.#ask((client) => client.add(this.#nameOf(record.key), this.#documentOf(record), options))
  }

  async find(key: Key): Promise<SessionRecord | undefined> {
    const name = this.#nameOf(key)
    const item = await this.#ask((client) => client.get<Document>(name))
    return item && fromStored(key, item.value[RECORD])
  }

  async touch(app: string, key: Key, now: number): Promise<SessionRecord | undefined> {
    return await this.#overwrite(key, now, (record) =>
      record.app === app && !isOver(record, now) ? afterRead(record, now) : undefined,
    )
  }

  async update(key: Key, revision: number, change: Change, now: number): Promise<boolean> {
    const before = await this.#overwrite(key, now, (record) =>
      record.revision === revision ? afterWrite(record, change, now) : undefined,
    )
    return before !== undefined
  }

  async remove(key: Key): Promise<SessionRecord | undefined> {
    return await this.#overwrite(key, 0, (record) => record, DROPPED)
  }

  async sweep(): Promise<void> {
    // memcached drops what has run out by itself.
  }

  async close(): Promise<void> {
    this.#client.shutdown()
  }

  /** Writes what `next` makes of a record, unless that is nothing; resolves with the record as it was before. */
  async #overwrite(
    key: Key,
    now: number,
    next: (record: SessionRecord) => SessionRecord | undefined,
    lifetime?: number,
  ): Promise<SessionRecord | undefined> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const held = await this.#hold(key)
      const after = held && next(held.record)
      if (held === undefined || after === undefined) return undefined
      if (await this.#put(after, held.casUniq, lifetime ?? lifetimeOf(after, now))) return held.record
    }
    throw new StoreError('contended', 'too many others write this session')
  }

  async #hold(key: Key): Promise<Held | undefined> {
    const name = this.#nameOf(key)
    const item = await this.#ask((client) => client.gets<Document>(name))
    if (item === undefined) return undefined
    const { value, casUniq } = item as { value: Document; casUniq: string | number }
    return { record: fromStored(key, value[RECORD]), casUniq }
  }

  /** Whether nobody has come in between. */
  async #put(record: SessionRecord, casUniq: string | number, lifetime: number): Promise<boolean> {
    const name = this.#nameOf(record.key)
    const options = { casUniq, lifetime }
    const done = await this.#ask((client) =>
      client.cas(name, this.#documentOf(record), options).catch((error: Error) => {
        if (error.message === 'EXISTS' || error.message === 'NOT_FOUND') return undefined
        throw error
      }),
    )
    return done !== undefined
  }

  #documentOf(record: SessionRecord): Record<string, unknown> {
    return { ...namedFields(record, this.#layout), [RECORD]: toStored(record) }
  }

  #nameOf(key: Key): string {
    return this.#layout.keyNs + key
  }

  async #ask<T>(question: (client: MemcacheClient) => Promise<T>): Promise<T> {
    try {
      const answer = await question(this.#client)
      this.#isUp = true
      return answer
    } catch (error) {
      throw this.#translated(error as Error)
    }
  }

  /** memcached's own word, or that of a line that is gone. */
  #translated(error: Error): StoreError {
    if (error.message.startsWith('SERVER_ERROR object too large')) {
      return new StoreError('too-large', 'memcached takes no item of that size', { cause: error })
    }
    if (error.message.startsWith('SERVER_ERROR out of memory')) {
      return new StoreError('full', 'memcached has no room', { cause: error })
    }
    if (this.#isUp) this.interruptions++
    this.#isUp = false
    return new StoreError('unavailable', `memcached does not answer: ${error.message}`, { cause: error })
  }
}

/** Seconds as memcached has them; 0 is for ever. */
function lifetimeOf(record: SessionRecord, now: number): number {
  const end = overFrom(record)
  if (end === null) return 0
  const seconds = Math.ceil(Math.max(0, end - now) / 1000) + SLACK_S
  return seconds <= MAX_DURATION_S ? seconds : Math.floor(Date.now() / 1000) + seconds
}
