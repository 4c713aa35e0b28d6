import { path, withQuery } from '../path.ts'
import type { RequestOptions, Send } from '../request.ts'
import type { JsonValue, Membership, Person, TextPage, Unread } from '../types.ts'
import type { PageOptions } from './conferences.ts'

/** Persons, without their memberships. */
export class Persons {
  readonly #send: Send

  constructor(send: Send) {
    this.#send = send
  }

  /** Creates a person, without logging in. */
  create(person: { name: string; passwd: string }, options?: RequestOptions): Promise<Person> {
    return this.#send({ method: 'POST', path: path`/persons/`, body: person }, options)
  }

  /** Lists what a person has written, newest first. */
  texts(persNo: number, { before, no_of_texts, ...options }: PageOptions = {}): Promise<TextPage> {
    const query = { before, 'no-of-texts': no_of_texts }
    return this.#send({ method: 'GET', path: withQuery(path`/persons/${persNo}/texts/`, query) }, options)
  }

  /** Sets the presentation of a person or a conference. @param textNo 0 for none */
  setPresentation(no: number, textNo: number, options?: RequestOptions): Promise<void> {
    const body = { text_no: textNo }
    return this.#send({ method: 'POST', path: path`/persons/${no}/set-presentation`, body }, options)
  }

  /** Changes a password. `old_pwd` is the password of the logged-in person. */
  setPassword(
    persNo: number,
    passwords: { old_pwd: string; new_pwd: string },
    options?: RequestOptions,
  ): Promise<void> {
    return this.#send({ method: 'POST', path: path`/persons/${persNo}/set-passwd`, body: passwords }, options)
  }

  /** Returns a block of the person's user area. */
  userArea(persNo: number, block: string, options?: RequestOptions): Promise<JsonValue> {
    return this.#send({ method: 'GET', path: path`/persons/${persNo}/user-area/${block}` }, options)
  }
}

/** Options of `Memberships.list`. */
export interface MembershipOptions extends RequestOptions {
  /** whether only conferences that may have unread texts are listed. Default: false */
  unread?: boolean
  /** whether passive memberships are listed. Default: false */
  passive?: boolean
  /** position of the first membership. Default: 0 */
  first?: number
  /** the most memberships. Default: 100 */
  no_of_memberships?: number
}

/** Memberships and unread texts of persons. */
export class Memberships {
  readonly #send: Send

  constructor(send: Send) {
    this.#send = send
  }

  /** Lists a page of memberships, in the person's own order. */
  list(
    persNo: number,
    { unread, passive, first, no_of_memberships, ...options }: MembershipOptions = {},
  ): Promise<{ has_more: boolean; memberships: Membership[] }> {
    const query = { unread, passive, first, 'no-of-memberships': no_of_memberships }
    return this.#send({ method: 'GET', path: withQuery(path`/persons/${persNo}/memberships/`, query) }, options)
  }

  /** Returns a membership. */
  get(persNo: number, confNo: number, options?: RequestOptions): Promise<Membership> {
    return this.#send({ method: 'GET', path: path`/persons/${persNo}/memberships/${confNo}` }, options)
  }

  /** Adds or changes a membership. `priority` is 0 to 255, by default 100, `where` the position, by default 0. */
  set(
    persNo: number,
    confNo: number,
    place: { priority?: number; where?: number } = {},
    options?: RequestOptions,
  ): Promise<void> {
    return this.#send({ method: 'PUT', path: path`/persons/${persNo}/memberships/${confNo}`, body: place }, options)
  }

  /** Removes a membership. */
  remove(persNo: number, confNo: number, options?: RequestOptions): Promise<void> {
    return this.#send({ method: 'DELETE', path: path`/persons/${persNo}/memberships/${confNo}` }, options)
  }

  /** Lists the unread texts of every conference that has some, in the person's own order. */
  allUnread(persNo: number, options?: RequestOptions): Promise<{ list: Unread[] }> {
    return this.#send({ method: 'GET', path: path`/persons/${persNo}/memberships/unread/` }, options)
  }

  /** Lists the unread texts of one conference. */
  unread(persNo: number, confNo: number, options?: RequestOptions): Promise<Unread> {
    return this.#send({ method: 'GET', path: path`/persons/${persNo}/memberships/${confNo}/unread` }, options)
  }

  /** Marks the newest texts of a conference as unread for the logged-in person, and all older ones as read. */
  setUnread(confNo: number, count: number, options?: RequestOptions): Promise<void> {
    const body = { no_of_unread: count }
    return this.#send({ method: 'POST', path: path`/persons/current/memberships/${confNo}/unread`, body }, options)
  }
}
