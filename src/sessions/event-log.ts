import { randomBytes } from 'node:crypto'

/** Events that a log holds. */
const MAX_EVENTS = 1000
/** Size limit of the events of a log, in bytes. */
const MAX_BYTES = 1024 * 1024
/** Approximate size of an event besides its data, in bytes. */
const EVENT_BYTES = 100

const EPOCH_BYTES = 6
const POSITION = /^([0-9a-f]{12})-([0-9]{1,15})$/

/** An event. The logs of many sessions may hold the same one. */
export interface LoggedEvent {
  readonly type: string
  /** JSON of an object */
  readonly data: string
  /** size in the log */
  readonly bytes: number
}

/** A place in a log: after event `n` of an epoch. */
export interface Position {
  readonly epoch: string
  readonly n: number
}

/**
 * Why a log does not have every event after a position: it has dropped events (`expired`), it does not know the position
 * (`unknown`), or the gateway has lost events (`overflow`).
 */
export type ResetReason = 'expired' | 'unknown' | 'overflow'

/**
 * What follows a position: every later event, which are those after the position `from`, or a gap and the position after
 * which the log has every event.
 */
export type Later =
  | { readonly events: readonly LoggedEvent[]; readonly reset?: never; readonly from: Position }
  | { readonly events?: never; readonly reset: ResetReason; readonly from: Position }

/** Creates an event. @param data JSON of an object */
export function loggedEvent(type: string, data: string): LoggedEvent {
  return { type, data, bytes: Buffer.byteLength(data) + EVENT_BYTES }
}

/** Parses a position; undefined for any other text. */
export function parsePosition(text: string): Position | undefined {
  const [, epoch, n] = POSITION.exec(text) ?? []
  return epoch === undefined ? undefined : { epoch, n: Number(n) }
}

/** Formats a position: `5f0c9a41d7e2-42`. */
export function formatPosition({ epoch, n }: Position): string {
  return `${epoch}-${n}`
}

/**
 * The latest events of a session, at most 1,000 and 1 MB. Readers keep a position in the log and are notified of further
 * events. A new epoch begins where the log loses its continuity.
 */
export class EventLog {
  #epoch = newEpoch()
  #events: LoggedEvent[] = []
  #bytes = 0
  /** Number of events of this epoch, including dropped ones. */
  #last = 0
  /** The end of the epoch before this one, and whether events were lost there. */
  #former: (Position & { isOverflow: boolean }) | undefined
  #isClosed = false
  readonly #readers = new Set<() => void>()

  /** The position after the last event. */
  get position(): Position {
    return { epoch: this.#epoch, n: this.#last }
  }

  /** The position for a reader without one: after the last event, but before the event that closes the log. */
  get start(): Position {
    return { epoch: this.#epoch, n: this.#isClosed ? this.#last - 1 : this.#last }
  }

  /** Whether no event will follow. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Adds an event and drops the oldest ones while a limit is exceeded. @param data JSON of an object */
  append(type: string, data: string): void {
    this.add(loggedEvent(type, data))
  }

  /** Adds an event, as `append` does. */
  add(event: LoggedEvent): void {
    if (this.#isClosed) return
    if (event.bytes > MAX_BYTES) {
      this.overflow()
      return
    }
    this.#add(event)
    this.#notify()
  }

  /** Drops all events and begins a new epoch with an event, which readers of the former epoch receive next. */
  restart(type: string, data: string): void {
    if (this.#isClosed) return
    this.#beginEpoch(false)
    this.append(type, data)
  }

  /** Begins a new epoch because the gateway has lost events. */
  overflow(): void {
    if (this.#isClosed) return
    this.#beginEpoch(true)
    this.#notify()
  }

  /** Adds the last event. */
  close(type: string, data: string): void {
    if (this.#isClosed) return
    this.#add(loggedEvent(type, data))
    this.#isClosed = true
    this.#notify()
  }

  /** Returns what follows a position. @param position undefined for one that could not be parsed */
  after(position: Position | undefined): Later {
    const dropped = this.#last - this.#events.length
    if (position?.epoch === this.#epoch) {
      if (position.n > this.#last) return this.#gap('unknown')
      if (position.n < dropped) return this.#gap('expired')
      return { events: this.#events.slice(position.n - dropped), from: position }
    }
    const former = this.#former
    if (former === undefined || position?.epoch !== former.epoch || position.n > former.n) return this.#gap('unknown')
    if (former.isOverflow) {
      return dropped === 0 ? { reset: 'overflow', from: { epoch: this.#epoch, n: 0 } } : this.#gap('overflow')
    }
    // The first event of this epoch announces that there is nothing more of the former one.
    return dropped === 0 ? { events: this.#events.slice(), from: { epoch: this.#epoch, n: 0 } } : this.#gap('expired')
  }

  /** Returns whether the log has dropped events of this epoch that follow a position. */
  hasDropped({ epoch, n }: Position): boolean {
    return epoch === this.#epoch && n < this.#last - this.#events.length
  }

  /** Calls `onChange` after each change until the returned function is called. */
  follow(onChange: () => void): () => void {
    const reader = (): void => onChange()
    this.#readers.add(reader)
    return () => this.#readers.delete(reader)
  }

  #gap(reset: ResetReason): Later {
    return { reset, from: this.start }
  }

  #add(event: LoggedEvent): void {
    this.#last++
    this.#events.push(event)
    this.#bytes += event.bytes
    while (this.#events.length > MAX_EVENTS || this.#bytes > MAX_BYTES) this.#bytes -= this.#events.shift()?.bytes ?? 0
  }

  #beginEpoch(isOverflow: boolean): void {
    this.#former = { ...this.position, isOverflow }
    this.#epoch = newEpoch()
    this.#events = []
    this.#bytes = 0
    this.#last = 0
  }

  #notify(): void {
    for (const reader of this.#readers) reader()
  }
}

function newEpoch(): string {
  return randomBytes(EPOCH_BYTES).toString('hex')
}
