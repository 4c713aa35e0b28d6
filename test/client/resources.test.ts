import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import {
  type ConnectOptions,
  connect,
  type Kom,
  NotLoggedInError,
  path,
  ref,
  withQuery,
} from '../../src/client/index.ts'
import * as schemas from '../../src/http/output/schemas/index.ts'
import { ROOT } from '../support/example.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const [READER, WRITER, TESTING] = [6, 7, 9]

let gateway: TestGateway
let kom: Kom
/** The requests that have succeeded, as `GET /texts/7`. */
const sent: string[] = []

beforeAll(async () => {
  gateway = await startTestGateway([{ id: 'demo', demo: true }])
  kom = await open()
  await kom.login({ pers_no: READER, passwd: 'demo' })
})
afterAll(() => gateway.close())

function open(options: Partial<ConnectOptions> = {}): Promise<Kom> {
  return connect({
    ...options,
    url: gateway.url,
    server: 'demo',
    client: { name: 'test', version: '1' },
    async fetch(url, init) {
      const response = await fetch(url, init)
      if (response.ok) sent.push(`${init?.method} ${new URL(String(url)).pathname.replace('/demo', '')}`)
      return response
    },
  })
}

/** Resolves with the value of a request, which its schema describes. */
async function valid<T>(schema: z.ZodType<T>, request: Promise<T>): Promise<T> {
  return schema.parse(await request)
}

describe('the session', () => {
  it('logs in by name and out, and tells who it is', async () => {
    const other = await open()
    expect(await other.whoAmI()).toEqual({ person: null, session_no: expect.any(Number) })
    await expect(other.texts.get(7)).rejects.toBeInstanceOf(NotLoggedInError)
    await expect(other.login({ pers_name: 'd w', passwd: 'wrong' })).rejects.toMatchObject({ name: 'InvalidPassword' })
    expect(await valid(schemas.Person, other.login({ pers_name: 'd w', passwd: 'demo' }))).toMatchObject({
      pers_no: WRITER,
    })
    expect(await valid(schemas.WhoAmI, other.whoAmI())).toMatchObject({ person: { pers_no: WRITER } })
    await other.active()
    await other.setWorkingConference(TESTING)
    await other.logout()
    expect(await other.whoAmI()).toMatchObject({ person: null })
    await other.close()
    await expect(other.whoAmI()).rejects.toMatchObject({ name: 'SessionLostError' })
  })

  it('keeps data, and is resumed by its id', async () => {
    expect(await kom.data.patch({ theme: 'dark' })).toEqual({ theme: 'dark' })
    const resumed = await open({ connectionId: kom.connectionId })
    expect(await resumed.data.get()).toEqual({ theme: 'dark' })
  })

  it('lists and ends the other sessions of the person', async () => {
    const others = await Promise.all([open(), open(), open()])
    for (const other of others) await other.login({ pers_no: READER, passwd: 'demo' })
    const { sessions } = await valid(z.object({ sessions: z.array(schemas.OwnSession) }), kom.sessions.mine())
    expect(sessions).toHaveLength(3)
    await kom.sessions.endMine(sessions[0]?.handle ?? '')
    expect(await kom.sessions.endOthers()).toEqual({ ended: 2 })
    expect(await kom.sessions.mine()).toEqual({ sessions: [] })
    await expect(kom.sessions.end(4711)).rejects.toMatchObject({ name: 'UndefinedSession', status: 4711 })
  })
})

