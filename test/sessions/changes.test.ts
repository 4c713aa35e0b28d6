import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ConnectionError } from '../../src/connection/errors.ts'
import { BodyCache } from '../../src/lyskom/body-cache.ts'
import { LyskomSession } from '../../src/lyskom/session.ts'
import { KomError } from '../../src/protocol/errors.ts'
import { type ChangeMaker, ChangeRelay, type ReceivedChange } from '../../src/sessions/change-relay.ts'
import type { Change } from '../../src/sessions/changes.ts'
import { EventReader } from '../../src/sessions/event-reader.ts'
import type { GatewaySession } from '../../src/sessions/gateway-session.ts'
import { connectTo } from '../support/connection.ts'
import { type FakeConnection, type FakeServer, type Handler, startFakeServer } from '../support/fake-server.ts'
import { gatewaySession } from '../support/gateway-session.ts'
import { array, errorReply, fields, h, message, omitted, reply, time } from '../support/wire.ts'

const MARK_AS_READ = 27
const GET_TIME = 35
const LOGIN = 62
const GET_TEXT_STAT = 90
const UCONF = 78
const QUERY_READ_TEXTS = 107
const LOCAL_TO_GLOBAL = 103
const MARK_AS_UNREAD = 109
const LEAVE_CONF = 8
const NEW_TEXT = 15
const NOT_MEMBER = 13
const NOW = time(new Date('2026-01-07T09:45:00Z'))

const read = (confNo: number): Change => ({ type: 'read', confNo, localNos: [1] })
const linked: Change = { type: 'linked', textNo: 1, to: 2, linkType: 'comment' }

describe('a change relay', () => {
  const servers = new Map([
    ['kom', { host: '127.0.0.1', port: 1 }],
    ['alias', { host: '127.0.0.1', port: 1 }],
    ['other', { host: '127.0.0.1', port: 2 }],
  ])

  /** Creates sessions that receive changes, by name. */
  function sessions(relay: ChangeRelay, addresses: Record<string, [serverId: string, persNo: number]>) {
    const received: [name: string, ReceivedChange][] = []
    const makers: Record<string, ChangeMaker> = {}
    for (const [name, [serverId, persNo]] of Object.entries(addresses)) {
      const receiver = {
        onChange: (change: ReceivedChange) => void received.push([name, change]),
        onLoss: () => undefined,
      }
      makers[name] = { serverId, persNo, receiver }
      relay.add({ serverId, persNo }, receiver)
    }
    const begin = (name: string, change: Change) => relay.begin(makers[name] as ChangeMaker, change)
    const flags = () => received.map(([name, { isOwn, isContested }]) => [name, isOwn, isContested])
    return { makers, received, begin, flags }
  }

  it('passes changes to the sessions of the person, and links to all sessions on the server', () => {
    const { received, begin } = sessions(new ChangeRelay(servers), {
      own: ['kom', 6],
      same: ['alias', 6],
      person: ['kom', 7],
      server: ['other', 6],
    })
    begin('own', read(4))()
    expect(received).toEqual([
      ['own', { change: read(4), isOwn: true, isContested: false }],
      ['same', { change: read(4), isOwn: false, isContested: false }],
    ])
    received.length = 0
    begin('own', linked)()
    expect(received.map(([name]) => name)).toEqual(['own', 'same', 'person'])
    received.length = 0
    begin('own', { type: 'membership', persNo: 7, confNo: 4 })()
    expect(received.map(([name]) => name)).toEqual(['person'])
  })

  it('calls changes of one subject by several sessions at a time contested', () => {
    const { begin, flags } = sessions(new ChangeRelay(servers), { a: ['kom', 6], b: ['kom', 6] })
    const [first, second] = [begin('a', read(4)), begin('b', read(4))]
    second()
    first()
    expect(flags().map(([, , isContested]) => isContested)).toEqual([true, true, true, true])
  })

  it.each<[string, string, Change]>([
    ['by one session', 'a', read(4)],
    ['of another subject', 'b', read(5)],
  ])('calls changes %s not contested', (_, name, change) => {
    const { begin, flags } = sessions(new ChangeRelay(servers), { a: ['kom', 6], b: ['kom', 6] })
    const [first, second] = [begin('a', read(4)), begin(name, change)]
    first()
    second()
    begin('b', read(4))()
    expect(flags().some(([, , isContested]) => isContested)).toBe(false)
  })

  it('passes no change that the server has rejected, and one without a reply as contested', () => {
    const { begin, flags } = sessions(new ChangeRelay(servers), { a: ['kom', 6] })
    begin('a', read(4))(KomError.of('not-member', 4))
    begin('a', read(4))(new ConnectionError('too-many-calls', ''))
    expect(flags()).toEqual([])
    begin('a', read(4))(new ConnectionError('call-timeout', ''))
    expect(flags()).toEqual([['a', false, true]])
  })

  it('calls a change contested that began before the first session received changes', () => {
    const relay = new ChangeRelay(servers)
    const maker: ChangeMaker = { serverId: 'kom', persNo: 6, receiver: undefined }
    const end = relay.begin(maker, read(4))
    const { begin, flags } = sessions(relay, { a: ['kom', 6] })
    begin('a', read(4))()
    end()
    expect(flags()).toEqual([
      ['a', true, true],
      ['a', false, true],
    ])
  })

  it('passes a change again when its reply follows a timeout', () => {
    const { begin, flags } = sessions(new ChangeRelay(servers), { a: ['kom', 6] })
    const end = begin('a', read(4))
    end(new ConnectionError('call-timeout', ''))
    end()
    expect(flags()).toEqual([
      ['a', false, true],
      ['a', true, true],
    ])
  })

  it('passes nothing to sessions that have been removed', () => {
    const relay = new ChangeRelay(servers)
    const { makers, begin, received } = sessions(relay, { a: ['kom', 6] })
    const { receiver } = makers.a as ChangeMaker
    relay.remove({ serverId: 'kom', persNo: 6 }, receiver as NonNullable<typeof receiver>)
    begin('a', read(4))()
    expect(received).toEqual([])
  })
})

