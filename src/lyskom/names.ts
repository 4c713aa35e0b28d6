import type { Connection } from '../connection/connection.ts'
import { KomError } from '../protocol/errors.ts'
import type { AsyncMessage } from '../protocol/messages.ts'
import type { ConfZInfo } from '../protocol/types.ts'
import { mapConcurrent } from './map-concurrent.ts'

export interface ConferenceName {
  confNo: number
  name: string
}

export interface PersonName {
  persNo: number
  name: string
}

/** A name that stands for nobody, or for too many. */
export class NameError extends Error {
  constructor(
    readonly code: 'name-not-found' | 'name-ambiguous',
    message: string,
  ) {
    super(message)
    this.name = 'NameError'
  }
}

/** The names that one session keeps, and those of all sessions together, bytes. */
const MAX_BYTES = 128 * 1024
const MAX_ALL_BYTES = 64 * 1024 * 1024
/** What an entry takes besides its characters, roughly: its place in the map and the head of the string. */
const ENTRY_BYTES = 64

const all = { bytes: 0 }

/** Names that `Names.load` has found. A conference or person that does not exist, or is secret, has a name that says so. */
export class NameTable {
  readonly #names = new Map<number, string>()

  /** @param name undefined for a conference or person that does not exist */
  set(confNo: number, name: string | undefined): void {
    if (name !== undefined) this.#names.set(confNo, name)
  }

  conference(confNo: number): ConferenceName {
    return { confNo, name: this.#names.get(confNo) ?? `Conference ${confNo} (does not exist)` }
  }

  person(persNo: number): PersonName {
    if (persNo === 0) return { persNo, name: 'Anonymous person' }
    return { persNo, name: this.#names.get(persNo) ?? `Person ${persNo} (does not exist)` }
  }
}

/**
 * The names of conferences and persons as one session sees them, kept until async-new-name changes them. Concurrent
 * lookups of one name share a call. The names kept longest make room for new ones.
 */
export class Names {
  readonly #connection: Connection
  /**
   * A promise while the name is looked up: async-new-name may come in the same packet as the reply, before the lookup
   * continues. It replaces the promise, so that the old name is not kept.
   */
  #names: Map<number, string | Promise<string | undefined>> | undefined
  #bytes = 0

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Finds names, each with one call unless it is cached. One round trip at most. */
  async load(confNos: Iterable<number>): Promise<NameTable> {
    const table = new NameTable()
    const missing = new Set<number>()
    for (const confNo of confNos) {
      if (confNo === 0) continue
      const known = this.#names?.get(confNo)
      if (typeof known === 'string') table.set(confNo, known)
      else missing.add(confNo)
    }
    if (missing.size > 0) {
      await mapConcurrent([...missing], async (confNo) => table.set(confNo, await this.#lookUp(confNo)))
    }
    return table
  }

  /** The name of one conference. */
  async conference(confNo: number): Promise<ConferenceName> {
    return (await this.load([confNo])).conference(confNo)
  }

  /** The name of one person; number 0 is the anonymous person. */
  async person(persNo: number): Promise<PersonName> {
    return (await this.load([persNo])).person(persNo)
  }

  /** Looks a name up by the server's name expansion (chapter Name Expansion). */
  lookup(name: string, want: { persons: boolean; conferences: boolean }): Promise<ConfZInfo[]> {
    return this.#connection.call('lookup-z-name', { name, wantPers: want.persons, wantConfs: want.conferences })
  }

  /** Forgets all names: another person is logged in, who may not see what the one before saw, or the session ended. */
  clear(): void {
    this.#count(-this.#bytes)
    this.#names = undefined
  }

  /** The one person that a name stands for; a name given in full wins over longer ones that begin alike. */
  async onePerson(name: string): Promise<PersonName> {
    const found = await this.lookup(name, { persons: true, conferences: false })
    const exact = found.filter((each) => each.name.toLowerCase() === name.toLowerCase())
    const [match, ...others] = exact.length === 1 ? exact : found
    if (match === undefined) throw new NameError('name-not-found', `recipient not found: ${name}`)
    if (others.length > 0) throw new NameError('name-ambiguous', `ambiguous recipient: ${name}`)
    return { persNo: match.confNo, name: match.name }
  }

  /** Applies async-new-name to the cache. */
  onMessage(message: AsyncMessage): void {
    if (message.name !== 'async-new-name') return
    const { confNo, newName } = message.params
    // A name that no request asked for is not kept: the server could fill the memory with them.
    if (this.#names?.has(confNo)) this.#remember(confNo, newName)
  }

  /** Resolves with undefined for a conference or person that does not exist. */
  async #lookUp(confNo: number): Promise<string | undefined> {
    const underWay = this.#names?.get(confNo)
    if (underWay !== undefined) return underWay
    const lookup = this.#ask(confNo)
    this.#names ??= new Map()
    this.#names.set(confNo, lookup)
    let name: string | undefined
    try {
      name = await lookup
      return name
    } finally {
      if (this.#names?.get(confNo) === lookup) {
        if (name === undefined) this.#names.delete(confNo)
        else this.#remember(confNo, name)
      }
    }
  }

  async #ask(confNo: number): Promise<string | undefined> {
    try {
      return (await this.#connection.call('get-uconf-stat', { conference: confNo })).name
    } catch (error) {
      if (error instanceof KomError && error.errorName === 'undefined-conference') return undefined
      throw error
    }
  }

  #remember(confNo: number, name: string): void {
    this.#forget(confNo)
    this.#names?.set(confNo, name)
    this.#count(sizeOf(name))
    if (this.#bytes <= MAX_BYTES && all.bytes <= MAX_ALL_BYTES) return
    this.#connection.boundHit('name-cache')
    for (const [oldest, value] of this.#names ?? []) {
      if (this.#bytes <= MAX_BYTES && all.bytes <= MAX_ALL_BYTES) return
      if (typeof value === 'string') this.#forget(oldest)
    }
  }

  #forget(confNo: number): void {
    const name = this.#names?.get(confNo)
    if (typeof name === 'string') this.#count(-sizeOf(name))
    this.#names?.delete(confNo)
  }

  #count(bytes: number): void {
    this.#bytes += bytes
    all.bytes += bytes
  }
}

function sizeOf(name: string): number {
  return name.length + ENTRY_BYTES
}
