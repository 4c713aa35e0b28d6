import { EventParser } from '../../../client/event-parser.ts'

/** A call, reply or message of a traced session. */
export interface TraceEvent {
  direction: 'in' | 'out'
  kind: string
  name: string
  ref_no?: number
  error?: string
  /** of the whole message */
  bytes?: number
  /** from the call to this reply */
  ms?: number
}

/** A line of a trace: an event, or the number of events that the gateway left out. */
export interface TraceLine {
  /** counts all lines */
  no: number
  /** when it arrived, milliseconds since 1970 */
  time: number
  event?: TraceEvent
  missed?: number
}

/** The newest lines that are kept. */
export const MAX_LINES = 1000

/** Parses a trace and keeps its newest lines. */
export class TraceLog {
  readonly #parser = new EventParser()
  #lines: TraceLine[] = []
  #count = 0
  #ended: string | undefined

  /** The lines, oldest first. */
  get lines(): readonly TraceLine[] {
    return this.#lines
  }

  /** Why the gateway ended the trace; undefined while it runs. */
  get ended(): string | undefined {
    return this.#ended
  }

  /** Takes a piece of the stream. @param time milliseconds since 1970 */
  feed(piece: string, time: number): void {
    const added: TraceLine[] = []
    for (const { data } of this.#parser.feed(piece)) {
      if (data === undefined) continue
      const fields: TraceEvent & { events?: number; reason?: string } = JSON.parse(data)
      if (fields.reason !== undefined) this.#ended = fields.reason
      else if (fields.events !== undefined) added.push({ no: ++this.#count, time, missed: fields.events })
      else added.push({ no: ++this.#count, time, event: fields })
    }
    if (added.length > 0) this.#lines = [...this.#lines, ...added].slice(-MAX_LINES)
  }

  /** Removes all lines. */
  clear(): void {
    this.#lines = []
  }
}

/** Returns the lines whose name, kind or error contains a text, newest first. */
export function matching(lines: readonly TraceLine[], filter: string): TraceLine[] {
  const text = filter.trim().toLowerCase()
  const found = lines.filter(({ event }) => {
    if (text === '') return true
    return event !== undefined && `${event.name} ${event.kind} ${event.error ?? ''}`.toLowerCase().includes(text)
  })
  return found.reverse()
}
