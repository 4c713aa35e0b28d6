import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, startTestGateway, type TestGateway } from '../support/gateway.ts'

let gateway: TestGateway
let id: string
beforeAll(async () => {
  gateway = await startTestGateway([
    { id: 'demo', demo: true },
    { id: 'other', demo: true },
  ])
  id = await gateway.open()
  await logIn(id)
})
afterAll(() => gateway.close())

const logIn = (session: string) =>
  gateway.send('POST', '/demo/sessions/current/login', { id: session, json: { pers_no: 6, passwd: 'demo' } })

const get = (name: string, url: string, more: object = {}) => ({ id: name, method: 'GET', url, ...more })
const post = (name: string, url: string, body?: unknown, more: object = {}) => ({
  ...{ id: name, method: 'POST', url, ...more },
  ...(body !== undefined && { body }),
})

const send = (requests: readonly object[], session = id): Promise<Answer> =>
  gateway.send('POST', '/demo/batch', { id: session, json: { requests } })

interface Entry {
  id: string
  status: number
  headers: Record<string, string>
  // biome-ignore lint/suspicious/noExplicitAny: the expectations of a test check the type
  body: any
}

/** Sends a batch and returns its responses by id. */
async function byId(requests: readonly object[], session = id): Promise<Record<string, Entry>> {
  const { status, text, json } = await send(requests, session)
  expect([status, text]).toEqual([200, expect.any(String)])
  return Object.fromEntries(json.responses.map((entry: Entry) => [entry.id, entry]))
}

const statuses = async (requests: readonly object[], session = id) =>
  (await send(requests, session)).json.responses.map(({ status }: Entry) => status)

