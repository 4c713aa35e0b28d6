import { HttpResponse } from 'msw'
import { afterEach, beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest'
import { type ConnectOptions, type Kom, type KomEvent, RequestError, SessionLostError } from '../../src/client/index.ts'
import { EVENT_TYPES } from '../../src/sessions/event-types.ts'
import { useFakeGateway } from './fake-gateway.ts'
import { eventText, type FakeStreams, fakeStreams } from './fake-stream.ts'

const gateway = useFakeGateway()
let streams: FakeStreams
beforeEach(() => {
  streams = fakeStreams(fetch)
})

const open = (options: Partial<ConnectOptions> = {}): Promise<Kom> =>
  gateway.open({ fetch: streams.fetch, retryBaseMs: 1, retryMaxMs: 2, ...options })
const message = (text: string) => ({ type: 'send-message', recipient: 6, sender: 7, message: text })
const failure =
  (status: number, headers: Record<string, string> = {}) =>
  () =>
    HttpResponse.json({ error_type: 'httpkom', error_msg: 'injected' }, { status, headers })

/** Collects the events of a stream until it ends. */
function collect(events: AsyncIterable<KomEvent>) {
  const ids: string[] = []
  const done = (async () => {
    for await (const { id } of events) ids.push(id)
  })()
  done.catch(() => undefined)
  return { ids, done, has: (count: number) => vi.waitFor(() => expect(ids).toHaveLength(count), 15_000) }
}

describe('kom.events', () => {
  it('yields the events with their ids, and ends after closed', async () => {
    const kom = await open({ batch: true })
    const events = kom.events()
    const first = events.next()
    const stream = await streams.opened(1)
    expect(stream.headers.get('Httpkom-Connection')).toBe('connection-id')
    expect(stream.headers.has('Last-Event-ID')).toBe(false)
    stream.write(`retry: 2\n\nid: a-0\n\n:\n\n${eventText('a-1', message('Hello'))}`)
    expect(await first).toEqual({ done: false, value: { ...message('Hello'), id: 'a-1' } })
    stream.write(eventText('a-2', { type: 'closed', reason: 'idle' } as { type: string }))
    expect(await events.next()).toEqual({ done: false, value: { type: 'closed', reason: 'idle', id: 'a-2' } })
    expect(await events.next()).toEqual({ done: true })
    expect(stream.signal.aborted).toBe(true)
    expect(streams.streams).toHaveLength(1)
  })

  it('opens a stream only when an event is awaited', async () => {
    const kom = await open()
    kom.events()
    await new Promise(setImmediate)
    expect(streams.streams).toEqual([])
  })

  it('begins after the position of since, and selects types', async () => {
    const kom = await open()
    const events = collect(kom.events({ since: 'a-41', types: ['new-text', 'send-message'] }))
    const stream = await streams.opened(1)
    expect(stream.headers.get('Last-Event-ID')).toBe('a-41')
    expect(stream.query).toBe('?types=new-text,send-message')
    stream.write(eventText('a-42', { type: 'closed' }))
    await events.done
    expect(events.ids).toEqual(['a-42'])
  })

  it('rejects a position that no header can have with a TypeError', async () => {
    const kom = await open()
    await expect(kom.events({ since: 'a\nb' }).next()).rejects.toBeInstanceOf(TypeError)
  })

  it('has the types of the events', async () => {
    const kom = await open()
    const check = async () => {
      for await (const event of kom.events()) {
        expectTypeOf(event.id).toEqualTypeOf<string>()
        if (event.type === 'new-text') {
          expectTypeOf(event.text_stat.creation_time).toEqualTypeOf<string>()
          expectTypeOf(event.recipients[0]?.recpt.name).toEqualTypeOf<string | undefined>()
        }
        if (event.type === 'new-recipient') {
          expectTypeOf<'cc_recpt'>().toExtend<typeof event.recipient_type>()
          // @ts-expect-error
          expect(event.text_stat).toBeUndefined()
        }
        if (event.type === 'read') expectTypeOf(event.local_nos).toEqualTypeOf<number[] | undefined>()
        if (event.type === 'person') expectTypeOf(event.pers_no).toEqualTypeOf<number | null>()
      }
      for await (const event of kom.events({ types: ['marked'] })) {
        expectTypeOf(event.type).toEqualTypeOf<'marked' | 'person' | 'reset' | 'closed'>()
      }
      // @ts-expect-error
      kom.events({ types: ['new-texts'] })
    }
    expect(check).toBeTypeOf('function')
  })

  it('has a type for each type of the gateway, and no others', () => {
    const types: Record<KomEvent['type'], true> = {
      'new-text': true,
      'deleted-text': true,
      'new-recipient': true,
      'sub-recipient': true,
      'new-membership': true,
      'leave-conf': true,
      'new-name': true,
      login: true,
      logout: true,
      'i-am-on': true,
      'send-message': true,
      'new-user-area': true,
      'new-presentation': true,
      'new-motd': true,
      'text-aux-changed': true,
      'sync-db': true,
      'rejected-connection': true,
      read: true,
      unread: true,
      'unread-set': true,
      marked: true,
      unmarked: true,
      linked: true,
      unlinked: true,
      membership: true,
      person: true,
      reset: true,
      closed: true,
    }
    expect(new Set(Object.keys(types))).toEqual(new Set(EVENT_TYPES))
  })
})

describe('a stream that breaks', () => {
  it.each(['end', 'break'] as const)('goes on from the last event after its %s', async (how) => {
    const kom = await open()
    const events = collect(kom.events())
    const first = await streams.opened(1)
    first.write(
      `retry: 1\n\nid: a-0\n\n${eventText('a-1', message('1'))}${eventText('a-2', message('2'))}id: a-3\ndata: {`,
    )
    await events.has(2)
    first[how]()
    const second = await streams.opened(2)
    expect(second.headers.get('Last-Event-ID')).toBe('a-2')
    second.write(eventText('a-3', { type: 'closed' }))
    await events.done
    expect(events.ids).toEqual(['a-1', 'a-2', 'a-3'])
  })

  it('goes on from the position of the first stream if there has been no event', async () => {
    const kom = await open()
    const events = collect(kom.events())
    const first = await streams.opened(1)
    first.write('retry: 1\n\nid: a-7\n\n')
    await new Promise(setImmediate)
    first.break()
    const second = await streams.opened(2)
    expect(second.headers.get('Last-Event-ID')).toBe('a-7')
    // Events of other types have passed.
    second.write(':\n\nid: a-9\n\n')
    await new Promise(setImmediate)
    second.end()
    const third = await streams.opened(3)
    expect(third.headers.get('Last-Event-ID')).toBe('a-9')
    third.write(eventText('a-10', { type: 'closed' }))
    await events.done
  })

  it('goes on after network errors, a 502, 503 and 504, and the page of a proxy', async () => {
    const kom = await open()
    const page = () => HttpResponse.html('<h1>Sign in to this network</h1>')
    streams.next('lost', failure(502), failure(503), failure(504), page)
    const events = collect(kom.events({ since: 'a-1' }))
    const stream = await streams.opened(6)
    expect(streams.streams.map(({ headers }) => headers.get('Last-Event-ID'))).toEqual(Array(6).fill('a-1'))
    stream.write(eventText('a-2', { type: 'closed' }))
    await events.done
    expect(events.ids).toEqual(['a-2'])
  })

  it('is opened again after Retry-After, however long', async () => {
    const kom = await open()
    streams.next(failure(503, { 'Retry-After': '1' }))
    const start = performance.now()
    const events = collect(kom.events())
    const stream = await vi.waitFor(() => streams.streams[1] ?? Promise.reject(new Error('none')), 15_000)
    expect(performance.now() - start).toBeGreaterThan(990)
    stream.write(eventText('a-2', { type: 'closed' }))
    await events.done
  })

  it('has delays with full jitter below a bound that begins at its retry field and doubles without progress', async () => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const timeout = vi.spyOn(globalThis, 'setTimeout')
    const kom = await open({ retryBaseMs: 4, retryMaxMs: 30 })
    try {
      // Longer timers are the deadline for silence, and those of fetch itself.
      const delays = () => timeout.mock.calls.map(([, delay = 0]) => delay).filter((delay) => delay <= 30)
      const waitForStream = async (n: number) => {
        while (streams.streams.length < n) await new Promise(setImmediate)
        return streams.streams[n - 1] as NonNullable<(typeof streams.streams)[0]>
      }
      streams.next('lost', 'lost', 'lost', 'lost')
      const events = collect(kom.events())
      const fifth = await waitForStream(5)
      expect(delays()).toEqual([2, 4, 8, 15])
      fifth.write('retry: 6\n\nid: a-1\n\n')
      fifth.end()
      const sixth = await waitForStream(6)
      sixth.write('retry: 6\n\n')
      sixth.end()
      const seventh = await waitForStream(7)
      expect(delays()).toEqual([2, 4, 8, 15, 3, 6])
      seventh.write(eventText('a-2', { type: 'closed' }))
      await events.done
    } finally {
      random.mockRestore()
      timeout.mockRestore()
    }
  })

  it.each([
    { status: 403, error: SessionLostError },
    { status: 400, error: RequestError },
    { status: 500, error: RequestError },
  ])('ends with the error of a $status', async ({ status, error }) => {
    const kom = await open()
    streams.next('open', failure(status))
    const events = collect(kom.events())
    const stream = await streams.opened(1)
    stream.write(eventText('a-1', message('1')))
    await events.has(1)
    stream.end()
    await expect(events.done).rejects.toBeInstanceOf(error)
    expect(streams.streams).toHaveLength(2)
  })

  it('ends with a RequestError for an event that is not JSON', async () => {
    const kom = await open()
    const events = collect(kom.events())
    const stream = await streams.opened(1)
    stream.write('id: a-1\ndata: {\n\n')
    await expect(events.done).rejects.toBeInstanceOf(RequestError)
    expect(stream.signal.aborted).toBe(true)
  })
})

