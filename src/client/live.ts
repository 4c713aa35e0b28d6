import { onAbort } from './abort.ts'
import { NotLoggedInError, SessionLostError } from './errors.ts'
import { streamEvents } from './event-stream.ts'
import type { KomEvent } from './event-types.ts'
import type { Kom } from './kom.ts'
import { changedTexts, distance, kept, type LiveState, LOGGED_OUT, renamed, withEvent } from './live-state.ts'
import type { Transport } from './transport.ts'
import type { Started, TaggedTextStat, Text } from './types.ts'

/** The most texts in a request for their statuses. */
const MAX_STATS = 100
/** The parts of a start that others may change. */
const CHANGING = ['memberships', 'unread', 'marks'] as const

/** Options of `Kom.live`. */
export interface LiveOptions {
  /** the number of unread texts that the state begins with, 0 to 100. Default: 20 */
  texts?: number | undefined
  /** the most texts of the state; the least recently used ones are dropped. Default: 500 */
  maxTexts?: number
  /** interval of `revalidate` in milliseconds; 0 for never. Default: 5 minutes */
  revalidateMs?: number
  /** called with each event when the state has it */
  onEvent?: (event: KomEvent) => void
  /** closes the model */
  signal?: AbortSignal
}

/** The parts of a start that have been requested; those of a session that is not logged in have no position. */
type FoundStart = Partial<Omit<Started<(typeof CHANGING)[number]>, 'person'>> & Pick<LiveState, 'person'>

/** What has been requested after an event. */
interface Found {
  start?: FoundStart | undefined
  /** the statuses that have changed, by text number; null for a text that the person may not read any more */
  statuses: { text_stats: Record<string, TaggedTextStat | null> }[]
}

/**
 * The memberships, unread texts and marks of the person and the texts that the program has read, which events keep
 * current. Events are applied in order and one at a time. Responses may already have later events, so each event has the
 * same result when it is applied again.
 */
export class Live {
  readonly #kom: Kom
  readonly #transport: Transport
  readonly #options: LiveOptions
  readonly #closing = new AbortController()
  /** Ends the stream that is open. */
  #stream = new AbortController()
  /** Whether the last stream has been opened and has not broken. */
  #isOpen = true
  /** Resolves at the end of a pause; undefined without one. */
  #resumed: Promise<void> | undefined
  #endPause = (): void => undefined
  #state: LiveState
  #position: string
  /** Settles when the change that is being made is complete. */
  #last: Promise<unknown> = Promise.resolve()
  readonly #listeners = new Set<(state: LiveState) => void>()
  /** The texts of the state, the least recently used first. */
  #texts: Map<number, Text>
  /** Entity tags of the statuses of texts. A text that has another name is another object, without a tag. */
  readonly #tags = new WeakMap<Text, string>()
  /** The texts that have been requested. */
  readonly #pending = new Map<number, Promise<Text>>()
  /** Those whose response may be older than an event that the state has. */
  readonly #stale = new Set<number>()

  constructor(kom: Kom, transport: Transport, options: LiveOptions, { position, ...start }: Started) {
    this.#kom = kom
    this.#transport = transport
    this.#options = options
    this.#state = { status: 'live', error: undefined, ...start }
    this.#position = position
    this.#texts = byNumber(start.texts)
    void this.#follow()
  }

  /** The latest state. */
  get state(): LiveState {
    return this.#state
  }

  /** The position up to which the state has the events. */
  get position(): string {
    return this.#position
  }

