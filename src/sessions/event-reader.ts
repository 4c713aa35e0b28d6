import { type EventLog, formatPosition, type Position, parsePosition } from './event-log.ts'

/** Types that no filter excludes: without them a reader would not notice that its state is out of date. */
const ALWAYS_READ: ReadonlySet<string> = new Set(['reset', 'person', 'closed'])
/** Size of the data that one `read` returns, in characters. */
const MAX_READ = 65_536

/** An event as a reader receives it. */
export interface ReadEvent {
  /** the position after the event */
  readonly id: string
  readonly type: string
  /** JSON of an object */
  readonly data: string
}

/** What an `EventReader` reads. */
export interface EventSelection {
  /** the position to go on from; undefined to begin with the next event */
  since?: string | undefined
  /** the types to read; undefined for all */
  types?: ReadonlySet<string> | undefined
}

/**
 * Reads the events of a log in order, each exactly once. Where the log does not have all events, the reader receives the
 * event `reset` with the reason and the position from which it goes on. A reader has a position but no buffer.
 */
export class EventReader {
  readonly #log: EventLog
  readonly #types: ReadonlySet<string> | undefined
  readonly #since: string | undefined
  #at: Position | undefined

  constructor(log: EventLog, { since, types }: EventSelection = {}) {
    this.#log = log
    this.#types = types
    this.#since = since
    this.#at = since === undefined ? log.start : parsePosition(since)
  }

  /** The position that the reader has reached, to resume from: at first that of its selection. */
  get position(): string {
    return this.#at === undefined ? (this.#since as string) : formatPosition(this.#at)
  }

  /** Whether the reader has left so many events unread that the log has dropped some of them. */
  get isLate(): boolean {
    return this.#at !== undefined && this.#log.hasDropped(this.#at)
  }

  /** Whether the reader has read the last event of a closed log. */
  get isDone(): boolean {
    return this.#log.isClosed && this.#log.after(this.#at).events?.length === 0
  }

  /** Returns the next events, about 64 kB at most; none if there are none now. */
  read(): ReadEvent[] {
    const { events = [], reset: reason, from } = this.#log.after(this.#at)
    this.#at = from
    if (reason !== undefined) {
      const position = formatPosition(from)
      return [{ id: position, type: 'reset', data: JSON.stringify({ type: 'reset', reason, position }) }]
    }
    const { epoch } = from
    let { n } = from
    const read: ReadEvent[] = []
    let size = 0
    for (const { type, data } of events) {
      if (size > MAX_READ) break
      n++
      if (this.#types !== undefined && !this.#types.has(type) && !ALWAYS_READ.has(type)) continue
      read.push({ id: formatPosition({ epoch, n }), type, data })
      size += data.length
    }
    this.#at = { epoch, n }
    return read
  }
}
