import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ConnectOptions, Live, LiveOptions, LiveState, Membership, Started, Text } from '../../src/client/index.ts'
import { failure, ok, type Respond, useFakeGateway } from './fake-gateway.ts'
import { eventText, type FakeStream, type FakeStreams, fakeStreams } from './fake-stream.ts'

const gateway = useFakeGateway()
const ME = { pers_no: 6, pers_name: 'Me' }
const OTHER = { pers_no: 7, pers_name: 'Other' }

let streams: FakeStreams
let live: Live | undefined
beforeEach(() => {
  streams = fakeStreams(fetch)
})
afterEach(() => live?.close())

const membership = (conf_no: number, position: number, passive: 0 | 1 = 0): Membership => ({
  pers_no: 6,
  position,
  last_time_read: '2026-01-01T00:00:00Z',
  conference: {
    conf_no,
    name: `Conference ${conf_no}`,
    type: {} as Membership['conference']['type'],
    highest_local_no: 10,
    nice: 77,
  },
  priority: 100,
  added_by: OTHER,
  added_at: '2026-01-01T00:00:00Z',
  type: { invitation: 0, passive, secret: 0, passive_message_invert: 0 },
})
const unread = (conf_no: number, local_nos: number[]) => {
  const unread_texts = local_nos.map((no) => 100 * conf_no + no)
  return { pers_no: 6, conf_no, no_of_unread: local_nos.length, unread_texts, local_nos }
}
const text = (text_no: number, fields: Partial<Text> = {}): Text => ({
  text_no,
  author: OTHER,
  no_of_marks: 0,
  creation_time: '2026-01-01T00:00:00Z',
  content_type: 'text/plain',
  recipient_list: [],
  comment_to_list: [],
  comment_in_list: [],
  aux_items: [],
  subject: 'Subject',
  body: 'Body',
  ...fields,
})
const START: Started = {
  position: 'a-10',
  session: { session_no: 1 },
  person: ME,
  server: { motd_conf: { conf_no: 1, name: 'Conference 1' } } as Started['server'],
  memberships: [membership(1, 0), membership(2, 1), membership(3, 2, 1)],
  unread: [unread(1, [9, 10])],
  marks: [{ text_no: 5, type: 1 }],
  texts: { 109: text(109), 110: text(110) },
}
const started = (fields: Partial<Started> = {}): Respond => ok({ ...START, texts: {}, ...fields })

/** Opens a model. Further requests get `responses`. */
async function follow(options: LiveOptions = {}, connection: Partial<ConnectOptions> = {}) {
  const kom = await gateway.open({ fetch: streams.fetch, retryBaseMs: 1, retryMaxMs: 2, ...connection })
  gateway.respond(ok(START))
  live = await kom.live(options)
  gateway.requests.length = 0
  gateway.respond()
  const stream = await streams.opened(1)
  let n = 10
  const send = (event: object, id = `a-${++n}`, to: FakeStream = stream): void =>
    to.write(eventText(id, event as { type: string }))
  return { kom, live, stream, send }
}

/** Lets everything happen that waits for no timer and no request. */
const ticks = async () => {
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
}
/** Resolves when the model has the events up to a position. */
const reached = (position: string) => expect.poll(() => live?.position).toBe(position)
const sent = () => gateway.requests.map(({ method, url }) => `${method} ${url}`)
const newText = (text_no: number, recipients: [confNo: number, localNo: number][], links: object[] = []) => ({
  type: 'new-text',
  text_no,
  text_stat: { misc_info: links },
  author: OTHER,
  recipients: recipients.map(([conf_no, loc_no]) => ({ type: 'to', recpt: { conf_no, name: '' }, loc_no })),
})
const numbers = ({ unread: list }: LiveState) => list.map(({ conf_no, local_nos }) => [conf_no, local_nos])