describe('the events of a session', () => {
  let server: FakeServer
  let handler: Handler
  let sessions: [GatewaySession, GatewaySession]
  let follower: FakeConnection
  let reader: EventReader
  let relay: ChangeRelay

  const answers: Handler = ({ ref, call, args }) => {
    if ([LOGIN, MARK_AS_READ, MARK_AS_UNREAD].includes(call)) return reply(ref)
    if (call === GET_TIME) return reply(ref, NOW)
    return call === UCONF && reply(ref, h(`Name ${args}`), '10010000', 1, 77)
  }

  beforeEach(async () => {
    handler = answers
    server = await startFakeServer((request, from) => handler(request, from))
    relay = new ChangeRelay(new Map())
    const open = async () => {
      const connection = await connectTo(server.port)
      const lyskom = new LyskomSession(connection, { name: 'test', version: '1.0' }, new BodyCache(1000))
      return gatewaySession(lyskom, { changes: relay })
    }
    sessions = [await open(), await open()]
    follower = server.connections[1] as FakeConnection
    for (const session of sessions) await session.loginAs(6, 'x', false)
    reader = new EventReader(await sessions[1].events())
  })
  afterEach(async () => {
    for (const session of sessions) await session.end('shutdown')
    await server.close()
  })

  /** Returns the events that the follower has got when it has the replies to its checks. */
  async function events(): Promise<unknown[]> {
    await sessions[1].lyskom.connection.call('who-am-i')
    return reader.read().map(({ data }) => JSON.parse(data))
  }

  const mark = (text: number) => sessions[0].lyskom.connection.call('mark-as-read', { conference: 4, text: [text] })

  /** Returns the reply to query-read-texts for a conference with one read range. */
  const membership = (ref: number, first: number, last: number) =>
    reply(ref, 0, NOW, 4, 100, array([fields(first, last)]), 6, NOW, '00000000')

  it('have a change of another session behind the messages that the server has sent before it', async () => {
    handler = (request, from) => {
      // The message was sent before the server carried out the change, but arrives later.
      if (request.call === GET_TIME) from.send(message(LEAVE_CONF, 9))
      return answers(request, from)
    }
    await mark(1)
    expect(await events()).toEqual([
      { type: 'leave-conf', conf_no: 9 },
      { type: 'read', conf_no: 4, local_nos: [1] },
    ])
  })

  it('have a change behind messages that wait for names', async () => {
    const misc = array([fields(0, 8), fields(6, 1)])
    follower.send(message(NEW_TEXT, 5, NOW, 6, 1, 10, 0, misc, omitted(0)))
    await sessions[1].lyskom.connection.call('mark-as-read', { conference: 8, text: [1] })
    await expect.poll(async () => (await events()).length).toBeGreaterThan(0)
    const { events: logged = [] } = (await sessions[1].events()).after({
      ...(await sessions[1].events()).position,
      n: 0,
    })
    expect(logged.map(({ type }) => type)).toEqual(['new-text', 'read'])
  })

  it('have of contested changes only what is in force', async () => {
    const held: (() => void)[] = []
    handler = (request, from) => {
      const { call, ref } = request
      if (call === MARK_AS_READ && from !== follower) {
        held.push(() => from.send(reply(ref)))
        return true
      }
      return call === QUERY_READ_TEXTS ? membership(ref, 1, 1) : answers(request, from)
    }
    const marked = [mark(1), mark(2)]
    await expect.poll(() => held.length).toBe(2)
    await sessions[1].lyskom.connection.call('mark-as-unread', { conference: 4, text: 2 })
    for (const send of held) send()
    await Promise.all(marked)
    expect(await events()).toEqual([
      { type: 'unread', conf_no: 4, local_nos: [2] },
      { type: 'read', conf_no: 4, local_nos: [1] },
    ])
  })

  it('receive no changes after their end, also if the person changes then', async () => {
    const lyskom = new LyskomSession(
      await connectTo(server.port),
      { name: 'test', version: '1.0' },
      new BodyCache(1000),
    )
    const session = gatewaySession(lyskom, { changes: relay })
    await session.events()
    session.endEvents('shutdown')
    await session.loginAs(6, 'x', false)
    const made: Change[] = []
    const maker = { serverId: 'kom', persNo: 6, receiver: undefined }
    relay.add(maker, { onChange: ({ change }) => made.push(change), onLoss: () => undefined })
    const { connection } = lyskom
    const calls = connection.calls
    relay.begin(maker, read(4))()
    expect(made).toEqual([read(4)])
    expect(connection.calls).toBe(calls)
    await session.end('shutdown')
  })

  it('have a change whose reply comes after the deadline of its call', async () => {
    const lyskom = new LyskomSession(
      await connectTo(server.port, { callTimeoutMs: 100 }),
      { name: 'test', version: '1.0' },
      new BodyCache(1000),
    )
    const late = gatewaySession(lyskom, { changes: relay })
    await late.loginAs(6, 'x', false)
    let hold: (() => void) | undefined
    let isRead = false
    handler = (request, from) => {
      const { call, ref } = request
      if (call === QUERY_READ_TEXTS) return isRead ? membership(ref, 1, 1) : membership(ref, 5, 5)
      if (call !== MARK_AS_READ) return answers(request, from)
      hold = () => {
        isRead = true
        from.send(reply(ref))
      }
      return true
    }
    await expect(lyskom.connection.call('mark-as-read', { conference: 4, text: [1] })).rejects.toThrow('in time')
    expect(await events()).toEqual([])
    hold?.()
    await lyskom.connection.call('who-am-i')
    expect(await events()).toEqual([{ type: 'read', conf_no: 4, local_nos: [1] }])
    await late.end('shutdown')
  })

  it('lack a text that was marked as unread and has been deleted', async () => {
    let isDeleted = false
    handler = (request, from) => {
      const { call, ref } = request
      if (call === QUERY_READ_TEXTS) return membership(ref, 5, 5)
      if (call === LOCAL_TO_GLOBAL) return reply(ref, 1, 4, 0, 1, 3, array([isDeleted ? 0 : 77]))
      return answers(request, from)
    }
    const unread = () => sessions[0].lyskom.connection.call('mark-as-unread', { conference: 4, text: 3 })
    await unread()
    expect(await events()).toEqual([{ type: 'unread', conf_no: 4, local_nos: [3], text_nos: [77] }])
    isDeleted = true
    await unread()
    expect(await events()).toEqual([])
  })

  it('have a link that has waited for the checks of other sessions only if it is in force', async () => {
    const links = relay.linkChecks('kom')
    const release: (() => void)[] = []
    while (!links.isFull) void links.run(() => new Promise<void>((resolve) => release.push(resolve)))
    let isLinked = false
    handler = (request, from) => {
      if (request.call !== GET_TEXT_STAT) return answers(request, from)
      const misc = isLinked ? array([fields(2, 2)]) : omitted(0)
      return reply(request.ref, NOW, 6, 1, 10, 0, misc, omitted(0))
    }
    const maker: ChangeMaker = { serverId: 'kom', persNo: 7, receiver: undefined }
    const callsBefore = sessions[1].lyskom.connection.calls
    relay.begin(maker, linked)()
    relay.begin(maker, { ...linked, type: 'unlinked' })()
    relay.begin(maker, linked)()
    expect(await events()).toEqual([])
    // The round trip of `events` alone.
    expect(sessions[1].lyskom.connection.calls).toBe(callsBefore + 1)
    isLinked = true
    for (const resolve of release) resolve()
    const event = { type: 'linked', text_no: 1, to: 2, link_type: 'comment' }
    const seen: unknown[] = []
    await expect.poll(async () => seen.push(...(await events()))).toBe(2)
    expect(seen).toEqual([event, event])
  })

  it('are few calls at a time, and a reset at the beginning and at the end of a flood of changes', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const held: (() => void)[] = []
    handler = (request, from) => {
      if (request.call !== GET_TIME || from !== follower) return answers(request, from)
      held.push(() => from.send(reply(request.ref, NOW)))
      return true
    }
    const maker: ChangeMaker = { serverId: 'kom', persNo: 6, receiver: undefined }
    for (let i = 0; i < 1005; i++) relay.begin(maker, read(4))()
    await expect.poll(() => held.length).toBe(5)
    const types = () => reader.read().map(({ type }) => type)
    expect(types()).toEqual([])
    // One more than are checked and wait.
    relay.begin(maker, read(4))()
    expect(types()).toEqual(['reset'])
    for (const send of held) send()
    await sessions[1].lyskom.connection.call('who-am-i')
    relay.begin(maker, read(4))()
    vi.advanceTimersByTime(1000)
    expect(types()).toEqual([])
    vi.advanceTimersByTime(1000)
    expect(types()).toEqual(['reset'])
    expect(held.length).toBe(5)
    vi.useRealTimers()
    handler = answers
    await mark(1)
    expect(await events()).toEqual([{ type: 'read', conf_no: 4, local_nos: [1] }])
  })

  it('end with the session, also if they begin after its end', async () => {
    const ended = gatewaySession(
      new LyskomSession(await connectTo(server.port), { name: 'test', version: '1.0' }, new BodyCache(1000)),
      { changes: relay },
    )
    await ended.end('deleted')
    const { log, accepted } = ended.beginEvents()
    await expect(accepted).rejects.toThrow('closed')
    expect(log.isClosed).toBe(true)
    expect(new EventReader(log).read().map(({ type }) => type)).toEqual(['closed'])
  })

  it('lack a change that the session may not see', async () => {
    handler = (request, from) =>
      request.call === GET_TIME && from === follower ? errorReply(request.ref, NOT_MEMBER) : answers(request, from)
    await mark(1)
    expect(await events()).toEqual([])
  })

  it('lack the changes of the former person', async () => {
    let hold: (() => void) | undefined
    handler = (request, from) => {
      if (request.call !== GET_TIME) return answers(request, from)
      hold = () => from.send(reply(request.ref, NOW))
      return true
    }
    await mark(1)
    await expect.poll(() => hold).toBeDefined()
    const login = sessions[1].loginAs(7, 'x', false)
    hold?.()
    await login
    await mark(2)
    // The change was received before the login, so it may precede `person` but not follow it.
    expect((await events()).at(-1)).toEqual({ type: 'person', pers_no: 7 })
  })
})