describe('a silent stream', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => void vi.useRealTimers())

  const ticks = async () => {
    for (let i = 0; i < 20; i++) await new Promise(setImmediate)
  }

  it('is dropped after 60 s, and goes on from the last event', async () => {
    const kom = await open()
    const events = collect(kom.events())
    await ticks()
    const [first] = streams.streams
    first?.write(`retry: 1\n\n${eventText('a-1', message('1'))}`)
    for (let seconds = 0; seconds < 300; seconds += 25) {
      await ticks()
      await vi.advanceTimersByTimeAsync(25_000)
      first?.write(':\n\n')
    }
    await ticks()
    expect(streams.streams).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(59_900)
    expect(first?.signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(200)
    await ticks()
    expect(first?.signal.aborted).toBe(true)
    expect(streams.streams[1]?.headers.get('Last-Event-ID')).toBe('a-1')
    streams.streams[1]?.write(eventText('a-2', { type: 'closed' }))
    await events.done
    expect(events.ids).toEqual(['a-1', 'a-2'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is one whose response does not come, too', async () => {
    const kom = await open()
    streams.next(() => new Promise(() => undefined) as unknown as Response)
    const events = collect(kom.events({ since: 'a-1' }))
    await ticks()
    await vi.advanceTimersByTimeAsync(60_100)
    await ticks()
    expect(streams.streams).toHaveLength(2)
    streams.streams[1]?.write(eventText('a-2', { type: 'closed' }))
    await events.done
  })

  it('is not one whose events the program has not taken', async () => {
    const kom = await open()
    const events = kom.events()
    const first = events.next()
    await ticks()
    streams.streams[0]?.write(eventText('a-1', message('1')))
    await first
    await vi.advanceTimersByTimeAsync(600_000)
    expect(streams.streams[0]?.signal.aborted).toBe(false)
    streams.streams[0]?.write(eventText('a-2', { type: 'closed' }))
    expect(await events.next()).toMatchObject({ value: { id: 'a-2' } })
    await events.return()
    expect(streams.streams).toHaveLength(1)
  })
})

describe('the end of a loop', () => {
  it('by break closes the connection', async () => {
    const kom = await open()
    const stream = streams.opened(1)
    void stream.then(({ write }) => write(eventText('a-1', message('1')) + eventText('a-2', message('2'))))
    for await (const { id } of kom.events()) {
      expect(id).toBe('a-1')
      break
    }
    expect((await stream).signal.aborted).toBe(true)
    expect(streams.streams).toHaveLength(1)
  })

  it.each(['of the stream', 'of connect'])(
    'by the signal %s closes the connection, without an error',
    async (whose) => {
      const controller = new AbortController()
      const { signal } = controller
      const kom = await open(whose === 'of connect' ? { signal } : {})
      const events = collect(kom.events(whose === 'of connect' ? {} : { signal }))
      const stream = await streams.opened(1)
      stream.write(eventText('a-1', message('1')))
      await events.has(1)
      controller.abort(new Error('left'))
      await events.done
      expect(stream.signal.aborted).toBe(true)
      expect(streams.streams).toHaveLength(1)
    },
  )

  it('by a signal comes before the next event, also of those that have arrived', async () => {
    const controller = new AbortController()
    const kom = await open()
    const stream = streams.opened(1)
    void stream.then(({ write }) => write(eventText('a-1', message('1')) + eventText('a-2', message('2'))))
    const ids = []
    for await (const { id } of kom.events({ signal: controller.signal })) {
      ids.push(id)
      controller.abort()
    }
    expect(ids).toEqual(['a-1'])
  })

  it('by a signal ends the delay before the next stream', async () => {
    const controller = new AbortController()
    const kom = await open()
    streams.next(failure(503, { 'Retry-After': '1000' }))
    const events = collect(kom.events({ signal: controller.signal }))
    await streams.opened(1)
    controller.abort()
    await events.done
  })

  it('by a signal that has aborted opens no stream', async () => {
    const kom = await open()
    await collect(kom.events({ signal: AbortSignal.abort() })).done
    expect(streams.streams).toEqual([])
  })

  it('leaves no listener on the signals', async () => {
    const { signal } = new AbortController()
    const add = vi.spyOn(signal, 'addEventListener')
    const remove = vi.spyOn(signal, 'removeEventListener')
    const kom = await open({ signal })
    streams.next('lost')
    const events = collect(kom.events({ signal }))
    const stream = await streams.opened(2)
    stream.write(eventText('a-1', { type: 'closed' }))
    await events.done
    expect(add).toHaveBeenCalled()
    await vi.waitFor(() => expect(remove.mock.calls.map(([, f]) => f)).toEqual(add.mock.calls.map(([, f]) => f)))
  })
})

it('events are no part of a batch', async () => {
  const controller = new AbortController()
  const kom = await open({ signal: controller.signal })
  const first = kom.events().next()
  await expect(kom.batch([first])).rejects.toBeInstanceOf(TypeError)
  controller.abort()
  expect(await first).toEqual({ done: true })
})