describe('the state', () => {
  it('is that of start, and goes on from its position', async () => {
    const { live, stream } = await follow()
    const { position, ...start } = START
    expect(live.state).toEqual({ status: 'live', error: undefined, ...start })
    expect(live.position).toBe(position)
    expect(stream.headers.get('Last-Event-ID')).toBe(position)
  })

  it.each([
    {
      what: 'a new text',
      event: newText(211, [
        [2, 11],
        [3, 11],
        [4, 1],
      ]),
      unread: [
        [1, [9, 10]],
        [2, [11]],
      ],
    },
    { what: 'a text that is known to be unread', event: newText(110, [[1, 10]]), unread: [[1, [9, 10]]] },
    {
      what: 'a deleted text',
      event: { type: 'deleted-text', text_no: 109, text_stat: { misc_info: [] } },
      unread: [[1, [10]]],
    },
    { what: 'a lost recipient', event: { type: 'sub-recipient', text_no: 109, conf_no: 1 }, unread: [[1, [10]]] },
    {
      what: 'a lost recipient elsewhere',
      event: { type: 'sub-recipient', text_no: 109, conf_no: 2 },
      unread: [[1, [9, 10]]],
    },
    { what: 'a left conference', event: { type: 'leave-conf', conf_no: 1 }, unread: [] },
    { what: 'a read text', event: { type: 'read', conf_no: 1, local_nos: [9, 8] }, unread: [[1, [10]]] },
    { what: 'the last texts read', event: { type: 'read', conf_no: 1, local_nos: [9, 10] }, unread: [] },
    {
      what: 'a member of another conference',
      event: { type: 'new-membership', pers_no: 7, conf_no: 1 },
      unread: [[1, [9, 10]]],
    },
  ])('has $what without a request', async ({ event, unread }) => {
    const { live, send } = await follow({ texts: 0 })
    gateway.respond(ok({ text_stats: { 109: null }, unchanged: [] }))
    send(event)
    await reached('a-11')
    expect(numbers(live.state)).toEqual(unread)
    expect(sent().filter((each) => each !== 'POST /textstats')).toEqual([])
    expect(live.state.unread.every((each) => each.no_of_unread === each.unread_texts.length)).toBe(true)
  })

  it('has highest local numbers, positions, marks and names', async () => {
    const { live, send } = await follow()
    send(newText(211, [[2, 11]]))
    send({ type: 'leave-conf', conf_no: 1 })
    send({ type: 'marked', text_no: 5, mark_type: 9 })
    send({ type: 'marked', text_no: 6, mark_type: 2 })
    send({ type: 'unmarked', text_no: 5 })
    send({ type: 'new-name', conf_no: 7, old_name: 'Other', new_name: 'Another' })
    send({ type: 'new-name', conf_no: 1, old_name: 'Conference 1', new_name: 'First' })
    await reached('a-17')
    const { memberships, marks, texts, server, person } = live.state
    expect(
      memberships.map((each) => [each.conference.conf_no, each.position, each.conference.highest_local_no]),
    ).toEqual([
      [2, 0, 11],
      [3, 1, 10],
    ])
    expect(marks).toEqual([{ text_no: 6, type: 2 }])
    expect(memberships[0]?.added_by.pers_name).toBe('Another')
    expect(texts[109]?.author.pers_name).toBe('Another')
    expect(server.motd_conf?.name).toBe('First')
    expect(person).toEqual(ME)
  })

  it.each([
    { type: 'membership', conf_no: 2, position: 0, priority: 200, membership_type: {} },
    { type: 'new-membership', pers_no: 6, conf_no: 4 },
    { type: 'unread-set', conf_no: 1, no_of_unread: 1 },
    { type: 'read', conf_no: 1, ranges: [{ first: 1, last: 9 }] },
    { type: 'unread', conf_no: 1, local_nos: [3], text_nos: [103] },
    { type: 'new-recipient', text_no: 7, conf_no: 1, recipient_type: 'recpt' },
  ])('is requested again after $type, and has later events of the response once', async (event) => {
    const { live, send } = await follow()
    gateway.respond(started({ position: 'a-13', unread: [unread(1, [10]), unread(2, [11])] }))
    send(event)
    // Both are part of the response.
    send(newText(211, [[2, 11]]))
    send({ type: 'read', conf_no: 1, local_nos: [10] }, 'a-13')
    await reached('a-13')
    send({ type: 'read', conf_no: 2, local_nos: [11] }, 'a-14')
    await reached('a-14')
    expect(numbers(live.state)).toEqual([[1, [10]]])
    expect(sent()).toEqual(['POST /sessions/current/start'])
    expect(gateway.requests[0]?.json).toEqual({ include: ['memberships', 'unread', 'marks'], texts: 0 })
    expect(live.state.server).toEqual(START.server)
    expect(Object.keys(live.state.texts)).toEqual(['109', '110'])
  })

  it('applies an event only when the one before is complete', async () => {
    const { live, send } = await follow()
    let respond = (_: Response): void => undefined
    gateway.respond(() => new Promise<Response>((resolve) => (respond = resolve)))
    send({ type: 'unread-set', conf_no: 1, no_of_unread: 0 })
    send({ type: 'marked', text_no: 7, mark_type: 1 })
    await expect.poll(() => sent()).toHaveLength(1)
    await ticks()
    expect(live.state.marks).toHaveLength(1)
    expect(live.position).toBe('a-10')
    respond(Response.json({ ...START, position: 'a-11', unread: [] }))
    await reached('a-12')
    expect(live.state).toMatchObject({ unread: [], marks: [{ text_no: 5 }, { text_no: 7 }] })
  })

  it('is requested again when the gateway cannot be reached, until it can be', async () => {
    const { live, send } = await follow()
    const statuses: string[] = []
    live.subscribe(({ status }) => statuses.push(status))
    gateway.respond(failure(502), failure(503), started({ position: 'a-11', unread: [] }))
    send({ type: 'unread-set', conf_no: 1, no_of_unread: 0 })
    const again = await streams.opened(2)
    expect(again.headers.get('Last-Event-ID')).toBe('a-10')
    send({ type: 'unread-set', conf_no: 1, no_of_unread: 0 }, 'a-11', again)
    await expect.poll(() => live.state).toMatchObject({ status: 'live', unread: [] })
    expect(statuses).toContain('reconnecting')
  })

  it('ends its stream for a pause, and applies what it has missed', async () => {
    const { live, send, stream } = await follow()
    const statuses: string[] = []
    live.subscribe(({ status }) => statuses.push(status))
    live.pause()
    live.pause()
    await expect.poll(() => stream.signal.aborted).toBe(true)
    const { state } = live
    live.resume()
    const again = await streams.opened(2)
    expect(again.headers.get('Last-Event-ID')).toBe('a-10')
    await expect.poll(() => live.state).toEqual({ ...state, status: 'live' })
    send({ type: 'marked', text_no: 7, mark_type: 1 }, 'a-11', again)
    await expect.poll(() => live.state.marks).toHaveLength(2)
    // Nothing was requested but the stream.
    expect(statuses).toEqual(['live', 'paused', 'live', 'live'])
    live.resume()
    expect(streams.streams).toHaveLength(2)
  })

  it('goes on if a pause ends at once, and ends during one', async () => {
    const { live } = await follow()
    live.pause()
    live.resume()
    const again = await streams.opened(2)
    live.pause()
    await expect.poll(() => again.signal.aborted).toBe(true)
    live.close()
    live.resume()
    await sleep(20)
    expect(streams.streams).toHaveLength(2)
    expect(live.state.status).toBe('paused')
  })

  it('is lost when a request fails for good', async () => {
    const { live, send, stream } = await follow()
    gateway.respond(failure(403))
    send({ type: 'unread-set', conf_no: 1, no_of_unread: 0 })
    await expect.poll(() => live.state).toMatchObject({ status: 'lost', error: { name: 'SessionLostError' } })
    expect(stream.signal.aborted).toBe(true)
    expect(live.state.memberships).toHaveLength(3)
  })

  it('begins again after reset, with the statuses of all texts', async () => {
    const { live, send } = await follow()
    gateway.respond(({ url, json }) => {
      if (url.endsWith('/start')) return Response.json({ ...START, position: 'b-5', unread: [], texts: {} })
      expect(json).toEqual({ text_stats: { 109: null, 110: null } })
      return Response.json({
        text_stats: { 109: { ...text(109), no_of_marks: 4, etag: 'x' }, 110: null },
        unchanged: [],
      })
    })
    send({ type: 'reset', reason: 'overflow', position: 'b-4' }, 'b-4')
    await reached('b-5')
    expect(live.state.unread).toEqual([])
    expect(live.state.texts).toEqual({ 109: text(109, { no_of_marks: 4 }) })
  })

  it('is empty after a reset of an anonymous session, which may have skipped the event', async () => {
    const { live, send } = await follow()
    gateway.respond(failure(401))
    send({ type: 'reset', reason: 'unknown', position: 'b-1' }, 'b-1')
    await reached('b-1')
    expect(live.state).toMatchObject({
      status: 'live',
      person: null,
      memberships: [],
      unread: [],
      marks: [],
      texts: {},
    })
  })

  it('belongs to the person of the session, without events of another one', async () => {
    const { live, send } = await follow()
    gateway.respond(started({ position: 'c-1', person: OTHER, unread: [], texts: { 7: text(7) } }))
    send({ type: 'person', pers_no: 7 }, 'b-1')
    // The person has changed again, and this event is of the one in between.
    send({ type: 'marked', text_no: 9, mark_type: 1 }, 'b-2')
    send({ type: 'marked', text_no: 8, mark_type: 1 }, 'c-2')
    await reached('c-2')
    expect(gateway.requests[0]?.json).toEqual({ include: ['memberships', 'unread', 'marks'] })
    expect(live.state.person).toEqual(OTHER)
    expect(live.state.texts).toEqual({ 7: text(7) })
    expect(live.state.marks.map(({ text_no }) => text_no)).toEqual([5, 8])
    gateway.respond(failure(401))
    send({ type: 'person', pers_no: null }, 'd-1')
    await reached('d-1')
    expect(live.state).toMatchObject({
      person: null,
      memberships: [],
      unread: [],
      marks: [],
      texts: {},
      status: 'live',
    })
  })
})

