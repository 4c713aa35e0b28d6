import { onAbort, sleep } from './abort.ts'
import { parseJson } from './batch.ts'
import { UnavailableError } from './errors.ts'
import { type EventBlock, EventParser } from './event-parser.ts'
import type { KomEvent, KomEventType, Selected } from './event-types.ts'
import { overNetwork, textOf } from './network.ts'
import { type Path, path, withQuery } from './path.ts'
import { backoff, isTransient } from './retry.ts'
import { EVENT_STREAM, type Transport } from './transport.ts'

/** Time after which a silent stream is opened again: the gateway sends something every 25 s. */
const SILENCE_MS = 60_000

/** Options of `Kom.events`. */
export interface EventOptions<T extends KomEventType = KomEventType> {
  /** the position to go on from: the `id` of an event or the `position` of a start. Default: the stream starts now */
  since?: string | undefined
  /** the types to receive; `person`, `reset` and `closed` always arrive. Default: all */
  types?: readonly T[] | undefined
  /** ends the stream */
  signal?: AbortSignal | undefined
}

/**
 * Yields the events of the session, each once and in order. A stream that breaks or is silent is opened again from the
 * last event on, see `Kom.events`.
 *
 * @param onConnection called when a stream has been opened, and when it has broken
 */
export async function* streamEvents<T extends KomEventType>(
  transport: Transport,
  { since, types, signal }: EventOptions<T>,
  onConnection: (isOpen: boolean) => void = () => undefined,
): AsyncGenerator<KomEvent<Selected<T>>, void, undefined> {
  const signals = [signal, transport.options.signal]
  const isAborted = (): boolean => signals.some((each) => each?.aborted)
  const route = withQuery(path`/sessions/current/events`, { types: types?.join(',') })
  let position = since
  let retryMs: number | undefined
  let failures = 0
  while (!isAborted()) {
    let waitMs = 0
    try {
      for await (const { id, data, retry } of readStream(transport, route, position, signals, onConnection)) {
        if (retry === undefined) failures = 0
        else retryMs = retry
        if (data !== undefined) {
          const event = { ...(parseJson(data) as object), id } as KomEvent<Selected<T>>
          // A consumer that throws a transient error here receives the event again.
          yield event
          if (event.type === 'closed' || isAborted()) return
        }
        position = id ?? position
      }
    } catch (error) {
      if (isAborted()) return
      if (!isTransient(error)) throw error
      waitMs = 1000 * (error.retryAfter ?? 0)
    }
    onConnection(false)
    await sleep(waitMs + backoff(++failures, transport.options, retryMs), signals).catch(() => undefined)
  }
}

/** Yields the blocks of one stream. @throws UnavailableError if it breaks or is silent */
async function* readStream(
  transport: Transport,
  route: Path,
  since: string | undefined,
  signals: readonly (AbortSignal | undefined)[],
  onConnection: (isOpen: boolean) => void,
): AsyncGenerator<EventBlock, void, undefined> {
  const controller = new AbortController()
  const stop = onAbort(signals, (reason) => controller.abort(reason))
  try {
    const response = await unlessSilent(transport.open(route, since, controller.signal), controller.signal)
    if (!response.headers.get('Content-Type')?.startsWith(EVENT_STREAM)) {
      // The page of a proxy, for example.
      throw new UnavailableError('the response is not a stream', { httpStatus: 0 })
    }
    onConnection(true)
    const parser = new EventParser()
    const wait = <T>(part: Promise<T>): Promise<T> => unlessSilent(overNetwork(part), controller.signal)
    for await (const piece of textOf(response.body as ReadableStream<Uint8Array>, wait)) yield* parser.feed(piece)
  } finally {
    stop()
    controller.abort()
  }
}

/** Waits for a part of a stream. @throws UnavailableError after the longest silence, or the reason of the signal */
async function unlessSilent<T>(part: Promise<T>, signal: AbortSignal): Promise<T> {
  const arrival = new AbortController()
  const silence = sleep(SILENCE_MS, [signal, arrival.signal]).then(() => {
    throw new UnavailableError(`no response within ${SILENCE_MS} ms`, { httpStatus: 0 })
  })
  try {
    return await Promise.race([part, silence])
  } finally {
    arrival.abort()
  }
}
