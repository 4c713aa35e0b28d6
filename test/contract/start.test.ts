import { afterAll, describe, expect, it } from 'vitest'
import { noBits } from '../../src/protocol/codec.ts'
import { extendedConfType } from '../../src/protocol/types.ts'
import { EventClient } from '../support/event-client.ts'
import { gatewayError, notWhole } from './answers.ts'
import { BACKENDS } from './backends.ts'
import { type Client, onStage } from './stage.ts'

const PARTS = ['server', 'memberships', 'unread', 'marks']

// biome-ignore lint/suspicious/noExplicitAny: the expectations of a test check the type
type Json = any

interface Reader {
  client: Client
  no: number
  name: string
}

describe.each(BACKENDS)('start on $name', ({ start }) => {
  const stage = onStage(start)
  const streams: EventClient[] = []
  afterAll(async () => {
    for (const stream of streams) await stream.close()
  })

  /** Creates a person and logs in. */
  async function reader(): Promise<Reader> {
    const client = await stage.fresh()
    const name = `Starter ${Math.random()}`
    const { pers_no } = (await client.post('/persons/', { name, passwd: 'x' })).json
    await client.post('/sessions/current/login', { pers_no, passwd: 'x' })
    return { client, no: pers_no, name }
  }

  /** Creates a conference with texts by alice, and makes the reader a member: by default, it is the last of theirs. */
  async function room({ client, no }: Reader, texts = 0, membership: object = { where: 50 }) {
    const alice = await stage.author('alice')
    const type = noBits(extendedConfType)
    const conf = await alice.connection.call('create-conf', { name: `Room ${Math.random()}`, type, auxItems: [] })
    await client.put(`/persons/${no}/memberships/${conf}`, membership)
    const textNos: number[] = []
    for (let i = 0; i < texts; i++) textNos.push(await alice.write({ text: `${i}\nbody`, to: [conf] }))
    return { no: conf, textNos }
  }

  async function started(client: Client, body?: object): Promise<Json> {
    const { status, json } = await client.post('/sessions/current/start', body)
    expect([status, json.error_msg]).toEqual([200, undefined])
    return json
  }

  async function follow({ id }: Client, position: string): Promise<EventClient> {
    const url = `${stage.gateway.url}/kom/sessions/current/events?position=${position}`
    const stream = await EventClient.open(url, { id })
    streams.push(stream)
    return stream
  }

  const numbered = (unread: Json[]) => unread.map(({ local_nos: _, ...each }) => each)

  it('returns what the single routes return', async () => {
    const me = await reader()
    const { client, no, name } = me
    const rooms = [await room(me, 3), await room(me), await room(me, 2)]
    await client.put(`/texts/${rooms[0]?.textNos[1]}/mark`, { type: 7 })
    const { texts } = stage.cast
    await (await stage.author('alice')).write({ text: 'Re\nx', to: [rooms[2]?.no as number], commentTo: [texts.root] })

    const state = await started(client, { include: [...PARTS, 'sessions'] })
    const get = async (path: string) => (await client.get(path)).json
    expect(state.person).toEqual({ pers_no: no, pers_name: name })
    expect(state.session).toEqual({ session_no: (await get('/sessions/current/who-am-i')).session_no })
    expect(state.server).toEqual(await get('/server/info'))
    expect(state.memberships).toEqual((await get(`/persons/${no}/memberships/?passive=true`)).memberships)
    expect(state.memberships).toHaveLength(4)
    expect(numbered(state.unread)).toEqual((await get(`/persons/${no}/memberships/unread/`)).list)
    expect(state.marks).toEqual((await get('/texts/marks/')).marks)
    const withoutIdle = (sessions: Json[]) => sessions.map(({ idle: _, ...session }) => session)
    expect(withoutIdle(state.sessions)).toEqual(withoutIdle((await get('/sessions/')).sessions))
    const unreadTexts = state.unread.flatMap((each: Json) => each.unread_texts)
    expect(unreadTexts).toHaveLength(6)
    expect(Object.keys(state.texts).map(Number)).toEqual([...unreadTexts].sort((a, b) => a - b))
    for (const textNo of unreadTexts) expect(state.texts[textNo]).toEqual(await get(`/texts/${textNo}`))
  })

  it('returns all parts but the sessions, and 20 texts, without a body', async () => {
    const me = await reader()
    await room(me, 21)
    for (const body of [undefined, {}, { order: 'priority' }]) {
      const state = await started(me.client, body)
      expect(Object.keys(state)).toEqual(['position', 'session', 'person', ...PARTS, 'texts'])
      expect(Object.keys(state.texts)).toHaveLength(20)
    }
  })

  it.each(['server', 'memberships', 'unread', 'marks', 'sessions'])('returns %s alone', async (part) => {
    const me = await reader()
    await room(me, 1)
    const whole = await started(me.client, { include: [...PARTS, 'sessions'] })
    const state = await started(me.client, { include: [part], texts: 0 })
    expect(Object.keys(state)).toEqual(['position', 'session', 'person', part, 'texts'])
    expect(Object.keys(state[part])).toEqual(Object.keys(whole[part]))
    expect(state.texts).toEqual({})
  })

  it('returns the texts alone', async () => {
    const me = await reader()
    const { textNos } = await room(me, 3)
    const state = await started(me.client, { include: [], texts: '2' })
    expect(Object.keys(state)).toEqual(['position', 'session', 'person', 'texts'])
    expect(Object.keys(state.texts).map(Number)).toEqual(textNos.slice(0, 2))
  })

  it('lists conferences by descending priority, and then by position', async () => {
    const me = await reader()
    const low = await room(me, 1, { priority: 10, where: 0 })
    const second = await room(me, 1, { priority: 200, where: 3 })
    const first = await room(me, 1, { priority: 200, where: 1 })
    const state = await started(me.client, { texts: 2 })
    const order = [me.no, first.no, second.no, low.no]
    expect(state.memberships.map((each: Json) => each.conference.conf_no)).toEqual(order)
    expect(state.unread.map((each: Json) => each.conf_no)).toEqual(order.slice(1))
    expect(new Set(Object.keys(state.texts).map(Number))).toEqual(new Set([...first.textNos, ...second.textNos]))
  })

  it('lists passive memberships, but not their texts', async () => {
    const me = await reader()
    const { no } = await room(me, 1)
    const call = { pers_no: me.no, conf_no: no, priority: 100, where: 50, type: { passive: true } }
    expect((await me.client.post('/calls/add-member', call)).status).toBe(200)
    const state = await started(me.client)
    expect(state.memberships.map((each: Json) => [each.conference.conf_no, each.type.passive])).toEqual([
      [me.no, 0],
      [no, 1],
    ])
    expect([state.unread, state.texts]).toEqual([[], {}])
  })

  it('returns empty lists to a person without memberships', async () => {
    const { client, no } = await reader()
    expect((await client.delete(`/persons/${no}/memberships/${no}`)).status).toBe(204)
    expect(await started(client)).toMatchObject({ memberships: [], unread: [], texts: {} })
  })

  it('numbers the unread texts between and after read ones as the conference does', async () => {
    const me = await reader()
    const { no, textNos } = await room(me, 300)
    const read = [1, 2, 4, 7, 8, 100, 299]
    await me.client.post('/calls/mark-as-read', { conference: no, text: read })
    await (await stage.author('alice')).delete(textNos[4] as number)
    const state = await started(me.client, { texts: 100 })
    const local_nos = textNos.map((_, i) => i + 1).filter((localNo) => ![...read, 5].includes(localNo))
    const unread_texts = local_nos.map((localNo) => textNos[localNo - 1])
    expect(state.unread).toEqual([
      { pers_no: me.no, conf_no: no, no_of_unread: local_nos.length, unread_texts, local_nos },
    ])
    expect(Object.keys(state.texts).map(Number)).toEqual(unread_texts.slice(0, 100))
  })

  it('finds the first texts behind a long range of read ones', async () => {
    const me = await reader()
    const { no, textNos } = await room(me, 270)
    await me.client.post('/calls/set-read-ranges', { conference: no, read_ranges: [{ first_read: 2, last_read: 268 }] })
    const state = await started(me.client, { texts: 2 })
    expect(state.unread).toMatchObject([{ local_nos: [1, 269, 270] }])
    expect(Object.keys(state.texts).map(Number)).toEqual([textNos[0], textNos[268]])
  })

  it('counts a text once that is unread in several conferences', async () => {
    const me = await reader()
    const [one, other] = [await room(me), await room(me)]
    const alice = await stage.author('alice')
    const both = await alice.write({ text: 'x\ny', to: [one.no, other.no] })
    const next = await alice.write({ text: 'x\ny', to: [one.no] })
    const state = await started(me.client, { texts: 2 })
    expect(state.unread.map((each: Json) => each.unread_texts)).toContainEqual([both])
    expect(Object.keys(state.texts).map(Number)).toEqual([both, next])
  })

  it('is followed by the events after its position', async () => {
    const me = await reader()
    const { no } = await room(me, 1)
    const { position } = await started(me.client)
    const text_no = await (await stage.author('alice')).write({ text: 'x\ny', to: [no] })
    await me.client.put(`/texts/${text_no}/read-marking`)
    const again = await started(me.client)
    expect(again.position).not.toBe(position)
    const later = await follow(me.client, again.position)
    const stream = await follow(me.client, position)
    await me.client.put(`/texts/${text_no}/mark`, { type: 1 })
    expect((await stream.first(3)).map(({ type, data }) => [type, data.text_no ?? data.text_nos])).toEqual([
      ['new-text', text_no],
      ['read', [text_no]],
      ['marked', text_no],
    ])
    expect((await later.first(1)).map(({ type }) => type)).toEqual(['marked'])
  })

  it('has each text that is created meanwhile, in the state or in the events', async () => {
    const me = await reader()
    const rooms = [await room(me, 5), await room(me, 5), await room(me, 5)]
    const alice = await stage.author('alice')
    for (let round = 0; round < 10; round++) {
      const client = await stage.fresh()
      await client.post('/sessions/current/login', { pers_no: me.no, passwd: 'x' })
      const [state, ...textNos] = await Promise.all([
        started(client, { texts: 3 }),
        ...Array.from({ length: 9 }, (_, i) => alice.write({ text: 'x\ny', to: [rooms[i % 3]?.no as number] })),
      ])
      const last = await alice.write({ text: 'x\ny', to: [rooms[0]?.no as number] })
      const stream = await follow(client, state.position)
      await expect.poll(() => stream.events.at(-1)?.data.text_no).toBe(last)
      await stream.close()
      const known = new Set([
        ...state.unread.flatMap((each: Json) => each.unread_texts),
        ...stream.events.map(({ data }) => data.text_no),
      ])
      expect(textNos.filter((no) => !known.has(no))).toEqual([])
      await client.delete('/sessions/0')
    }
  })

  it('belongs to one person, though another one logs in meanwhile', async () => {
    const [one, other] = [await reader(), await reader()]
    await room(one, 2)
    await room(other, 2)
    const client = await stage.fresh()
    await client.post('/sessions/current/login', { pers_no: one.no, passwd: 'x' })
    for (const [former, next] of [
      [one, other],
      [other, one],
    ] as const) {
      const [state, login] = await Promise.all([
        started(client),
        client.post('/sessions/current/login', { pers_no: next.no, passwd: 'x' }),
      ])
      expect(login.status).toBe(201)
      const { pers_no } = state.person
      expect([former.no, next.no]).toContain(pers_no)
      expect(new Set(state.memberships.map((each: Json) => each.pers_no))).toEqual(new Set([pers_no]))
      const stream = await follow(client, state.position)
      if (pers_no === former.no) {
        expect((await stream.first(1))[0]?.data).toEqual({ type: 'person', pers_no: next.no })
      } else {
        await (await stage.author('alice')).connection.call('send-message', { recipient: 0, message: Buffer.from('x') })
        await expect.poll(() => stream.events.some(({ type }) => type === 'send-message')).toBe(true)
        expect(stream.events.map(({ type }) => type)).not.toContain('person')
      }
      await stream.close()
    }
  })

  it('rejects a session without a person with 401, also when the person logs out meanwhile', async () => {
    const anonymous = await (await stage.fresh()).post('/sessions/current/start')
    expect([anonymous.status, anonymous.json]).toEqual([401, gatewayError('Not logged in.')])
    const { client } = await reader()
    const [logout, start] = await Promise.all([
      client.post('/sessions/current/logout'),
      client.post('/sessions/current/start'),
    ])
    expect(logout.status).toBe(204)
    expect([200, 401]).toContain(start.status)
    expect((await client.post('/sessions/current/start')).status).toBe(401)
  })

  it.each([
    ...notWhole('texts', 100).filter(([value]) => value !== undefined),
    [{ texts: 101 }, '"texts" must be a whole number from 0 to 100.'],
    [{ include: 'unread' }, '"include" must be a list.'],
    [{ include: ['read'] }, '"include.0" must be one of server, memberships, unread, marks, sessions.'],
    [{ order: 'name' }, '"order" must be priority.'],
    [{ order: null }, '"order" is null.'],
  ])('rejects %j with 400', async (value, message) => {
    const isBody = typeof value === 'object' && value !== null && !Array.isArray(value)
    const body = isBody && Object.keys(value).length > 0 ? value : { texts: value }
    const { status, json } = await (await stage.as('bob')).post('/sessions/current/start', body)
    expect([status, json]).toEqual([400, gatewayError(message as string)])
  })

  it('is possible in a batch', async () => {
    const { bob } = stage.cast
    const client = await stage.fresh()
    const login = { id: 'login', method: 'POST', url: '/sessions/current/login' }
    const requests = [
      { ...login, body: { pers_no: bob.no, passwd: bob.passwd } },
      { id: 'start', method: 'POST', url: '/sessions/current/start', body: { texts: 1 }, depends_on: ['login'] },
      { id: 'text', method: 'GET', url: '/texts/{start#/unread/0/unread_texts/0}' },
    ]
    const { responses } = (await client.post('/batch', { requests })).json
    expect(responses.map((each: Json) => each.status)).toEqual([201, 200, 200])
    const [, { body: state }, { body: text }] = responses
    expect(state.texts).toEqual({ [text.text_no]: text })
  })
})