it('sessions of persons are listed, and receive messages', async () => {
  const online = z.object({ sessions: z.array(schemas.OnlineSession) })
  const { sessions } = await valid(online, kom.sessions.list({ active_within: 3600 }))
  expect(sessions).toContainEqual(expect.objectContaining({ person: { pers_no: READER, pers_name: 'Demo Reader' } }))
  const { ticket } = await kom.ticket()
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/websocket?ticket=${ticket}`)
  await once(socket, 'open')
  // accept-async for send-message: a session that accepts no messages does not receive them.
  socket.send(JSON.stringify({ protocol: 'a', ref_no: 1, request: '80 1 { 12 }' }))
  await once(socket, 'message')
  await kom.messages.send(READER, 'Hello')
  socket.close()
  await expect(kom.messages.send(10, 'Hello')).rejects.toMatchObject({ name: 'MessageNotSent' })
})

it('a start has the memberships, the unread texts and the first of these, and the requested parts alone', async () => {
  const { memberships, unread, texts } = await valid(schemas.Start, kom.start())
  expect(memberships?.map(({ conference }) => conference.conf_no)).toContain(TESTING)
  expect(unread?.[0]?.local_nos).toHaveLength(unread?.[0]?.no_of_unread as number)
  expect(Object.keys(texts)).not.toEqual([])
  const marked = kom.start({ include: ['marks'], texts: 0 })
  expectTypeOf(marked).resolves.toHaveProperty('marks').toEqualTypeOf<schemas.Mark[]>()
  expectTypeOf(marked).resolves.not.toHaveProperty('unread')
  expect(Object.keys(await marked)).toEqual(['position', 'session', 'person', 'marks', 'texts'])
})

it('a ticket stands for the connection id in one URL', async () => {
  const { ticket } = await valid(schemas.Ticket, kom.ticket())
  const url = `${gateway.url}/demo/texts/9/body?ticket=${ticket}`
  expect([(await fetch(url)).status, (await fetch(url)).status]).toEqual([200, 403])
})

describe('a batch', () => {
  it('has values and errors, and references between its requests', async () => {
    const unread = kom.memberships.unread(READER, 12)
    const stats = kom.textStats.getMany(ref(unread, '/unread_texts'))
    const first = kom.texts.get(ref(unread, '/unread_texts/0'))
    const [a, b, c, d] = await kom.batch([unread, stats, first, kom.call('get-time')])
    expect(a.unread_texts.length).toBeGreaterThan(2)
    expect(Object.keys(b.text_stats)).toEqual(a.unread_texts.map(String))
    expect(c.text_no).toBe(a.unread_texts[0])
    expect(d).toMatch(/Z$/)
    const absent = kom.texts.get(37)
    const dependent = kom.texts.get(ref(absent, '/text_no'))
    const [e, f, g, h] = await kom.batchSettled([
      absent,
      dependent,
      kom.texts.mark(9, 1),
      kom.texts.unmark(9, { after: [absent] }),
    ])
    expect(e).toMatchObject({ reason: { name: 'NoSuchText', status: 37, httpStatus: 404 } })
    expect(f).toMatchObject({ reason: { name: 'RequestError', httpStatus: 424 } })
    expect(g).toMatchObject({ status: 'fulfilled' })
    expect(h).toMatchObject({ reason: { httpStatus: 424 } })
    await kom.texts.unmark(9)
  })

  it('is made of the requests of one tick with batch: true', async () => {
    const together = await open({ connectionId: kom.connectionId, batch: true })
    const before = sent.length
    const numbers = Array.from({ length: 47 }, (_, i) => i + 1)
    const texts = await Promise.allSettled(numbers.map((no) => together.texts.get(no)))
    expect(sent.slice(before)).toEqual(['POST /batch'])
    const alone = await Promise.allSettled(numbers.map((no) => kom.texts.get(no)))
    expect(texts).toEqual(alone)
    expect(texts.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(20)
  })

  it('with batch: true leaves the other requests alone when one of them is invalid', async () => {
    const together = await open({ connectionId: kom.connectionId, batch: true })
    // A batch rejects a slash in a url.
    const [area, info] = await Promise.allSettled([together.persons.userArea(READER, 'a/b'), together.server.info()])
    expect(area).toMatchObject({ reason: { httpStatus: 404 } })
    expect(info).toMatchObject({ status: 'fulfilled' })
  })
})

it('the server has information', async () => {
  expect(await valid(schemas.ServerInfo, kom.server.info())).toMatchObject({ version: 20102 })
})

describe('conferences', () => {
  it('are found, created, read and marked', async () => {
    expect(await kom.conferences.find('testing')).toEqual({
      conferences: [{ conf_no: TESTING, name: 'Testing (is) allowed' }],
    })
    expect(await kom.conferences.find('demo', { want_pers: false })).toEqual({ conferences: [] })
    const { conf_no } = await valid(schemas.ConferenceName, kom.conferences.create('Åre & /?#'))
    const micro = await valid(schemas.MicroConference, kom.conferences.get(conf_no))
    const full = await valid(schemas.Conference, kom.conferences.get(conf_no, { micro: false }))
    expectTypeOf(micro).toEqualTypeOf<schemas.MicroConference>()
    expect(micro.name).toBe('Åre & /?#')
    expect(full.creator.pers_no).toBe(READER)
    expect(await kom.conferences.find('Åre & /?#')).toMatchObject({ conferences: [{ conf_no }] })
    await kom.conferences.markRead(TESTING, 2)
  })

  it('list their texts', async () => {
    const list = z.object({ texts: z.array(schemas.ListedText) })
    const { texts } = list.parse(await kom.conferences.texts(TESTING, { no_of_texts: 2 }))
    expect(texts.map(({ text_no }) => text_no)).toEqual([36, 30])
    const page = await valid(schemas.TextPage, kom.conferences.texts(TESTING, { subjects: true, no_of_texts: 2 }))
    expect(page).toMatchObject({ has_more: true, texts: [{ text_no: 36 }, { subject: 'A text in HTML' }] })
    const before = page.next_before ?? 0
    const next = await valid(schemas.TextPage, kom.conferences.texts(TESTING, { before }))
    expect(next).toMatchObject({ has_more: false, texts: [{ text_no: 9, subject: null }] })
  })
})

describe('persons', () => {
  it('are created, and have presentations, passwords and user areas', async () => {
    const { pers_no } = await valid(schemas.Person, kom.persons.create({ name: 'Nina', passwd: 'secret' }))
    const nina = await open()
    await nina.login({ pers_no, passwd: 'secret' })
    await nina.persons.setPassword(pers_no, { old_pwd: 'secret', new_pwd: 'terces' })
    await nina.login({ pers_no, passwd: 'terces' })
    await nina.persons.setPresentation(pers_no, 9)
    const text = await nina.call('create-text', {
      text: '8H 4Htest 13H{"of":"Nina"}',
      misc_info: [],
      aux_items: [{ tag: 1, flags: {}, inherit_limit: 0, data: 'x-kom/user-area' }],
    })
    await nina.call('set-user-area', { pers_no, user_area: text })
    expect(await nina.persons.userArea(pers_no, 'test')).toEqual({ of: 'Nina' })
    await nina.close()
    await expect(kom.persons.userArea(READER, 'common')).rejects.toMatchObject({ httpStatus: 404 })
  })

  it('have texts', async () => {
    const page = await valid(schemas.TextPage, kom.persons.texts(17, { no_of_texts: 1 }))
    expect(page).toMatchObject({ has_more: true, texts: [{ author: { pers_no: 17 } }] })
    const next = await kom.persons.texts(17, { before: page.next_before ?? 0 })
    expect(next.texts[0]?.text_no).toBeLessThan(page.texts[0]?.text_no ?? 0)
  })

  it('have memberships', async () => {
    await kom.memberships.set(READER, 18, { priority: 90 })
    const { priority } = await valid(schemas.Membership, kom.memberships.get(READER, 18))
    expect(priority).toBe(90)
    await kom.memberships.remove(READER, 18)
    await expect(kom.memberships.get(READER, 18)).rejects.toMatchObject({ name: 'NotMember' })
    const page = z.object({ has_more: z.boolean(), memberships: z.array(schemas.Membership) })
    const first = await valid(page, kom.memberships.list(READER, { first: 2, no_of_memberships: 1 }))
    expect(first).toMatchObject({ has_more: true, memberships: [{ position: 2 }] })
  })

  it('have unread texts', async () => {
    await kom.memberships.setUnread(13, 2)
    expect(await valid(schemas.Unread, kom.memberships.unread(READER, 13))).toMatchObject({ unread_texts: [23, 24] })
    const { list } = await valid(z.object({ list: z.array(schemas.Unread) }), kom.memberships.allUnread(READER))
    expect(list).toContainEqual({ pers_no: READER, conf_no: 13, no_of_unread: 2, unread_texts: [23, 24] })
  })
})

describe('texts', () => {
  it('are written and read', async () => {
    const { text_no } = await kom.texts.create({
      subject: 'Smörgås',
      body: 'with\ntea',
      content_type: 'text/plain',
      recipient_list: [{ type: 'to', recpt: { conf_no: TESTING } }],
      comment_to_list: [{ type: 'comment', text_no: 36 }],
    })
    const text = await valid(schemas.Text, kom.texts.get(text_no))
    expect(text).toMatchObject({ subject: 'Smörgås', body: 'with\ntea', comment_to_list: [{ text_no: 36 }] })
    const body = await kom.texts.body(text_no)
    // Node leaves out the space.
    expect(body.type).toMatch(/^text\/plain; ?charset=utf-8$/)
    expect(await body.text()).toBe('with\ntea')
    const stat = await valid(schemas.TextStat, kom.textStats.get(text_no))
    expect(await kom.textStats.getMany([text_no, 37])).toEqual({ text_stats: { [text_no]: stat, 37: null } })
  })

  it('have trees of comments, from the top or the text itself', async () => {
    const thread = await valid(schemas.Thread, kom.texts.tree(41))
    expect(thread).toMatchObject({ root: 39, order: [39, 40, 41], truncated: false })
    expect(await kom.texts.tree(40, { up: false, limit: 1 })).toMatchObject({ root: 40, order: [40] })
  })

  it('have tags, which tell what has changed', async () => {
    const { text_stats } = await kom.textStats.changed({ 46: null, 47: null })
    const tag = schemas.TaggedTextStat.parse(text_stats[46]).etag
    expect(await kom.textStats.changed({ 46: tag, 37: null })).toEqual({ text_stats: { 37: null }, unchanged: [46] })
  })

  it('have bodies of bytes', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
    const { text_no } = await kom.texts.create({
      subject: 'A dot',
      body: Buffer.from(bytes).toString('base64'),
      content_type: 'image/gif',
      content_encoding: 'base64',
    })
    const body = await kom.texts.body(text_no)
    expect(body.type).toBe('image/gif')
    expect(new Uint8Array(await body.arrayBuffer())).toEqual(bytes)
  })

  it('are marked, and marked as read', async () => {
    await kom.texts.mark(9, 7)
    expect((await valid(z.object({ marks: z.array(schemas.Mark) }), kom.texts.marks())).marks).toContainEqual({
      text_no: 9,
      type: 7,
    })
    await kom.texts.unmark(9)
    await expect(kom.texts.unmark(9)).rejects.toMatchObject({ name: 'NotMarked', code: 44, httpStatus: 400 })
    await kom.texts.markRead(41)
    expect((await kom.memberships.unread(READER, 12)).unread_texts).not.toContain(41)
    await kom.texts.markUnread(41)
    expect((await kom.memberships.unread(READER, 12)).unread_texts).toContain(41)
  })
})

it('events are streamed', async () => {
  const controller = new AbortController()
  const ending = kom.events({ signal: controller.signal }).next()
  await expect.poll(() => sent).toContain('GET /sessions/current/events')
  controller.abort()
  expect(await ending).toEqual({ done: true })
})

it('request takes any path', async () => {
  const spec = { method: 'GET', path: withQuery(path`/conferences/${TESTING}`, { micro: false }) } as const
  expect(await kom.request<schemas.Conference>(spec)).toMatchObject({ conf_no: TESTING, no_of_members: 5 })
})

it('there is a method for each route of docs/api.md below a server', async () => {
  await kom.call('user-active')
  // Last, because it ends the session.
  await kom.close()
  const routes = readFileSync(join(ROOT, 'docs/api.md'), 'utf8').matchAll(/^\| `([A-Z]+) \/S(\/[^`?]*)/gm)
  const all = Array.from(routes, ([, method, pattern = '']) => ({ method, pattern }))
  const missing = all.filter(({ method, pattern }) => {
    const segments = pattern
      .replace(/\/$/, '')
      .split('/')
      .map((each) => (/^<.*>$/.test(each) ? '[^/]+' : each))
    return !sent.some((each) => new RegExp(`^${method} ${segments.join('/')}/?$`).test(each))
  })
  expect(all.length).toBeGreaterThan(35)
  expect(missing).toEqual([])
})
