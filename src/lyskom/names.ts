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

/** Names kept per session; the one kept longest makes room. */
const MAX_NAMES = 2000

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
 * The names of conferences and persons as one session sees them, cached until async-new-name changes them.
 * Concurrent requests for one name share one lookup.
 */
export class Names {
  readonly #connection: Connection
  /**
   * A promise while the lookup runs. A new name may arrive in the packet of the lookup's reply, before the code that
   * awaits the reply runs. It replaces the promise, so the old name is not cached.
   */
  #names: Map<number, string | Promise<string | undefined>> | undefined

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

  /** Somebody else is logged in, who may not see what the one before saw. */
  clear(): void {
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
    if (message.name === 'async-new-name') this.#remember(message.params.confNo, message.params.newName)
  }

  /** Resolves with undefined for a conference or person that does not exist. */
  #lookUp(confNo: number): Promise<string | undefined> {
    const underWay = this.#names?.get(confNo)
    if (underWay !== undefined) return Promise.resolve(underWay)
    const lookup = this.#ask(confNo)
    this.#remember(confNo, lookup)
    lookup.then(
      (name) => this.#replace(confNo, lookup, name),
      () => this.#replace(confNo, lookup, undefined),
    )
    return lookup
  }

  async #ask(confNo: number): Promise<string | undefined> {
    try {
      return (await this.#connection.call('get-uconf-stat', { conference: confNo })).name
    } catch (error) {
      if (error instanceof KomError && error.errorName === 'undefined-conference') return undefined
      throw error
    }
  }

  /** Ends a lookup: its name is cached unless a newer one has come meanwhile. */
  #replace(confNo: number, lookup: Promise<string | undefined>, name: string | undefined): void {
    if (this.#names?.get(confNo) !== lookup) return
    if (name === undefined) this.#names.delete(confNo)
    else this.#names.set(confNo, name)
  }

  #remember(confNo: number, name: string | Promise<string | undefined>): void {
    this.#names ??= new Map()
    this.#names.delete(confNo)
    this.#names.set(confNo, name)
    if (this.#names.size <= MAX_NAMES) return
    const [oldest] = this.#names.keys()
    if (oldest !== undefined) this.#names.delete(oldest)
  }
}
