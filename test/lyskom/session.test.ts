import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BodyCache } from '../../src/lyskom/body-cache.ts'
import { getServerInfo } from '../../src/lyskom/server-info.ts'
import { LyskomSession } from '../../src/lyskom/session.ts'
import { connectTo } from '../support/connection.ts'
import { type FakeServer, type Handler, startFakeServer } from '../support/fake-server.ts'
import { array, errorReply, fields, h, message, reply } from '../support/wire.ts'

const UCONF = 78
const LOOKUP = 76
const LOGIN = 62
const LOGOUT = 1
const GET_INFO = 94

let server: FakeServer
let session: LyskomSession
let handler: Handler

beforeEach(async () => {
  handler = () => undefined
  server = await startFakeServer((request, connection) => handler(request, connection))
  session = new LyskomSession(await connectTo(server.port), { name: 'test', version: '1.0' }, new BodyCache(1000))
})
afterEach(async () => {
  await session.close()
  await server.close()
})

const made = () => (server.connections[0]?.received ?? []).slice(4).map(({ call }) => call)
const uconf = (name: string) => fields(h(name), '00001000', 1, 77)
const found = (...names: [string, number][]) => array(names.map(([name, no]) => fields(h(name), '1001', no)))

describe('names', () => {
  it('are looked up once, however many ask at once, and then known', async () => {
    handler = ({ ref, call }) => call === UCONF && reply(ref, uconf('Club'))
    const both = await Promise.all([session.names.conference(8), session.names.conference(8)])
    expect(both).toEqual([
      { confNo: 8, name: 'Club' },
      { confNo: 8, name: 'Club' },
    ])
    expect(await session.names.person(8)).toEqual({ persNo: 8, name: 'Club' })
    expect(made()).toEqual([UCONF])
  })

  it('follow a rename at once', async () => {
    handler = ({ ref, call }) => call === UCONF && reply(ref, uconf('Old'))
    await session.names.conference(8)
    server.connections[0]?.send(message(5, 8, h('Old'), h('New')))
    await expect.poll(async () => (await session.names.conference(8)).name).toBe('New')
    expect(made()).toEqual([UCONF])
  })

  it('follow a rename that comes in one packet with the reply that still has the old name', async () => {
    handler = ({ ref, call }, connection) => {
      if (call !== UCONF) return false
      connection.send(reply(ref, uconf('Old')), message(5, 8, h('Old'), h('New')))
      return true
    }
    await session.names.conference(8)
    expect((await session.names.conference(8)).name).toBe('New')
  })

  it('follow a rename that comes in one packet with a lookup that still has the old name', async () => {
    handler = ({ ref, call }, connection) => {
      if (call !== LOOKUP) return call === UCONF && reply(ref, uconf('New'))
      connection.send(reply(ref, found(['Old', 8])), message(5, 8, h('Old'), h('New')))
      return true
    }
    await session.names.lookup('o', { persons: true, conferences: true })
    expect((await session.names.conference(8)).name).toBe('New')
  })

  it('are forgotten when somebody else logs in, who may see less', async () => {
    handler = ({ ref, call }) =>
      call === UCONF ? reply(ref, uconf('Secret')) : [LOGIN, LOGOUT].includes(call) && reply(ref)
    await session.login({ persNo: 6 }, 'x')
    await session.names.conference(8)
    handler = ({ ref, call }) => (call === UCONF ? errorReply(ref, 9, 8) : [LOGIN, LOGOUT].includes(call) && reply(ref))
    expect((await session.names.conference(8)).name).toBe('Secret')
    await session.login({ persNo: 7 }, 'x')
    expect((await session.names.conference(8)).name).toBe('Conference 8 (does not exist)')
  })

  it('of what does not exist say so, and are asked for again', async () => {
    handler = ({ ref, call }) => call === UCONF && errorReply(ref, 9, 8)
    expect((await session.names.conference(8)).name).toBe('Conference 8 (does not exist)')
    expect((await session.names.person(8)).name).toBe('Person 8 (does not exist)')
    expect((await session.names.person(0)).name).toBe('Anonymous person')
    expect(made()).toEqual([UCONF, UCONF])
  })

  it('that cannot be had fail, for everybody who asked, and are asked for again', async () => {
    handler = ({ ref, call }) => call === UCONF && errorReply(ref, 45)
    const both = await Promise.allSettled([session.names.conference(8), session.names.conference(8)])
    expect(both.map((each) => each.status)).toEqual(['rejected', 'rejected'])
    handler = ({ ref, call }) => call === UCONF && reply(ref, uconf('Club'))
    expect((await session.names.conference(8)).name).toBe('Club')
  })

  it('are not kept without bound', async () => {
    handler = ({ ref, call, args }) => call === UCONF && reply(ref, uconf(`no ${args}`))
    for (let no = 1; no <= 2001; no++) await session.names.conference(no)
    await session.names.conference(2001)
    expect(made()).toHaveLength(2001)
    await session.names.conference(1)
    expect(made()).toHaveLength(2002)
  })
})