describe('a batch', () => {
  it('returns in the order of its requests what each returns when it is sent alone', async () => {
    const urls = ['/texts/30', '/textstats/30', '/texts/30/body', '/texts/99999', '/nosuch', '/conferences/?name=demo']
    const answer = await send(urls.map((url) => get(url, url)))
    const alone = await Promise.all(urls.map((url) => gateway.send('GET', `/demo${url}`, { id })))
    const expected = alone.map(({ status, headers, text, json }, i) => {
      const passed = ['Content-Type', 'ETag', 'Location', 'Retry-After'].map((name) => [name, headers.get(name)])
      return {
        id: urls[i],
        status,
        headers: Object.fromEntries(passed.filter(([, value]) => value !== null)),
        body: json ?? text,
      }
    })
    expect(answer.json).toEqual({ responses: expected })
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(alone.map(({ status }) => status)).toEqual([200, 200, 200, 404, 404, 200])
  })

  it('returns an empty string for an empty text', async () => {
    const { empty } = await byId([get('empty', '/texts/46/body')])
    expect(empty).toMatchObject({ status: 200, body: '' })
  })

  it('returns null for no body, and a Location for a created text', async () => {
    const text = { subject: 's', body: 'b', content_type: 'text/plain', recipient_list: [], comment_to_list: [] }
    const { active, head, create } = await byId([
      post('active', '/sessions/current/active'),
      { id: 'head', method: 'HEAD', url: '/texts/30' },
      post('create', '/texts/', text),
    ])
    expect(active).toEqual({ id: 'active', status: 204, headers: {}, body: null })
    expect(head).toMatchObject({ status: 200, headers: { 'Content-Type': 'application/json' }, body: null })
    const { text_no } = create?.body ?? {}
    expect(create).toMatchObject({ status: 201, headers: { Location: `/demo/texts/${text_no}` } })
  })

  it('returns an image as base64', async () => {
    const image = { subject: 'image', body: 'iVBORw0KGgo=', content_type: 'image/png', content_encoding: 'base64' }
    const { show } = await byId([
      post('create', '/texts/', { ...image, recipient_list: [], comment_to_list: [] }),
      get('show', '/texts/{create#/text_no}/body'),
    ])
    expect(show).toMatchObject({
      status: 200,
      headers: { 'Content-Type': 'image/png' },
      body: { base64: 'iVBORw0KGgo=' },
    })
  })

  it('passes allowed headers on', async () => {
    const { first } = await byId([get('first', '/texts/30')])
    const { second } = await byId([get('second', '/texts/30', { headers: { 'If-None-Match': first?.headers.ETag } })])
    expect(second).toEqual({ id: 'second', status: 304, headers: { ETag: first?.headers.ETag }, body: null })
    const { wrong } = await byId([
      post('wrong', '/textstats', { text_nos: [] }, { headers: { 'content-type': 'text/plain' } }),
    ])
    expect(wrong).toMatchObject({ status: 400, body: { error_msg: 'Invalid body.' } })
  })

  it('inserts values of other responses into urls and bodies, in any order of the requests', async () => {
    const { stats, text, who } = await byId([
      post('stats', '/textstats', { text_nos: { $ref: 'unread#/list/*/unread_texts' } }),
      get('text', '/texts/{unread#/list/0/unread_texts/0}'),
      get('unread', '/persons/{who#/person/pers_no}/memberships/unread/'),
      get('who', '/sessions/current/who-am-i'),
    ])
    const alone = await gateway.send('GET', '/demo/persons/6/memberships/unread/', { id })
    const unread: number[] = alone.json.list.flatMap(({ unread_texts }: { unread_texts: number[] }) => unread_texts)
    expect(unread.length).toBeGreaterThan(2)
    expect(Object.keys(stats?.body.text_stats).map(Number)).toEqual([...new Set(unread)].sort((a, b) => a - b))
    expect(text?.body.text_no).toBe(unread[0])
    expect(who?.status).toBe(200)
  })

  it('refers to the whole of a body, also of a text', async () => {
    const copy = { subject: 's', content_type: 'text/plain', recipient_list: [], comment_to_list: [] }
    const { body, show } = await byId([
      get('body', '/texts/30/body'),
      post('copy', '/texts/', { ...copy, body: { $ref: 'body#' } }),
      get('show', '/texts/{copy#/text_no}'),
    ])
    expect(show?.body.body).toBe(body?.body)
    expect(body?.body.length).toBeGreaterThan(10)
  })

  it('answers 424 for a request whose dependency failed, and for those that depend on it', async () => {
    const entries = await byId([
      get('bad', '/texts/99999'),
      get('after', '/texts/30', { depends_on: ['bad'] }),
      get('later', '/texts/{after#/text_no}'),
      post('ref', '/textstats', { text_nos: { $ref: 'bad#/x' } }),
      get('good', '/texts/30'),
    ])
    const failed = (name: string, dependency: string) => ({
      id: name,
      status: 424,
      headers: { 'Content-Type': 'application/json' },
      body: {
        error_type: 'httpkom',
        error_msg: `The request "${dependency}", which this one depends on, has failed.`,
      },
    })
    expect(entries).toMatchObject({ bad: { status: 404 }, good: { status: 200 } })
    expect(entries.after).toEqual(failed('after', 'bad'))
    expect(entries.later).toEqual(failed('later', 'after'))
    expect(entries.ref).toEqual(failed('ref', 'bad'))
  })

  it.each([
    [get('x', '/texts/{a#/nosuch}'), '"a#/nosuch" refers to nothing.'],
    [post('x', '/textstats', { text_nos: { $ref: 'a#/subject/0' } }), '"a#/subject/0" refers to nothing.'],
    [
      get('x', '/texts/{a#/subject}'),
      'A value that "url" refers to holds other characters than letters, digits, -, _, . and ~.',
    ],
    [
      get('x', '/texts/{a#/recipient_list}'),
      'A value that "url" refers to holds other characters than letters, digits, -, _, . and ~.',
    ],
  ])('answers 424 for a reference that has no usable value: %j', async (request, message) => {
    const { x, a } = await byId([request, get('a', '/texts/30')])
    expect([x?.status, x?.body.error_msg, a?.status]).toEqual([424, message, 200])
  })

  it.each([
    post('x', '/batch', { requests: [get('y', '/texts/30')] }),
    post('x', '/%62atch/', { requests: [get('y', '/texts/30')] }),
    post('x', '/{b#/name}', { requests: [get('y', '/texts/30')] }),
    post('x', '/sessions', { client: { name: 'x', version: '1' } }),
    post('x', '/sessions/', { client: { name: 'x', version: '1' } }),
    get('x', '/sessions/current/events'),
    get('x', '/websocket'),
    get('x', '/websocket/?ticket=1'),
  ])('answers 400 for what it may not hold: %j', async (request) => {
    await gateway.send('PATCH', '/demo/sessions/current/data', { id, json: { name: 'batch' } })
    const { x, other } = await byId([request, get('b', '/sessions/current/data'), get('other', '/texts/30')])
    expect([x?.status, x?.body.error_msg, other?.status]).toEqual([400, 'A batch may not hold this request.', 200])
  })

  it.each([
    [{}, 'Missing "requests".'],
    [[], 'Missing "requests".'],
    [{ requests: [] }, '"requests" is empty.'],
    [{ requests: Array.from({ length: 101 }, (_, i) => get(String(i), '/')) }, '"requests" has more than 100 items.'],
    [{ requests: [post('a', '/texts/'), { ...get('b', '/'), x: 1 }] }, 'Unknown "requests.1.x".'],
    [{ requests: [post('a', '/sessions/current/active')], x: 1 }, 'Unknown "x".'],
    [{ requests: [{ id: 'a', url: '/' }] }, 'Missing "requests.0.method".'],
    [{ requests: ['a'] }, '"requests.0" must be an object.'],
    [{ requests: [get('a', '/'), get('b', '/../x')] }, '"requests.1.url" holds a dot segment.'],
  ])('is rejected with 400 as a whole if it is invalid: %j', async (body, message) => {
    const received = () =>
      gateway.log.filter((line) => line.includes('"request"') && !line.includes('/demo/batch')).length
    const before = received()
    const { status, json } = await gateway.send('POST', '/demo/batch', { id, json: body })
    expect([status, json.error_msg]).toEqual([400, message])
    expect(received()).toBe(before)
  })

  it('holds at most 10,000 small values', async () => {
    const requests = [post('a', '/textstats', { text_nos: Array.from({ length: 4_000_000 }, () => 1) })]
    const { status, json } = await send(requests)
    expect([status, json.error_msg]).toEqual([400, 'The body holds more than 10000 values.'])
  })

  it('needs a session on the server of its path', async () => {
    const body = { json: { requests: [get('a', '/texts/30')] } }
    expect((await gateway.send('POST', '/demo/batch', body)).status).toBe(403)
    expect((await gateway.send('POST', `/demo/batch?Httpkom-Connection=${id}`, body)).status).toBe(403)
    expect((await gateway.send('POST', '/other/batch', { id, ...body })).status).toBe(403)
    expect((await gateway.send('POST', '/nosuch/batch', { id, ...body })).status).toBe(404)
    expect((await gateway.send('GET', '/demo/batch', { id })).status).toBe(405)
  })

  it('answers each request that needs a login with 401 on a session without one', async () => {
    const anonymous = await gateway.open()
    const requests = [get('a', '/texts/30'), get('b', '/sessions/current/who-am-i')]
    expect(await statuses(requests, anonymous)).toEqual([401, 200])
  })

  it('logs in, reads and logs out', async () => {
    const session = await gateway.open()
    const entries = await byId(
      [
        post('login', '/sessions/current/login', { pers_no: 6, passwd: 'demo' }),
        get('text', '/texts/30', { depends_on: ['login'] }),
        post('logout', '/sessions/current/logout', undefined, { depends_on: ['text'] }),
        get('again', '/texts/30', { depends_on: ['logout'] }),
      ],
      session,
    )
    expect(Object.values(entries).map(({ status }) => status)).toEqual([201, 200, 204, 401])
  })

  it('answers 403 for the requests after the one that ends the session, without a delay', async () => {
    const session = await gateway.open()
    const start = performance.now()
    const requests = [
      get('before', '/sessions/current/who-am-i'),
      { id: 'end', method: 'DELETE', url: '/sessions/0', depends_on: ['before'] },
      get('after', '/sessions/current/who-am-i', { depends_on: ['end'] }),
    ]
    expect(await statuses(requests, session)).toEqual([200, 204, 403])
    // Closing would wait 2 s for a request in flight.
    expect(performance.now() - start).toBeLessThan(1500)
    expect((await gateway.send('GET', '/demo/sessions/current/who-am-i', { id: session })).status).toBe(403)
  })
})
