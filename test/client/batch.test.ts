import { HttpResponse } from 'msw'
import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  type MicroConference,
  RequestError,
  ref,
  SessionLostError,
  type Text,
  UnavailableError,
} from '../../src/client/index.ts'
import { failure, lost, ok, type Respond, useFakeGateway } from './fake-gateway.ts'

const gateway = useFakeGateway()

interface Entry {
  id: string
  method: string
  url: string
  body?: unknown
  depends_on?: string[]
}
type Part = { status?: number; body?: unknown; headers?: Record<string, string> }

/** Responds to a batch with a part for each request. */
function parts(part: (entry: Entry) => Part): Respond {
  return ({ json }) => {
    const lines = json.requests.map((entry: Entry) =>
      JSON.stringify({ id: entry.id, status: 200, headers: {}, ...part(entry) }),
    )
    return new Response(`${lines.join('\n')}\n`, { headers: { 'Content-Type': 'application/x-ndjson' } })
  }
}

/** Responds to a batch with a stream that the test writes. */
function streamed() {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const body = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given
    },
  })
  return {
    respond: (() => new HttpResponse(body)) as Respond,
    write: (text: string) => controller?.enqueue(Buffer.from(text)),
    writeByteByByte: (text: string) => {
      for (const byte of Buffer.from(text)) controller?.enqueue(Uint8Array.of(byte))
    },
    end: () => controller?.close(),
    break: () => controller?.error(new Error('reset')),
  }
}

const urls = () => gateway.requests.map(({ method, url }) => `${method} ${url}`)
const entries = (): Entry[] => gateway.requests[0]?.json.requests