describe('login', () => {
  it('by name prefers the person whose whole name it is', async () => {
    handler = ({ ref, call }) => {
      if (call === LOOKUP) return reply(ref, found(['Exa Mples', 6], ['exa mple', 7], ['Exa Mple Two', 8]))
      return call === LOGIN && reply(ref)
    }
    expect(await session.login({ name: 'Exa Mple' }, 'x')).toEqual({ persNo: 7, name: 'exa mple' })
    expect(session.persNo).toBe(7)
    expect(made()).toEqual([LOOKUP, LOGIN])
  })

  it('takes two round trips by number, and who-am-i one more', async () => {
    handler = ({ ref, call }) => (call === UCONF ? reply(ref, uconf('Somebody')) : call === LOGIN && reply(ref))
    expect(await session.login({ persNo: 6 }, 'x')).toEqual({ persNo: 6, name: 'Somebody' })
    await session.whoAmI()
    expect(made()).toEqual([LOGIN, UCONF, 56])
  })

  it('waits for the calls before it, and those behind it wait', async () => {
    let others = 0
    handler = ({ ref, call }, connection) => {
      if (call === LOGIN) expect(others).toBe(0)
      others++
      setTimeout(() => {
        others--
        connection.send(call === UCONF ? reply(ref, uconf('x')) : call === LOGIN ? reply(ref) : reply(ref, 1))
      }, 10)
      return call !== 55
    }
    await Promise.all([session.whoAmI(), session.login({ persNo: 6 }, 'x'), session.whoAmI()])
    expect(session.persNo).toBe(6)
  })

  it('that fails leaves whoever was logged in', async () => {
    handler = ({ ref, call, args }) =>
      call === LOGIN && (args.toString().startsWith('6 ') ? reply(ref) : errorReply(ref, 4, 7))
    await session.login({ persNo: 6 }, 'x').catch(() => undefined)
    await expect(session.login({ persNo: 7 }, 'x')).rejects.toMatchObject({ errorName: 'invalid-password' })
    expect(session.persNo).toBe(6)
  })

  it('and logout are remembered', async () => {
    handler = ({ ref, call }) =>
      call === UCONF ? reply(ref, uconf('Somebody')) : [LOGIN, LOGOUT].includes(call) && reply(ref)
    await session.login({ persNo: 6 }, 'x')
    await session.logout()
    expect(session.persNo).toBe(0)
    expect((await session.whoAmI()).person).toBeNull()
  })
})

it('server info names the conferences side by side, and what is 0 is null', async () => {
  let waiting = 0
  handler = ({ ref, call, args }, connection) => {
    if (call === GET_INFO) return reply(ref, 20102, 1, 2, 0, 4, 7, '0 *')
    if (call !== UCONF) return false
    // Answered only when all three have been asked for: one after the other would wait for ever.
    waiting++
    const answer = () => (waiting === 3 ? connection.send(reply(ref, uconf(`no ${args}`))) : setTimeout(answer, 1))
    answer()
    return true
  }
  expect(await getServerInfo(session)).toEqual({
    version: 20102,
    confPresConf: { confNo: 1, name: 'no 1' },
    persPresConf: { confNo: 2, name: 'no 2' },
    motdConf: null,
    komNewsConf: { confNo: 4, name: 'no 4' },
    motdOfLyskom: 7,
  })
})
