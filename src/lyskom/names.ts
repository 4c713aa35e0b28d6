import type { Connection } from '../connection/connection.ts'
import { KomError } from '../protocol/errors.ts'
import type { AsyncMessage } from '../protocol/messages.ts'
import type { ConfZInfo } from '../protocol/types.ts'

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

/**
 * The names of conferences and persons as one session sees them, kept until async-new-name says otherwise.
 * A name that is asked for twice at once is looked up once.
 */
export class Names {
  readonly #connection: Connection
  /**
   * Promises rather than names: a new name may come in the same packet as the reply to a lookup, before whoever
   * waits for that reply runs. It replaces the promise, so the old name is never kept.
   */
  #names: Map<number, Promise<string>> | undefined

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** A conference that does not exist, or is secret, has a name that says so. */
  async conference(confNo: number): Promise<ConferenceName> {
    return { confNo, name: (await this.#existing(confNo)) ?? `Conference ${confNo} (does not exist)` }
  }

  async person(persNo: number): Promise<PersonName> {
    if (persNo === 0) return { persNo, name: 'Anonymous person' }
    return { persNo, name: (await this.#existing(persNo)) ?? `Person ${persNo} (does not exist)` }
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

  /** Takes what the server says of names. */
  heed(message: AsyncMessage): void {
    if (message.name === 'async-new-name')
      this.#remember(message.params.confNo, Promise.resolve(message.params.newName))
  }

  async #existing(confNo: number): Promise<string | undefined> {
    const known = this.#names?.get(confNo)
    const name = known ?? this.#connection.call('get-uconf-stat', { conference: confNo }).then((stat) => stat.name)
    if (known === undefined) this.#remember(confNo, name)
    try {
      return await name
    } catch (error) {
      if (this.#names?.get(confNo) === name) this.#names.delete(confNo)
      if (error instanceof KomError && error.errorName === 'undefined-conference') return undefined
      throw error
    }
  }

  #remember(confNo: number, name: Promise<string>): void {
    this.#names ??= new Map()
    this.#names.delete(confNo)
    this.#names.set(confNo, name)
    if (this.#names.size <= MAX_NAMES) return
    const [oldest] = this.#names.keys()
    if (oldest !== undefined) this.#names.delete(oldest)
  }
}