describe('the texts', () => {
  const stat = (no: number, fields: object = {}) => {
    const { body: _, subject: __, content_type: ___, ...rest } = text(no)
    return { ...rest, etag: `tag ${no}`, ...fields }
  }

  it.each([
    {
      event: newText(
        300,
        [],
        [
          { kind: 'recpt', value: 110 },
          { kind: 'comm_to', value: 109 },
        ],
      ),
    },
    { event: { type: 'deleted-text', text_no: 300, text_stat: { misc_info: [{ kind: 'footn_in', value: 109 }] } } },
    { event: { type: 'linked', text_no: 300, to: 109, link_type: 'comment' } },
    { event: { type: 'unlinked', text_no: 109, to: 300, link_type: 'footnote' } },
    { event: { type: 'new-recipient', text_no: 109, conf_no: 50, recipient_type: 'recpt' } },
    { event: { type: 'sub-recipient', text_no: 109, conf_no: 50, recipient_type: 'recpt' } },
    { event: { type: 'text-aux-changed', text_no: 109, added: [], deleted: [] } },
    { event: { type: 'marked', text_no: 109, mark_type: 1 } },
    { event: { type: 'unmarked', text_no: 109 } },
  ])('are current after $event.type', async ({ event }) => {
    const { live, send } = await follow()
    const links = [{ type: 'comment', text_no: 300, author: OTHER }]
    gateway.respond(ok({ text_stats: { 109: stat(109, { comment_in_list: links }) }, unchanged: [] }))
    send(event)
    await reached('a-11')
    expect(sent()).toEqual(['POST /textstats'])
    expect(gateway.requests[0]?.json).toEqual({ text_stats: { 109: null } })
    expect(live.state.texts[109]).toEqual(text(109, { comment_in_list: links } as Partial<Text>))
    gateway.respond(ok({ text_stats: { 109: null }, unchanged: [] }))
    send(event)
    await reached('a-12')
    expect(gateway.requests[1]?.json).toEqual({ text_stats: { 109: 'tag 109' } })
    expect(Object.keys(live.state.texts)).toEqual(['110'])
  })

  it('are requested once, and are then part of the state', async () => {
    const { live } = await follow()
    gateway.respond(({ url }) => Response.json(text(Number(url.split('/')[2]))))
    const [first, second] = await Promise.all([live.text(7), live.text(7)])
    expect(first).toBe(second)
    expect(await live.text(7)).toBe(live.state.texts[7])
    expect(await live.text(109)).toBe(live.state.texts[109])
    expect(sent()).toEqual(['GET /texts/7'])
    gateway.respond(failure(404))
    await expect(live.text(8)).rejects.toMatchObject({ httpStatus: 404 })
    await expect(live.text(8)).rejects.toMatchObject({ httpStatus: 404 })
  })

  it('are requested again if an event about them arrives before the response', async () => {
    const { live, send } = await follow()
    let respond = (_: Response): void => undefined
    const slow: Respond = () => new Promise<Response>((resolve) => (respond = resolve))
    gateway.respond(slow, ok(text(7, { no_of_marks: 1 })))
    const request = live.text(7)
    await expect.poll(() => sent()).toHaveLength(1)
    send({ type: 'marked', text_no: 7, mark_type: 1 })
    await reached('a-11')
    respond(Response.json(text(7)))
    expect((await request).no_of_marks).toBe(1)
    expect(live.state.texts[7]?.no_of_marks).toBe(1)
  })

  it('are at most maxTexts, the latest used ones', async () => {
    const { live } = await follow({ maxTexts: 3 })
    gateway.respond(({ url }) => Response.json(text(Number(url.split('/')[2]))))
    await live.text(1)
    await live.text(109)
    await live.text(2)
    expect(Object.keys(live.state.texts)).toEqual(['1', '2', '109'])
  })
})