describe('kom.batch', () => {
  it('sends requests as one, and resolves with their values in order', async () => {
    const kom = await gateway.open()
    gateway.respond(parts(({ url }) => ({ body: { url } })))
    const values = await kom.batch([
      kom.texts.get(7),
      kom.conferences.get(9),
      kom.call('mark-text', { text: 7, mark_type: 1 }),
    ])
    expectTypeOf(values).toEqualTypeOf<[Text, MicroConference, null]>()
    expect(values).toEqual([{ url: '/texts/7' }, { url: '/conferences/9' }, undefined])
    expect(urls()).toEqual(['POST /batch'])
    expect(gateway.requests[0]?.headers.get('Accept')).toBe('application/x-ndjson')
    expect(gateway.requests[0]?.headers.get('Httpkom-Connection')).toBe('connection-id')
    const [a, b, c] = entries()
    expect([a, b, c]).toEqual([
      { id: a?.id, method: 'GET', url: '/texts/7' },
      { id: b?.id, method: 'GET', url: '/conferences/9' },
      { id: c?.id, method: 'POST', url: '/calls/mark-text', body: { text: 7, mark_type: 1 } },
    ])
    expect(new Set([a?.id, b?.id, c?.id]).size).toBe(3)
  })

  it('fails with the first error, and the other requests have their values', async () => {
    const kom = await gateway.open()
    gateway.respond(parts(({ url }) => (url === '/texts/7' ? { status: 404, body: {} } : { body: 'found' })))
    const requests = [kom.texts.get(7), kom.texts.get(8)] as const
    await expect(kom.batch(requests)).rejects.toMatchObject({ name: 'RequestError', httpStatus: 404 })
    expect(await requests[1]).toBe('found')
  })

  it('fails alone for a request that would be sent outside the batch that it refers to', async () => {
    const kom = await gateway.open()
    gateway.respond(
      ok({}),
      parts(() => ({ body: {} })),
    )
    const other = kom.texts.get(6)
    const alone = kom.textStats.get(ref(other, '/text_no'))
    await expect(alone).rejects.toThrow('a request must be in the same batch as the requests that it refers to')
    await expect(kom.active({ after: [other] })).rejects.toBeInstanceOf(TypeError)
    const [stat, text] = await kom.batchSettled([kom.textStats.get(ref(other, '/text_no')), kom.texts.get(8)])
    expect(stat).toMatchObject({ status: 'rejected', reason: expect.any(TypeError) })
    expect(text.status).toBe('fulfilled')
    expect(urls()).toEqual(['GET /texts/6', 'POST /batch'])
    expect(gateway.requests[1]?.json.requests).toMatchObject([{ url: '/texts/8' }])
  })

  it('sends nothing for no requests', async () => {
    const kom = await gateway.open()
    expect(await kom.batch([])).toEqual([])
    expect(urls()).toEqual([])
  })

  it('rejects a request that has been sent with a TypeError, and sends none of the others', async () => {
    const kom = await gateway.open()
    gateway.respond(ok({}))
    const sent = kom.texts.get(6)
    await sent
    const fresh = kom.texts.get(7)
    await expect(kom.batch([sent, fresh])).rejects.toBeInstanceOf(TypeError)
    await expect(fresh).rejects.toBeInstanceOf(TypeError)
    await expect(kom.batch([kom.texts.get(8), Promise.resolve(1)])).rejects.toBeInstanceOf(TypeError)
    await expect(kom.batch([kom.texts.get(9), kom.texts.body(9)])).rejects.toBeInstanceOf(TypeError)
    expect(urls()).toEqual(['GET /texts/6'])
  })

  it('fails with the error of an invalid batch, and sends nothing alone', async () => {
    const kom = await gateway.open()
    gateway.respond(failure(400))
    await expect(kom.batch([kom.texts.get(7), kom.texts.get(8)])).rejects.toBeInstanceOf(RequestError)
    expect(urls()).toEqual(['POST /batch'])
  })

  it('fails with the error of the whole batch for each request, and repeats only the GETs', async () => {
    const kom = await gateway.open()
    gateway.respond(failure(502), ok({ text_no: 7 }))
    const [text, mark] = await kom.batchSettled([kom.texts.get(7), kom.texts.mark(7, 1)])
    expect(text).toEqual({ status: 'fulfilled', value: { text_no: 7 } })
    expect(mark).toMatchObject({ status: 'rejected', reason: { httpStatus: 502 } })
    expect(urls()).toEqual(['POST /batch', 'GET /texts/7'])
    gateway.respond(failure(403))
    await expect(kom.batch([kom.texts.get(7), kom.texts.get(8)])).rejects.toBeInstanceOf(SessionLostError)
  })

  it('repeats a GET that fails alone, after its Retry-After', async () => {
    const kom = await gateway.open()
    const headers = { 'Retry-After': '1' }
    gateway.respond(
      parts(({ url }) => (url === '/texts/7' ? { status: 503, headers, body: {} } : { body: 'found' })),
      ok('found'),
    )
    const start = performance.now()
    expect(await kom.batch([kom.texts.get(7), kom.texts.get(8)])).toEqual(['found', 'found'])
    expect(performance.now() - start).toBeGreaterThan(990)
    expect(urls()).toEqual(['POST /batch', 'GET /texts/7'])
  })

  it('does not repeat a GET that depends on another request', async () => {
    const kom = await gateway.open()
    gateway.respond(lost)
    const create = kom.texts.create({ subject: 'a', body: 'b', content_type: 'text/plain' })
    const requests = [create, kom.texts.get(ref(create, '/text_no')), kom.texts.marks({ after: [create] })] as const
    for (const each of await kom.batchSettled(requests)) {
      expect(each).toMatchObject({ reason: { name: 'UnavailableError' } })
    }
    expect(urls()).toEqual(['POST /batch'])
  })
})

describe('references', () => {
  it('are JSON Pointers in urls and bodies, with the type of the value', async () => {
    const kom = await gateway.open()
    gateway.respond(parts(() => ({ body: {} })))
    const unread = kom.memberships.allUnread(6)
    const stat = kom.call('get-text-stat', { text_no: 7 })
    const textNos = ref(unread, '/list/*/unread_texts')
    const created = ref(stat, '/creation_time')
    const first = ref(unread, '/list/0/unread_texts/0')
    expectTypeOf(textNos).toEqualTypeOf<number[]>()
    expectTypeOf(created).toEqualTypeOf<string>()
    expectTypeOf(first).toEqualTypeOf<number>()
    const text = kom.texts.get(7)
    expectTypeOf(ref(text, '/comment_in_list/*/author/pers_name')).toEqualTypeOf<string[]>()
    expectTypeOf(ref(unread, '/list/0/nothing')).toBeNever()
    await kom.batchSettled([
      unread,
      stat,
      kom.textStats.getMany(textNos),
      kom.call('get-last-text', { before: created }),
      kom.texts.get(first),
      kom.conferences.texts(9, { no_of_texts: ref(unread, '/list/0/no_of_unread') }),
      kom.texts.markRead(7, { after: [stat] }),
      kom.call('create-text', { text: '', misc_info: [{ kind: 'comm_to', value: first }], aux_items: [] }),
      text,
    ])
    const [u, s, many, last, get, list, mark, create] = entries()
    expect(many?.body).toEqual({ text_nos: { $ref: `${u?.id}#/list/*/unread_texts` } })
    expect(last?.body).toEqual({ before: { $ref: `${s?.id}#/reply/creation_time` } })
    expect(get?.url).toBe(`/texts/{${u?.id}#/list/0/unread_texts/0}`)
    expect(list?.url).toBe(`/conferences/9/texts/?no-of-texts={${u?.id}#/list/0/no_of_unread}`)
    expect(mark?.depends_on).toEqual([s?.id])
    const link = { kind: 'comm_to', value: { $ref: `${u?.id}#/list/0/unread_texts/0` } }
    expect(create?.body).toEqual({ text: '', misc_info: [link], aux_items: [] })
  })

  it('to a promise that is no request is a TypeError', () => {
    expect(() => ref(Promise.resolve({ a: 1 }), '/a')).toThrow(TypeError)
  })
})