  /**
   * Calls a listener with the state now and after each change, until the returned function is called. It may be passed on
   * without its object: `useSyncExternalStore(live.subscribe, () => live.state)`.
   */
  readonly subscribe = (listener: (state: LiveState) => void): (() => void) => {
    // Each subscription has its own end.
    const subscription = (state: LiveState): void => listener(state)
    this.#listeners.add(subscription)
    subscription(this.#state)
    return () => void this.#listeners.delete(subscription)
  }

  /** Returns a text, which is part of the state from then on. */
  text(textNo: number): Promise<Text> {
    const held = this.#texts.get(textNo)
    if (held !== undefined) {
      this.#hold(held)
      return Promise.resolve(held)
    }
    const text = this.#pending.get(textNo) ?? this.#read(textNo).finally(() => this.#pending.delete(textNo))
    this.#pending.set(textNo, text)
    return text
  }

  /**
   * Requests again what neither Protocol A nor the gateway reports: changes to passive memberships, marks and links of
   * texts that other programs make without the gateway.
   */
  revalidate(): Promise<void> {
    return this.#exclusive(async () => {
      const found = await this.#find(true, this.#texts.keys())
      this.#set(this.#with(this.#state, found))
    })
  }

  /**
   * Ends the stream of events until `resume`, which applies the missing ones: for a page that is hidden, because a browser
   * has few connections to a gateway, and a session few streams.
   */
  pause(): void {
    if (this.#resumed !== undefined || this.#closing.signal.aborted) return
    this.#resumed = new Promise((resolve) => {
      this.#endPause = resolve
    })
    this.#stream.abort()
    this.#set({ ...this.#state, status: 'paused' })
  }

  /** Opens the stream again after `pause`. */
  resume(): void {
    this.#endPause()
    this.#resumed = undefined
  }

  /** Ends the stream of events. The state stays as it is. */
  close(): void {
    this.#listeners.clear()
    this.#closing.abort()
  }

  async #follow(): Promise<void> {
    const closing = this.#closing
    const { revalidateMs = 300_000, signal } = this.#options
    const stop = onAbort([signal, this.#transport.options.signal], (reason) => closing.abort(reason))
    const timer =
      revalidateMs > 0
        ? setInterval(() => this.#state.status === 'live' && this.#tryRevalidate(), revalidateMs)
        : undefined
    closing.signal.addEventListener('abort', () => this.resume())
    try {
      do {
        await this.#resumed
        await this.#followStream()
      } while (this.#stream.signal.aborted && !closing.signal.aborted)
      // The last event is `closed`, unless the model has been closed.
      throw new SessionLostError('the session has ended', { httpStatus: 0 })
    } catch (error) {
      this.#set({ ...this.#state, status: 'lost', error })
      closing.abort(error)
    } finally {
      stop()
      clearInterval(timer)
    }
  }

  /** Applies the events of one stream, until it ends. */
  async #followStream(): Promise<void> {
    const stream = new AbortController()
    this.#stream = stream
    const stop = onAbort([this.#closing.signal], (reason) => stream.abort(reason))
    const options = { since: this.#position, signal: stream.signal }
    const events = streamEvents(this.#transport, options, (isOpen) => {
      if (!stream.signal.aborted) this.#onOpen(isOpen)
    })
    try {
      let next = await events.next()
      while (!next.done) {
        const { value: event } = next
        // Without the gateway an event cannot be applied, so the stream brings it again.
        next = await this.#exclusive(() => this.#apply(event)).then(
          () => events.next(),
          (error: unknown) => events.throw(error),
        )
      }
    } finally {
      stop()
    }
  }

  #onOpen(isOpen: boolean): void {
    const isAgain = isOpen && !this.#isOpen
    this.#isOpen = isOpen
    this.#set({ ...this.#state, status: isOpen ? 'live' : 'reconnecting' })
    if (isAgain) this.#tryRevalidate()
  }

  #tryRevalidate(): void {
    // If the session is lost, the stream ends as well.
    this.revalidate().catch(() => undefined)
  }

  /** Applies an event. Resolves when the state is as after the event, or later. */
  async #apply(event: KomEvent): Promise<void> {
    const isPerson = event.type === 'person'
    const isReset = isPerson || event.type === 'reset'
    const changed = changedTexts(event)
    for (const no of this.#pending.keys()) {
      if (isReset || event.type === 'new-name' || changed.includes(no)) this.#stale.add(no)
    }
    const ahead = distance(this.#position, event.id)
    // An event of the person before.
    if (Number.isNaN(ahead) && !isReset) return
    const isNew = isReset || ahead > 0
    const isIncomplete = isReset || (isNew && withEvent(this.#state, event) === undefined)
    const textNos = event.type === 'reset' ? this.#texts.keys() : changed
    const found = await this.#find(isIncomplete, textNos, isPerson)
    let next = this.#state
    if (isNew) {
      this.#position = event.id
      next = withEvent(next, event) ?? next
    }
    if (isPerson) {
      this.#texts.clear()
      next = { ...next, ...LOGGED_OUT }
    }
    if (event.type === 'new-name') {
      next = renamed(next, event.conf_no, event.new_name)
      for (const no of this.#texts.keys()) this.#texts.set(no, next.texts[no] as Text)
    }
    this.#set(this.#with(next, found))
    notify(this.#options.onEvent, event)
  }

  /**
   * Requests what has changed.
   *
   * @param isStartWanted whether memberships, unread texts and marks are requested
   * @param textNos the texts whose statuses are requested, if they are part of the state
   * @param isFirst whether the first unread texts are requested
   */
  async #find(isStartWanted: boolean, textNos: Iterable<number>, isFirst = false): Promise<Found> {
    const tags = [...textNos].flatMap((no) => {
      const text = this.#texts.get(no)
      return text === undefined ? [] : [[no, this.#tags.get(text) ?? null] as const]
    })
    const { signal } = this.#closing
    const statuses: Promise<Found['statuses'][0]>[] = []
    while (tags.length > 0) {
      statuses.push(this.#kom.textStats.changed(Object.fromEntries(tags.splice(0, MAX_STATS)), { signal }))
    }
    const request = { include: CHANGING, texts: isFirst ? this.#options.texts : 0 }
    try {
      const [start, ...found] = await Promise.all([
        isStartWanted ? this.#kom.start(request, { signal }) : undefined,
        ...statuses,
      ])
      return { start, statuses: found }
    } catch (error) {
      if (!(error instanceof NotLoggedInError)) throw error
      // After a reset there may be no event `person`.
      return { start: LOGGED_OUT, statuses: [] }
    }
  }

  /** Returns a state with what has been found. */
  #with(state: LiveState, { start, statuses }: Found): LiveState {
    const { position = this.#position, texts = {}, ...parts }: FoundStart = start ?? { person: state.person }
    this.#position = position
    if (parts.person?.pers_no !== state.person?.pers_no) this.#texts = byNumber(texts)
    for (const [key, stat] of statuses.flatMap((each) => Object.entries(each.text_stats))) {
      const no = Number(key)
      const text = this.#texts.get(no)
      if (text === undefined) continue
      const { etag = '', ...fields } = stat ?? {}
      const next = { ...text, ...fields }
      this.#tags.set(next, etag)
      this.#texts.set(no, next)
      if (stat === null) this.#texts.delete(no)
    }
    return { ...state, ...parts, texts: Object.fromEntries(this.#texts) }
  }

  async #read(textNo: number): Promise<Text> {
    for (;;) {
      this.#stale.delete(textNo)
      const text = await this.#kom.texts.get(textNo)
      if (this.#stale.has(textNo)) continue
      this.#hold(text)
      return text
    }
  }

  /** Makes a text the most recently used one of the state. */
  #hold(text: Text): void {
    const { maxTexts = 500 } = this.#options
    const texts = this.#texts
    texts.delete(text.text_no)
    texts.set(text.text_no, text)
    for (const no of texts.keys()) if (texts.size > maxTexts) texts.delete(no)
    this.#set({ ...this.#state, texts: Object.fromEntries(texts) })
  }

  /** Makes one change after another. */
  #exclusive(change: () => Promise<void>): Promise<void> {
    const made = this.#last.then(change)
    this.#last = made.catch(() => undefined)
    return made
  }

  #set(state: LiveState): void {
    if (this.#closing.signal.aborted) return
    const former = this.#state as LiveState & Record<string, unknown>
    const parts = Object.entries(state).map(([key, part]) => [key, kept(former[key], part)])
    const next = kept<LiveState>(former, Object.fromEntries(parts))
    if (next === former) return
    this.#state = next
    for (const listener of this.#listeners) notify(listener, next)
  }
}

function byNumber(texts: Readonly<Record<string, Text>>): Map<number, Text> {
  return new Map(Object.values(texts).map((text) => [text.text_no, text]))
}

/** Calls a function of the program. An error in it is one of the program, not of the model. */
function notify<T>(listener: ((value: T) => void) | undefined, value: T): void {
  try {
    listener?.(value)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
