import { type ReadonlySignal, signal } from '@preact/signals'
import { type KomEvent, LyskomError, type Text, type Thread } from 'komgate/client'
import { completeThread, type Link, type Overview } from './tree.ts'

/** The most texts that are kept; the ones that have been kept for longest are dropped. */
const MAX_TEXTS = 3000
/** The most texts of a thread in one request. Where a thread is longer, the rest is requested when it is reached. */
const LIMIT = 200

/** Where threads come from. */
export interface ThreadSource {
  /** returns a text that the live model has, which is current */
  held(textNo: number): Overview | undefined
  tree(textNo: number, limit: number): Promise<Thread>
  text(textNo: number): Promise<Text>
  /** whether threads are displayed */
  isShown(): boolean
}

/** The threads that the person reads. Each is requested once, and events keep it current. */
export class Threads {
  /** why the last thread could not be loaded */
  readonly error: ReadonlySignal<unknown>
  readonly #error = signal<unknown>(undefined)
  readonly #source: ThreadSource
  readonly #texts = signal<ReadonlyMap<number, Overview>>(new Map())
  /** the requests that have not been answered, by text number */
  readonly #loading = new Map<number, Promise<void>>()
  /** links that have come while requests were waiting: their responses may be older */
  #recent: { to: number; link: Link }[] = []

  constructor(source: ThreadSource) {
    this.#source = source
    this.error = this.#error
  }

  /** Returns a text without its body if it is known. */
  readonly textOf = (textNo: number): Overview | undefined => this.#source.held(textNo) ?? this.#texts.value.get(textNo)

  /**
   * Makes the thread around a text known. Returns undefined if no request is necessary, otherwise a promise that resolves
   * when the request has ended.
   */
  ensure(textNo: number): Promise<void> | undefined {
    const loading = this.#loading.get(textNo)
    if (loading !== undefined || this.#texts.peek().has(textNo)) return loading
    const complete = completeThread(textNo, this.textOf)
    if (complete !== undefined) {
      this.#keep([...complete].flatMap((no) => this.textOf(no) ?? []))
      return undefined
    }
    const request = this.#load(textNo).finally(() => this.#loading.delete(textNo))
    this.#loading.set(textNo, request)
    return request
  }

  /** Applies an event of the session. */
  onEvent(event: KomEvent): void {
    switch (event.type) {
      case 'new-text':
        for (const { kind, value } of event.text_stat.misc_info) {
          if (kind !== 'comm_to' && kind !== 'footn_to') continue
          const type = kind === 'comm_to' ? 'comment' : 'footnote'
          this.#link(Number(value), { type, text_no: event.text_no, author: event.author })
        }
        return
      case 'linked': {
        const { text_no, to, link_type } = event
        const author = this.textOf(text_no)?.author
        if (author !== undefined) this.#link(to, { type: link_type, text_no, author })
        else if (this.#isKnown(to)) {
          this.#source.text(text_no).then(
            (text) => this.#link(to, { type: link_type, text_no, author: text.author }),
            () => undefined,
          )
        }
        return
      }
      case 'unlinked':
        this.#unlink(event.text_no, event.to)
        return
      case 'deleted-text':
        this.#unlink(event.text_no, undefined)
        return
      case 'reset':
        // Events are missing.
        this.#texts.value = new Map()
    }
  }

  async #load(textNo: number): Promise<void> {
    try {
      const { texts } = await this.#source.tree(textNo, LIMIT)
      this.#keep(Object.values(texts))
      for (const { to, link } of this.#recent) this.#add(to, link)
      this.#error.value = undefined
    } catch (error) {
      // The view of the text says that there is no such text.
      this.#error.value = error instanceof LyskomError ? undefined : error
    }
    if (this.#loading.size <= 1) this.#recent = []
  }

  #isKnown(textNo: number): boolean {
    return this.#texts.peek().has(textNo)
  }

  #keep(texts: readonly Overview[]): void {
    const kept = new Map(this.#texts.peek())
    for (const { text_no, author, creation_time, subject, comment_to_list, comment_in_list } of texts) {
      kept.delete(text_no)
      kept.set(text_no, { text_no, author, creation_time, subject, comment_to_list, comment_in_list })
    }
    for (const no of kept.keys()) if (kept.size > MAX_TEXTS) kept.delete(no)
    this.#texts.value = kept
  }

  /** Adds a comment or footnote to a text that is known. */
  #link(to: number, link: Link): void {
    if (this.#loading.size > 0) this.#recent.push({ to, link })
    this.#add(to, link)
  }

  #add(to: number, link: Link): void {
    const parent = this.#texts.peek().get(to)
    if (parent === undefined) return
    if (!parent.comment_in_list.some(({ text_no }) => text_no === link.text_no)) {
      this.#keep([{ ...parent, comment_in_list: [...parent.comment_in_list, link] }])
    }
    if (!this.#source.isShown() || this.#isKnown(link.text_no)) return
    // The event has no subject.
    this.#source.text(link.text_no).then(
      (text) => this.#keep([text]),
      () => undefined,
    )
  }

  /** Removes a link, or all links to a text and the text. */
  #unlink(textNo: number, from: number | undefined): void {
    const kept = new Map(this.#texts.peek())
    if (from === undefined) kept.delete(textNo)
    for (const [no, text] of kept) {
      if (from !== undefined && no !== from && no !== textNo) continue
      const isOther = (link: { text_no: number }): boolean => link.text_no !== (no === from ? textNo : (from ?? textNo))
      const comment_in_list = text.comment_in_list.filter(isOther)
      const comment_to_list = text.comment_to_list.filter(isOther)
      if (comment_in_list.length < text.comment_in_list.length || comment_to_list.length < text.comment_to_list.length)
        kept.set(no, { ...text, comment_in_list, comment_to_list })
    }
    this.#texts.value = kept
  }
}
