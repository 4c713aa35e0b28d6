import type { Connection } from '../connection/connection.ts'
import { mapConcurrent } from '../map-concurrent.ts'
import { KomError } from '../protocol/errors.ts'
import { KomgateError } from '../protocol/komgate-error.ts'
import type { AsyncMessage } from '../protocol/messages.ts'
import type { ConfZInfo, UConference } from '../protocol/types.ts'
import { CollectedSize } from './collected-size.ts'

declare module '../protocol/komgate-error.ts' {
  interface ErrorCodes extends Record<NameError['code'], NameError> {}
}

/** A conference with its name. */
export interface ConferenceName {
  confNo: number
  name: string
}

/** A person with their name. */
export interface PersonName {
  persNo: number
  name: string
}

/** Thrown when a name matches no person, or more than one. */
export class NameError extends KomgateError {
  constructor(
    readonly code: 'name-not-found' | 'name-ambiguous',
    message: string,
  ) {
    super(message)
  }
}

/** Size limit of the name cache of one session, in bytes. */
const MAX_BYTES = 128 * 1024
/** Size limit of the name caches of all sessions together, in bytes. */
const MAX_ALL_BYTES = 64 * 1024 * 1024
/** Approximate overhead of an entry in bytes: its slot in the map and the header of the string. */
const ENTRY_BYTES = 64

/** Size of the name caches of all sessions, in bytes. */
const all = { bytes: 0 }

/** The result of `Names.load`. Conferences and persons that do not exist or are secret have a placeholder name. */
export class NameTable {
  readonly #size: CollectedSize
  readonly #names = new Map<number, string>()

  /** @param size counts the names that are stored, and each name that is returned */
  constructor(size: CollectedSize) {
    this.#size = size
  }

  /**
   * Adds a name.
   *
   * @param name undefined for a conference or person that does not exist
   * @throws ProtocolError `over-bound`, like the other methods; see `CollectedSize`
   */
  set(confNo: number, name: string | undefined): void {
    if (name === undefined) return
    this.#size.add(1, name.length)
    this.#names.set(confNo, name)
  }

  /** Returns a conference with its name or a placeholder. */
  conference(confNo: number): ConferenceName {
    return { confNo, name: this.#name(confNo) ?? `Conference ${confNo} (does not exist)` }
  }

  /** Returns a person with their name or a placeholder. Number 0 is the anonymous person. */
  person(persNo: number): PersonName {
    if (persNo === 0) return { persNo, name: 'Anonymous person' }
    return { persNo, name: this.#name(persNo) ?? `Person ${persNo} (does not exist)` }
  }

  #name(confNo: number): string | undefined {
    const name = this.#names.get(confNo)
    this.#size.add(1, name?.length ?? 0)
    return name
  }
}

/**
 * A cache of the names of conferences and persons, as one session sees them. async-new-name updates it. Concurrent
 * lookups of one name share a call. The oldest entries are evicted first.
 */
export class Names {
  readonly #connection: Connection
  /**
   * Names by number; a promise during a lookup. async-new-name may arrive in the same packet as the reply, before the
   * lookup continues. It then replaces the promise, so that the old name is not cached.
   */
  #names: Map<number, string | Promise<string | undefined>> | undefined
  #bytes = 0