describe('connect with batch: true', () => {
  it('sends the requests of one tick as one batch, and a single one alone', async () => {
    const kom = await gateway.open({ batch: true })
    gateway.respond(
      parts(({ url }) => ({ body: url })),
      ok('alone'),
    )
    const values = await Promise.all([kom.texts.get(7), kom.texts.get(8)])
    expect(values).toEqual(['/texts/7', '/texts/8'])
    expect(await kom.texts.get(9)).toBe('alone')
    expect(urls()).toEqual(['POST /batch', 'GET /texts/9'])
  })

  it('sends bodies of texts and the end of the session outside of it', async () => {
    const kom = await gateway.open({ batch: true })
    gateway.respond(({ url, ...request }) =>
      url === '/batch' ? parts(() => ({ body: {} }))({ url, ...request }) : new HttpResponse('bytes'),
    )
    const [, , body] = await Promise.all([kom.texts.get(7), kom.texts.get(8), kom.texts.body(9)])
    expect(await body.text()).toBe('bytes')
    expect(new Set(urls())).toEqual(new Set(['GET /texts/9/body', 'POST /batch']))
  })

  it('sends at most 100 requests in a batch', async () => {
    const kom = await gateway.open({ batch: true })
    gateway.respond(parts(({ url }) => ({ body: url })))
    const values = await Promise.all(Array.from({ length: 250 }, (_, i) => kom.texts.get(i + 1)))
    expect(values).toEqual(Array.from({ length: 250 }, (_, i) => `/texts/${i + 1}`))
    expect(gateway.requests.map(({ json }) => json.requests.length)).toEqual([100, 100, 50])
  })

  it('repeats the GETs of a batch that has failed', async () => {
    const kom = await gateway.open({ batch: true })
    gateway.respond(lost, ({ url, ...request }) =>
      url === '/batch' ? parts((entry) => ({ body: entry.url }))({ url, ...request }) : HttpResponse.json(url),
    )
    expect(await Promise.all([kom.texts.get(7), kom.texts.get(8)])).toEqual(['/texts/7', '/texts/8'])
  })

  it.each([400, 404, 413])('sends the requests alone if the gateway rejects the batch with a %i', async (status) => {
    const kom = await gateway.open({ batch: true })
    gateway.respond(failure(status), ({ url }) => HttpResponse.json(url))
    const text = kom.texts.get(7)
    const requests = [text, kom.texts.mark(8, 1), kom.texts.get(ref(text, '/text_no'))]
    expect(await Promise.allSettled(requests)).toEqual([
      { status: 'fulfilled', value: '/texts/7' },
      { status: 'fulfilled', value: '/texts/8/mark' },
      { status: 'rejected', reason: expect.objectContaining({ httpStatus: status }) },
    ])
    expect(urls()).toEqual(['POST /batch', 'GET /texts/7', 'PUT /texts/8/mark'])
  })

  it('sends a request that may have been carried out no second time', async () => {
    const kom = await gateway.open({ batch: true })
    gateway.respond(failure(504))
    const requests = [kom.texts.mark(7, 1), kom.texts.mark(8, 1)]
    for (const each of await Promise.allSettled(requests)) expect(each).toMatchObject({ status: 'rejected' })
    expect(urls()).toEqual(['POST /batch'])
  })

  it('leaves a request out that is aborted before the end of the tick', async () => {
    const kom = await gateway.open({ batch: true })
    gateway.respond(parts(({ url }) => ({ body: url })))
    const controller = new AbortController()
    const aborted = kom.texts.get(6, { signal: controller.signal })
    const others = [kom.texts.get(7), kom.texts.get(8)]
    controller.abort('left')
    await expect(aborted).rejects.toBe('left')
    expect(await Promise.all(others)).toEqual(['/texts/7', '/texts/8'])
    expect(entries()).toHaveLength(2)
  })

  it('sends a request alone if all others of the tick are aborted', async () => {
    const kom = await gateway.open({ batch: true })
    gateway.respond(ok('alone'))
    const aborted = kom.texts.get(6, { signal: AbortSignal.abort('left') })
    const other = kom.texts.get(7)
    await expect(aborted).rejects.toBe('left')
    expect(await other).toBe('alone')
    expect(urls()).toEqual(['GET /texts/7'])
  })
})

