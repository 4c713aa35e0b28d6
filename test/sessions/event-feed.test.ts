import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BodyCache } from '../../src/lyskom/body-cache.ts'
import { LyskomSession } from '../../src/lyskom/session.ts'
import { EventReader } from '../../src/sessions/event-reader.ts'
import type { GatewaySession } from '../../src/sessions/gateway-session.ts'
import { performCall } from '../../src/sessions/perform-call.ts'
import { connectTo } from '../support/connection.ts'
import { type FakeConnection, type FakeServer, type Handler, startFakeServer } from '../support/fake-server.ts'
import { gatewaySession } from '../support/gateway-session.ts'
import { array, errorReply, fields, h, message, omitted, reply, time } from '../support/wire.ts'

const LOGOUT = 1
const LOGIN = 62
const UCONF = 78
const ACCEPT = 80
const HANDSHAKE_CALLS = 4
const UNKNOWN_ASYNC = 50
const NEW_NAME = 5
const LEAVE_CONF = 8
const NEW_TEXT = 15
const NEW_RECIPIENT = 16
/** The numbers of the asynchronous messages that are not obsolete. */
const ALL = [5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22]

const answers: Handler = ({ ref, call, args }) => {
  if (call === LOGIN || call === LOGOUT) return reply(ref)
  return call === UCONF && reply(ref, h(`Name ${args}`), '10010000', 1, 77)
}

let server: FakeServer
let handler: Handler
let session: GatewaySession
let connection: FakeConnection

beforeEach(async () => {
  handler = answers
  server = await startFakeServer((request, from) => handler(request, from))
  const lyskom = new LyskomSession(await connectTo(server.port), { name: 'test', version: '1.0' }, new BodyCache(1000))
  session = gatewaySession(lyskom)
  connection = server.connections[0] as FakeConnection
})
afterEach(async () => {
  await session.end('shutdown')
  await server.close()
})

/** Returns the message for a new text by person 6 to a conference. */
function newText(no: number, conf = 8): Buffer {
  const misc = array([fields(0, conf), fields(6, no)])
  return message(NEW_TEXT, no, time(new Date('2026-01-07T09:45:00Z')), 6, 1, 10, 0, misc, omitted(0))
}

/** Resolves when the session has received everything that the server has sent before. */
async function received(): Promise<void> {
  await session.lyskom.connection.call('who-am-i')
}

/** Returns the calls with a number that were made after the handshake, with their parameters. */
function callsTo(number: number): string[] {
  return connection.received
    .slice(HANDSHAKE_CALLS)
    .filter(({ call }) => call === number)
    .map(({ args }) => args.toString('latin1'))
}

/** Returns the numbers in an accept-async. */
function accepted(args: string | undefined): number[] {
  return (/\{(.*)\}/.exec(args ?? '')?.[1] ?? '')
    .trim()
    .split(' ')
    .map(Number)
    .sort((a, b) => a - b)
}

/** Returns the type and the text or conference number of the events that a reader can read now. */
function summary(reader: EventReader): string[] {
  return reader.read().map(({ type, data }) => {
    const { text_no, conf_no, pers_no, reason } = JSON.parse(data) as Record<string, unknown>
    return `${type} ${text_no ?? conf_no ?? pers_no ?? reason}`
  })
}

describe('the messages that a session accepts', () => {
  it('are all that are not obsolete from the first use of the events on, requested once', async () => {
    const [log, same] = await Promise.all([session.events(), session.events()])
    expect(same).toBe(log)
    await session.events()
    expect(callsTo(ACCEPT).map(accepted)).toEqual([ALL])
  })

  it('include those that the client requests with accept-async before and after', async () => {
    await performCall(session, 'accept-async', { requestList: [0] })
    await session.events()
    await performCall(session, 'accept-async', { requestList: [] })
    await performCall(session, 'accept-async', { requestList: [1, 15] })
    expect(callsTo(ACCEPT).map(accepted)).toEqual([[0, NEW_NAME], [0, ...ALL], ALL, [1, ...ALL]])
  })

  it('are those that an older server knows', async () => {
    handler = (request, from) =>
      request.call === ACCEPT ? errorReply(request.ref, UNKNOWN_ASYNC, 22) : answers(request, from)
    await expect(session.events()).resolves.toBeDefined()
    await expect(performCall(session, 'accept-async', { requestList: [23] })).rejects.toMatchObject({
      errorName: 'unknown-async',
    })
  })

  it('are requested again after an error', async () => {
    handler = (request, from) => (request.call === ACCEPT ? errorReply(request.ref, 1) : answers(request, from))
    await expect(session.events()).rejects.toMatchObject({ code: 'kom-error' })
    handler = answers
    const reader = new EventReader(await session.events())
    connection.send(message(LEAVE_CONF, 8))
    await received()
    expect(summary(reader)).toEqual(['leave-conf 8'])
  })
})