  /** @param connection looks up the names */
  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Looks up the names of conferences and persons, each with one call unless it is cached. At most one round trip.
   *
   * @param confNos numbers of conferences and persons; 0 is ignored
   * @param size counts the names; shared by the loads of one operation
   * @throws ProtocolError `over-bound` if the names are too long in all
   */
  async load(confNos: Iterable<number>, size = new CollectedSize(this.#connection)): Promise<NameTable> {
    const table = new NameTable(size)
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

  /**
   * Returns the names of conferences and persons if all are cached, otherwise undefined.
   *
   * @param confNos as in `load`
   * @throws ProtocolError `over-bound` if the names are too long in all
   */
  cached(confNos: Iterable<number>): NameTable | undefined {
    const table = new NameTable(new CollectedSize(this.#connection))
    for (const confNo of confNos) {
      if (confNo === 0) continue
      const known = this.#names?.get(confNo)
      if (typeof known !== 'string') return undefined
      table.set(confNo, known)
    }
    return table
  }

  /** Returns whether a conference or person has a name in the cache. */
  isCached(confNo: number, name: string): boolean {
    return this.#names?.get(confNo) === name
  }

  /** Looks up the name of one conference. At most one round trip. */
  async conference(confNo: number): Promise<ConferenceName> {
    return (await this.load([confNo])).conference(confNo)
  }

  /** Looks up the name of one person. Number 0 is the anonymous person. At most one round trip. */
  async person(persNo: number): Promise<PersonName> {
    return (await this.load([persNo])).person(persNo)
  }

  /**
   * Returns the most important fields of a conference or person, and caches its name. One round trip.
   *
   * @throws KomError `undefined-conference` or `conference-zero`
   */
  stat(conference: number): Promise<UConference> {
    const stat = this.#connection.call('get-uconf-stat', { conference })
    // The caller handles its error.
    if (this.#names?.has(conference) !== true) this.#cache(conference, nameOf(stat)).catch(() => undefined)
    return stat
  }

  /**
   * Finds persons and conferences by the server's name expansion (chapter Name Expansion). One round trip.
   *
   * @param name name or abbreviation
   * @param want whether to find persons, and whether to find conferences
   */
  lookup(name: string, want: { persons: boolean; conferences: boolean }): Promise<ConfZInfo[]> {
    return this.#connection.call('lookup-z-name', { name, wantPers: want.persons, wantConfs: want.conferences })
  }

  /**
   * Empties the cache. Called when the session ends, and when the logged-in person changes, because another person may
   * see other names.
   */
  clear(): void {
    this.#count(-this.#bytes)
    this.#names = undefined
  }

  /**
   * Finds the one person that a name matches. A person with exactly this name, ignoring case, takes precedence. One
   * round trip.
   *
   * @throws NameError if no person matches, or more than one
   */
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
    // Ignore names that are not cached: otherwise the server could fill the cache.
    if (this.#names?.has(confNo)) this.#store(confNo, newName)
  }

  /** Resolves with undefined for a conference or person that does not exist. */
  async #lookUp(confNo: number): Promise<string | undefined> {
    const pending = this.#names?.get(confNo)
    if (pending !== undefined) return pending
    return await this.#cache(confNo, nameOf(this.#connection.call('get-uconf-stat', { conference: confNo })))
  }

  /** Caches a name that is being looked up, and resolves with it. */
  async #cache(confNo: number, lookup: Promise<string | undefined>): Promise<string | undefined> {
    this.#names ??= new Map()
    this.#names.set(confNo, lookup)
    let name: string | undefined
    try {
      name = await lookup
      return name
    } finally {
      if (this.#names?.get(confNo) === lookup) {
        if (name === undefined) this.#names.delete(confNo)
        else this.#store(confNo, name)
      }
    }
  }

  /** Stores a name, and evicts the oldest names while a limit is exceeded. */
  #store(confNo: number, name: string): void {
    this.#remove(confNo)
    this.#names?.set(confNo, name)
    this.#count(sizeOf(name))
    if (this.#bytes <= MAX_BYTES && all.bytes <= MAX_ALL_BYTES) return
    this.#connection.boundHit('name-cache')
    for (const [oldest, value] of this.#names ?? []) {
      if (this.#bytes <= MAX_BYTES && all.bytes <= MAX_ALL_BYTES) return
      if (typeof value === 'string') this.#remove(oldest)
    }
  }

  #remove(confNo: number): void {
    const name = this.#names?.get(confNo)
    if (typeof name === 'string') this.#count(-sizeOf(name))
    this.#names?.delete(confNo)
  }

  #count(bytes: number): void {
    this.#bytes += bytes
    all.bytes += bytes
  }
}

/** Resolves with undefined for a conference or person that does not exist. */
async function nameOf(stat: Promise<UConference>): Promise<string | undefined> {
  try {
    return (await stat).name
  } catch (error) {
    if (error instanceof KomError && error.errorName === 'undefined-conference') return undefined
    throw error
  }
}

function sizeOf(name: string): number {
  return name.length + ENTRY_BYTES
}
