import { path, withQuery } from '../path.ts'
import type { RequestOptions, Send } from '../request.ts'
import type { Conference, ConferenceName, ListedTexts, MicroConference, TextPage } from '../types.ts'

/** Options of `Conferences.find`. */
export interface FindOptions extends RequestOptions {
  /** whether persons are found, by their letterboxes. Default: true */
  want_pers?: boolean
  /** whether other conferences are found. Default: true */
  want_confs?: boolean
}

/** Options of a list of texts. */
export interface ListOptions extends RequestOptions {
  /** the most texts. Default: 10 */
  no_of_texts?: number
}

/** Options of a page of texts. */
export interface PageOptions extends ListOptions {
  /** the `next_before` of the page before */
  before?: number
}

/** The options with which a list of texts is a page. */
type Paging = { subjects: true; before?: number } | { subjects?: boolean; before: number }

/** Conferences, and the letterboxes of persons. */
export class Conferences {
  readonly #send: Send

  constructor(send: Send) {
    this.#send = send
  }

  /** Finds conferences by a name that the LysKOM server expands. */
  find(
    name: string,
    { want_pers, want_confs, ...options }: FindOptions = {},
  ): Promise<{ conferences: ConferenceName[] }> {
    const query = { name, 'want-pers': want_pers, 'want-confs': want_confs }
    return this.#send({ method: 'GET', path: withQuery(path`/conferences/`, query) }, options)
  }

  /** Returns the short form of a conference, or with `micro` false the complete one. */
  get(confNo: number, options?: RequestOptions & { micro?: true }): Promise<MicroConference>
  get(confNo: number, options: RequestOptions & { micro: false }): Promise<Conference>
  get(
    confNo: number,
    { micro, ...options }: RequestOptions & { micro?: boolean } = {},
  ): Promise<MicroConference | Conference> {
    return this.#send({ method: 'GET', path: withQuery(path`/conferences/${confNo}`, { micro }) }, options)
  }

  /** Creates a conference. */
  create(name: string, options?: RequestOptions): Promise<ConferenceName> {
    return this.#send({ method: 'POST', path: path`/conferences/`, body: { name } }, options)
  }

  /** Lists the newest texts of a conference. With `subjects` true they have subjects; with that or `before` it is a page. */
  texts(confNo: number, options: ListOptions & Paging): Promise<TextPage>
  texts(confNo: number, options?: ListOptions): Promise<ListedTexts>
  texts(
    confNo: number,
    { subjects, before, no_of_texts, ...options }: PageOptions & { subjects?: boolean } = {},
  ): Promise<ListedTexts | TextPage> {
    const query = { subjects, before, 'no-of-texts': no_of_texts }
    return this.#send({ method: 'GET', path: withQuery(path`/conferences/${confNo}/texts/`, query) }, options)
  }

  /** Marks a text as read in one conference. @param localNo its number in the conference */
  markRead(confNo: number, localNo: number, options?: RequestOptions): Promise<void> {
    return this.#send({ method: 'PUT', path: path`/conferences/${confNo}/texts/${localNo}/read-marking` }, options)
  }
}
