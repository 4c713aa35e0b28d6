import { path, withQuery } from '../path.ts'
import type { RequestOptions, Send } from '../request.ts'
import type { Mark, NewText, TaggedTextStat, Text, TextCreated, TextStat, Thread } from '../types.ts'

/** Options of `Texts.tree`. */
export interface TreeOptions extends RequestOptions {
  /** whether the tree begins at the top of the thread instead of at the text. Default: true */
  up?: boolean
  /** the most texts, 1 to 1,000. Default: 200 */
  limit?: number
}

/** Texts, their bodies, marks and read markings. */
export class Texts {
  readonly #send: Send

  constructor(send: Send) {
    this.#send = send
  }

  /** Returns a text. `body` is there for types of text alone. */
  get(textNo: number, options?: RequestOptions): Promise<Text> {
    return this.#send({ method: 'GET', path: path`/texts/${textNo}` }, options)
  }

  /** Returns the body of a text, an image for example, with its content type. It is never part of a batch. */
  body(textNo: number, options?: RequestOptions): Promise<Blob> {
    return this.#send({ method: 'GET', path: path`/texts/${textNo}/body`, as: 'blob', isAlone: true }, options)
  }

  /** Returns the thread around a text. */
  tree(textNo: number, { up, limit, ...options }: TreeOptions = {}): Promise<Thread> {
    return this.#send({ method: 'GET', path: withQuery(path`/texts/${textNo}/tree`, { up, limit }) }, options)
  }

  /** Writes a text. */
  create(text: NewText, options?: RequestOptions): Promise<TextCreated> {
    return this.#send({ method: 'POST', path: path`/texts/`, body: text }, options)
  }

  /** Lists the marks of the person. */
  marks(options?: RequestOptions): Promise<{ marks: Mark[] }> {
    return this.#send({ method: 'GET', path: path`/texts/marks/` }, options)
  }

  /** Marks a text, or changes its mark. @param type 0 to 255 */
  mark(textNo: number, type: number, options?: RequestOptions): Promise<void> {
    return this.#send({ method: 'PUT', path: path`/texts/${textNo}/mark`, body: { type } }, options)
  }

  /** Removes a mark. */
  unmark(textNo: number, options?: RequestOptions): Promise<void> {
    return this.#send({ method: 'DELETE', path: path`/texts/${textNo}/mark` }, options)
  }

  /** Marks a text as read in each of its recipients where the person is a member. */
  markRead(textNo: number, options?: RequestOptions): Promise<void> {
    return this.#send({ method: 'PUT', path: path`/texts/${textNo}/read-marking` }, options)
  }

  /** Marks a text as unread in the same way. */
  markUnread(textNo: number, options?: RequestOptions): Promise<void> {
    return this.#send({ method: 'DELETE', path: path`/texts/${textNo}/read-marking` }, options)
  }
}

/** Texts without subject and body. */
export class TextStats {
  readonly #send: Send

  constructor(send: Send) {
    this.#send = send
  }

  /** Returns the status of a text. */
  get(textNo: number, options?: RequestOptions): Promise<TextStat> {
    return this.#send({ method: 'GET', path: path`/textstats/${textNo}` }, options)
  }

  /** Returns those of at most 100 texts by number; null for texts that the person may not read. */
  getMany(
    textNos: readonly number[],
    options?: RequestOptions,
  ): Promise<{ text_stats: Record<string, TextStat | null> }> {
    return this.#send({ method: 'POST', path: path`/textstats`, body: { text_nos: textNos } }, options)
  }

  /** Returns those that have changed. @param etags the tags that the client has, by text number; null for none */
  changed(
    etags: Readonly<Record<number, string | null>>,
    options?: RequestOptions,
  ): Promise<{ text_stats: Record<string, TaggedTextStat | null>; unchanged: number[] }> {
    return this.#send({ method: 'POST', path: path`/textstats`, body: { text_stats: etags } }, options)
  }
}
