import { vi } from 'vitest'

/** A stream of events that a test writes. */
export interface FakeStream {
  headers: Headers
  /** the query of the request */
  query: string
  signal: AbortSignal
  /** Writes fields. */
  write(text: string): void
  /** Ends the stream as a gateway does. */
  end(): void
  /** Breaks the connection. */
  break(): void
}

type Opening = 'open' | 'lost' | (() => Response)

/** A `fetch` for requests of streams. */
export interface FakeStreams {
  fetch: typeof fetch
  /** all streams and failed attempts, oldest first */
  streams: FakeStream[]
  /** Answers the next requests in this way; later ones open a stream. */
  next(...openings: Opening[]): void
  /** Waits for the nth stream, from 1. */
  opened(n: number): Promise<FakeStream>
}

/** Returns a `fetch` that answers requests of streams, and gives all others to another `fetch`. */
export function fakeStreams(others: typeof fetch): FakeStreams {
  const streams: FakeStream[] = []
  const openings: Opening[] = []
  return {
    streams,
    next: (...next) => void openings.push(...next),
    opened: (n) =>
      vi.waitFor(() => streams[n - 1] ?? Promise.reject(new Error(`stream ${n} has not been opened`)), 15_000),
    async fetch(url, init) {
      const { pathname, search } = new URL(String(url))
      if (!pathname.endsWith('/sessions/current/events')) return await others(url, init)
      const signal = init?.signal as AbortSignal
      let controller: ReadableStreamDefaultController<Uint8Array> | undefined
      const body = new ReadableStream<Uint8Array>({
        start(given) {
          controller = given
          signal.addEventListener('abort', () => given.error(signal.reason))
        },
      })
      streams.push({
        headers: new Headers(init?.headers),
        query: decodeURIComponent(search),
        signal,
        write: (text) => signal.aborted || controller?.enqueue(new TextEncoder().encode(text)),
        end: () => controller?.close(),
        break: () => controller?.error(new TypeError('terminated')),
      })
      const opening = openings.shift() ?? 'open'
      if (opening === 'lost') throw new TypeError('fetch failed')
      if (opening !== 'open') return opening()
      return new Response(body, { headers: { 'Content-Type': 'text/event-stream; charset=utf-8' } })
    },
  }
}

/** Formats an event. */
export function eventText(id: string, data: { type: string }): string {
  return `id: ${id}\nevent: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
}