describe('the events of a session', () => {
  it('have the fields of their messages, and `recipient_type` for a field that is called type', async () => {
    const reader = new EventReader(await session.events())
    connection.send(message(NEW_RECIPIENT, 17, 8, 1), message(NEW_NAME, 8, h('Old'), h('Blå')))
    await received()
    expect(reader.read().map(({ data }) => JSON.parse(data))).toEqual([
      { type: 'new-recipient', text_no: 17, conf_no: 8, recipient_type: 'cc_recpt' },
      { type: 'new-name', conf_no: 8, old_name: 'Old', new_name: 'Blå' },
    ])
  })

  it('omit obsolete messages', async () => {
    const reader = new EventReader(await session.events())
    connection.send(message(1, 6), message(LEAVE_CONF, 8))
    await received()
    expect(summary(reader)).toEqual(['leave-conf 8'])
  })

  it('name the author and the recipients of a new text', async () => {
    const reader = new EventReader(await session.events())
    const misc = array([fields(0, 8), fields(6, 3), fields(1, 9), fields(6, 4), fields(8, 7)])
    connection.send(message(NEW_TEXT, 17, time(new Date('2026-01-07T09:45:00Z')), 6, 1, 10, 0, misc, omitted(0)))
    await received()
    await expect.poll(() => reader.read()).toHaveLength(1)
    const again = new EventReader(await session.events(), { since: reader.position.replace(/1$/, '0') })
    expect(JSON.parse(again.read()[0]?.data ?? '')).toMatchObject({
      type: 'new-text',
      text_no: 17,
      text_stat: { author: 6, creation_time: '2026-01-07T09:45:00Z' },
      author: { pers_no: 6, pers_name: 'Name 6' },
      recipients: [
        { type: 'to', recpt: { conf_no: 8, name: 'Name 8' }, loc_no: 3, sent_by: null, sent_at: null, rec_time: null },
        { type: 'cc', recpt: { conf_no: 9, name: 'Name 9' }, loc_no: 4, sent_by: { pers_no: 7, pers_name: 'Name 7' } },
      ],
    })
  })

  it('keep the order of the messages while names load, and load each name once', async () => {
    const reader = new EventReader(await session.events())
    const lookups: (() => void)[] = []
    handler = (request, from) => {
      if (request.call !== UCONF) return answers(request, from)
      lookups.push(() => from.send(answers(request, from) as Buffer))
      return true
    }
    connection.send(message(LEAVE_CONF, 1), newText(17), message(LEAVE_CONF, 2), newText(18), newText(19))
    await received()
    expect(summary(reader)).toEqual(['leave-conf 1'])
    await expect.poll(() => lookups).toHaveLength(2)
    for (const answer of lookups.reverse()) answer()
    await received()
    const all = ['new-text 17', 'leave-conf 2', 'new-text 18', 'new-text 19']
    const read: string[] = []
    await expect.poll(() => read.push(...summary(reader)) && read).toEqual(all)
    expect(callsTo(UCONF)).toHaveLength(2)
  })

  it('begin a new epoch when more than 1,000 messages wait for names', async () => {
    const reader = new EventReader(await session.events())
    let answer = () => undefined as unknown
    handler = (request, from) => {
      if (request.call !== UCONF) return answers(request, from)
      const before = answer
      answer = () => before() ?? from.send(answers(request, from) as Buffer)
      return true
    }
    for (let no = 1; no <= 1000; no++) connection.send(newText(no))
    await received()
    expect(summary(reader)).toEqual([])
    connection.send(newText(1001), newText(1002))
    await received()
    expect(summary(reader)).toEqual(['reset overflow'])
    answer()
    const read: string[] = []
    await expect.poll(() => read.push(...summary(reader)) && read).toEqual(['new-text 1002'])
  })

  it('begin a new epoch at the beginning and at the end of a flood, whose messages are dropped undecoded', async () => {
    await performCall(session, 'accept-async', { requestList: [NEW_RECIPIENT] })
    const reader = new EventReader(await session.events())
    const decoded: string[] = []
    session.lyskom.connection.on('message', ({ name }) => decoded.push(name))
    const flood = Array.from({ length: 5000 }, (_, i) => message(LEAVE_CONF, i + 1))
    connection.send(...flood)
    await received()
    expect(summary(reader)).toEqual(['reset overflow'])
    expect(decoded).toHaveLength(3999)
    connection.send(message(NEW_NAME, 8, h('Old'), h('New')), message(NEW_RECIPIENT, 17, 8, 1), message(LEAVE_CONF, 8))
    await received()
    // The caches and the WebSockets of the client need these two.
    expect(decoded.slice(3999)).toEqual(['async-new-name', 'async-new-recipient'])
    expect(summary(reader)).toEqual([])
    const read: string[] = []
    await expect.poll(() => read.push(...summary(reader)) && read, { timeout: 5000 }).toEqual(['reset overflow'])
    connection.send(message(LEAVE_CONF, 9))
    await received()
    expect(summary(reader)).toEqual(['leave-conf 9'])
  })

  it('begin a new epoch when names cannot be loaded', async () => {
    const reader = new EventReader(await session.events())
    handler = (request, from) => (request.call === UCONF ? errorReply(request.ref, 1) : answers(request, from))
    connection.send(newText(17))
    const read: string[] = []
    await expect.poll(() => read.push(...summary(reader)) && read).toEqual(['reset overflow'])
  })

  it('begin a new epoch when the names in one text are too long in all', async () => {
    handler = (request, from) =>
      request.call === UCONF ? reply(request.ref, h('x'.repeat(1000)), '10010000', 1, 77) : answers(request, from)
    const reader = new EventReader(await session.events())
    const misc = array(Array.from({ length: 10_000 }, () => fields(0, 8)))
    const long = message(NEW_TEXT, 17, time(new Date('2026-01-07T09:45:00Z')), 6, 1, 10, 0, misc, omitted(0))
    const read: string[] = []
    // The names are loaded for the first text, and cached for the second one.
    for (const count of [1, 2]) {
      connection.send(long)
      await expect.poll(() => read.push(...summary(reader)) && read).toHaveLength(count)
    }
    expect(read).toEqual(['reset overflow', 'reset overflow'])
    connection.send(message(LEAVE_CONF, 8))
    await received()
    expect(summary(reader)).toEqual(['leave-conf 8'])
  })

  it('end with the session', async () => {
    const log = await session.events()
    const reader = new EventReader(log)
    await session.end('admin')
    expect(reader.read().map(({ type, data }) => [type, JSON.parse(data)])).toEqual([
      ['closed', { type: 'closed', reason: 'admin' }],
    ])
    expect([reader.isDone, log.isClosed]).toEqual([true, true])
    await expect(session.events()).resolves.toBe(log)
  })

  it('end with the connection to the server', async () => {
    const reader = new EventReader(await session.events())
    connection.reset()
    await expect
      .poll(() => reader.read().map(({ data }) => JSON.parse(data)))
      .toEqual([{ type: 'closed', reason: 'connection-reset' }])
  })

  it('do not begin in a session that has ended', async () => {
    await session.end('admin')
    await expect(session.events()).rejects.toMatchObject({ code: 'connection-closed' })
  })
})