describe('revalidate', () => {
  const answer: Respond = ({ url, json }) =>
    url.endsWith('/start')
      ? Response.json({ ...START, position: 'a-20', marks: [], texts: {} })
      : Response.json({ text_stats: {}, unchanged: Object.keys(json.text_stats).map(Number) })

  it('requests memberships, unread texts, marks, and 100 statuses of texts at a time', async () => {
    const { live } = await follow()
    gateway.respond(({ url }) => Response.json(text(Number(url.split('/')[2]))))
    await Promise.all(Array.from({ length: 148 }, (_, i) => live.text(i + 1000)))
    gateway.requests.length = 0
    gateway.respond(answer)
    await live.revalidate()
    expect(gateway.requests.map(({ url, json }) => [url, Object.keys(json.text_stats ?? {}).length])).toEqual([
      ['/textstats', 100],
      ['/textstats', 50],
      ['/sessions/current/start', 0],
    ])
    expect(live.state.marks).toEqual([])
    expect(live.position).toBe('a-20')
  })

  it('follows each break of the stream', async () => {
    const { live, stream } = await follow()
    const statuses: string[] = []
    live.subscribe(({ status }) => statuses.push(status))
    gateway.respond(answer)
    stream.break()
    await streams.opened(2)
    await expect.poll(() => live.state.marks).toEqual([])
    expect(statuses).toEqual(['live', 'reconnecting', 'live', 'live'])
  })

  it('follows a break that a pause ends before the next attempt', async () => {
    const { live, stream } = await follow({}, { retryBaseMs: 60_000, retryMaxMs: 60_000 })
    gateway.respond(answer)
    stream.break()
    await expect.poll(() => live.state.status).toBe('reconnecting')
    live.pause()
    live.resume()
    await streams.opened(2)
    await expect.poll(() => live.state).toMatchObject({ status: 'live', marks: [] })
  })

  it('is repeated after an interval, unless that is 0', async () => {
    const { live } = await follow({ revalidateMs: 5 })
    gateway.respond(failure(500), answer)
    await expect.poll(() => live.state.marks).toEqual([])
    const clear = vi.spyOn(globalThis, 'clearInterval')
    live.close()
    await expect.poll(() => clear).toHaveBeenCalledWith(expect.anything())
    clear.mockRestore()
    const timer = vi.spyOn(globalThis, 'setInterval')
    streams = fakeStreams(fetch)
    await follow({ revalidateMs: 0 })
    expect(timer).not.toHaveBeenCalled()
    timer.mockRestore()
  })
})