describe('the stream of a batch', () => {
  it('ends each request as soon as its response has arrived, in any order and in any chunks', async () => {
    const kom = await gateway.open()
    const stream = streamed()
    gateway.respond(stream.respond)
    const [first, second] = [kom.texts.get(7), kom.texts.get(8)]
    const all = kom.batch([first, second])
    await expect.poll(() => gateway.requests).toHaveLength(1)
    const [a, b] = entries()
    stream.writeByteByByte(`{"id":"${b?.id}","status":200,"body":{"subject":"Smö"}}\n`)
    expect(await second).toEqual({ subject: 'Smö' })
    stream.write(`\n{"id":"${a?.id}","status":200,"body":1}`)
    stream.end()
    expect(await first).toBe(1)
    await all
  })

  it.each(['end', 'break'] as const)('fails for the requests without a response after its %s', async (how) => {
    const kom = await gateway.open({ retries: 0 })
    const stream = streamed()
    gateway.respond(stream.respond)
    const all = kom.batchSettled([kom.texts.get(7), kom.texts.get(8)])
    await expect.poll(() => gateway.requests).toHaveLength(1)
    stream.write(`{"id":"${entries()[0]?.id}","status":200,"body":1}\n`)
    // A broken stream loses what has not been read.
    await new Promise(setImmediate)
    stream[how]()
    const [text, missing] = await all
    if (how === 'end') expect(text).toEqual({ status: 'fulfilled', value: 1 })
    expect(missing).toMatchObject({ reason: expect.any(UnavailableError) })
  })

  it('fails for a line that is not JSON', async () => {
    const kom = await gateway.open()
    gateway.respond(() => HttpResponse.html('<h1>Sign in</h1>'))
    await expect(kom.batch([kom.texts.get(7)])).rejects.toBeInstanceOf(RequestError)
  })

  it('is closed when the requests without a response are aborted', async () => {
    const kom = await gateway.open()
    const stream = streamed()
    gateway.respond(stream.respond)
    const controller = new AbortController()
    const first = kom.texts.get(7)
    const second = kom.texts.get(8, { signal: controller.signal })
    const all = kom.batchSettled([first, second])
    await expect.poll(() => gateway.requests).toHaveLength(1)
    stream.write(`{"id":"${entries()[0]?.id}","status":200,"body":1}\n`)
    await first
    controller.abort('left')
    await all
    await expect.poll(() => gateway.requests[0]?.signal.aborted).toBe(true)
  })

  it('is closed when all of its requests are aborted', async () => {
    const kom = await gateway.open()
    const stream = streamed()
    gateway.respond(stream.respond)
    const [one, both] = [new AbortController(), new AbortController()]
    const first = kom.texts.get(7, { signal: one.signal })
    const second = kom.texts.get(8, { signal: both.signal })
    const all = kom.batchSettled([first, second])
    await expect.poll(() => gateway.requests).toHaveLength(1)
    one.abort('one')
    await expect(first).rejects.toBe('one')
    stream.write('\n')
    await new Promise(setImmediate)
    expect(gateway.requests[0]?.signal.aborted).toBe(false)
    both.abort('both')
    await expect(second).rejects.toBe('both')
    await expect.poll(() => gateway.requests[0]?.signal.aborted).toBe(true)
    await all
  })
})