describe('a login as another person', () => {
  /** Logs in. The server sends messages before and after the reply, in one packet. */
  async function logIn(person: number, before: Buffer[], after: Buffer[]): Promise<void> {
    handler = (request, from) => {
      if (request.call !== LOGIN) return answers(request, from)
      from.send(...before, reply(request.ref), ...after)
      return true
    }
    await session.loginAs(person, 'secret', false)
  }

  it('begins a new epoch, whose first event names the person', async () => {
    const log = await session.events()
    const { epoch } = log.position
    const reader = new EventReader(log)
    await logIn(6, [], [])
    await session.logout()
    await logIn(6, [], [])
    await logIn(6, [], [])
    expect(log.position.epoch).not.toBe(epoch)
    expect(log.position.n).toBe(1)
    expect(summary(reader)).toEqual(['reset unknown'])
    expect(summary(new EventReader(log, { since: `${log.position.epoch}-0` }))).toEqual(['person 6'])
  })

  it('separates the events of both persons, even in one packet', async () => {
    await logIn(6, [], [])
    const log = await session.events()
    const reader = new EventReader(log)
    await logIn(7, [message(LEAVE_CONF, 1)], [message(LEAVE_CONF, 2)])
    expect(summary(new EventReader(log, { since: `${log.position.epoch}-0` }))).toEqual(['person 7', 'leave-conf 2'])
    expect(summary(reader)).toEqual(['person 7', 'leave-conf 2'])
  })

  it('drops the messages of the former person that wait for names', async () => {
    await logIn(6, [], [])
    const log = await session.events()
    await logIn(7, [newText(17), message(LEAVE_CONF, 1)], [newText(18)])
    const reader = new EventReader(log, { since: `${log.position.epoch}-0` })
    const read: string[] = []
    await expect.poll(() => read.push(...summary(reader)) && read).toEqual(['person 7', 'new-text 18'])
  })

  it('is null after a logout', async () => {
    await logIn(6, [], [])
    const reader = new EventReader(await session.events())
    await session.logout()
    expect(reader.read().map(({ data }) => JSON.parse(data))).toEqual([{ type: 'person', pers_no: null }])
  })
})