describe('a subscription', () => {
  it('has the state now and after each change, and keeps the parts that have not changed', async () => {
    const { live, send } = await follow()
    const { subscribe } = live
    const states: LiveState[] = []
    const stop = subscribe((state) => states.push(state))
    send({ type: 'login', pers_no: 9, session_no: 2 })
    send({ type: 'marked', text_no: 7, mark_type: 1 })
    await reached('a-12')
    expect(states).toHaveLength(2)
    expect(states[1]).toBe(live.state)
    const [before, after] = states
    expect(after?.marks).not.toBe(before?.marks)
    expect(before?.marks).toHaveLength(1)
    for (const part of ['memberships', 'unread', 'texts', 'server', 'person'] as const) {
      expect(after?.[part]).toBe(before?.[part])
    }
    stop()
    send({ type: 'unmarked', text_no: 7 })
    await reached('a-13')
    expect(states).toHaveLength(2)
  })

  it('that throws does not stop the model', async () => {
    const thrown = vi.fn()
    const microtask = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((task) => {
      void Promise.resolve().then(task).catch(thrown)
    })
    try {
      const { live, send } = await follow()
      let calls = 0
      live.subscribe(() => {
        if (calls++ > 0) throw new Error('bug')
      })
      send({ type: 'unmarked', text_no: 5 })
      send({ type: 'marked', text_no: 7, mark_type: 1 })
      await reached('a-12')
      expect(live.state).toMatchObject({ status: 'live', marks: [{ text_no: 7 }] })
      await expect.poll(() => thrown).toHaveBeenCalledTimes(2)
    } finally {
      microtask.mockRestore()
    }
  })

  it('and onEvent end with close, which leaves the state as it is', async () => {
    const events: [string, number | undefined][] = []
    const { live, send, stream } = await follow({ onEvent: ({ type }) => events.push([type, live.state.marks.length]) })
    const listener = vi.fn()
    live.subscribe(listener)
    send({ type: 'unmarked', text_no: 5 })
    await reached('a-11')
    live.close()
    send({ type: 'marked', text_no: 7, mark_type: 1 })
    await ticks()
    expect(events).toEqual([['unmarked', 0]])
    expect(listener).toHaveBeenCalledTimes(2)
    expect(live.state).toMatchObject({ status: 'live', marks: [] })
    expect(stream.signal.aborted).toBe(true)
  })
})

it.each(['of the model', 'of connect'])('the signal %s closes the model', async (whose) => {
  const controller = new AbortController()
  const { signal } = controller
  const { live, stream } = whose === 'of connect' ? await follow({}, { signal }) : await follow({ signal })
  controller.abort()
  await expect.poll(() => stream.signal.aborted).toBe(true)
  expect(live.state.status).toBe('live')
})

it('kom.live fails with the error of its start', async () => {
  const kom = await gateway.open()
  gateway.respond(failure(401))
  await expect(kom.live()).rejects.toMatchObject({ name: 'NotLoggedInError' })
})
