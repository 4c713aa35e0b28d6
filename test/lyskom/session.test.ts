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

describe('Names', () => {
  it('looks a name up once for concurrent requests and caches it', async () => {
    handler = ({ ref, call }) => call === UCONF && reply(ref, uconf('Club'))
    const both = await Promise.all([session.names.conference(8), session.names.conference(8)])
    expect(both).toEqual([
      { confNo: 8, name: 'Club' },
      { confNo: 8, name: 'Club' },
    ])
    expect(await session.names.person(8)).toEqual({ persNo: 8, name: 'Club' })
    expect(made()).toEqual([UCONF])
  })

  it('applies a rename immediately', async () => {
    handler = ({ ref, call }) => call === UCONF && reply(ref, uconf('Old'))
    await session.names.conference(8)
    server.connections[0]?.send(message(5, 8, h('Old'), h('New')))
    await expect.poll(async () => (await session.names.conference(8)).name).toBe('New')
    expect(made()).toEqual([UCONF])
  })

  it('applies a rename that arrives in the packet of the reply with the old name', async () => {
    handler = ({ ref, call }, connection) => {
      if (call !== UCONF) return false
      connection.send(reply(ref, uconf('Old')), message(5, 8, h('Old'), h('New')))
      return true
    }
    await session.names.conference(8)
    expect((await session.names.conference(8)).name).toBe('New')
  })

  it('applies a rename that arrives in the packet of a lookup with the old name', async () => {
    handler = ({ ref, call }, connection) => {
      if (call !== LOOKUP) return call === UCONF && reply(ref, uconf('New'))
      connection.send(reply(ref, found(['Old', 8])), message(5, 8, h('Old'), h('New')))
      return true
    }
    await session.names.lookup('o', { persons: true, conferences: true })
    expect((await session.names.conference(8)).name).toBe('New')
  })

  it('empties the cache when another person logs in', async () => {
    handler = ({ ref, call }) =>
      call === UCONF ? reply(ref, uconf('Secret')) : [LOGIN, LOGOUT].includes(call) && reply(ref)
    await session.login(6, 'x', false)
    await session.names.conference(8)
    handler = ({ ref, call }) => (call === UCONF ? errorReply(ref, 9, 8) : [LOGIN, LOGOUT].includes(call) && reply(ref))
    expect((await session.names.conference(8)).name).toBe('Secret')
    await session.login(7, 'x', false)
    expect((await session.names.conference(8)).name).toBe('Conference 8 (does not exist)')
  })

  it('finds the person whose full name matches among several matches', async () => {
    handler = ({ ref, call }) =>
      call === LOOKUP && reply(ref, found(['Exa Mples', 6], ['exa mple', 7], ['Exa Mple Two', 8]))
    expect(await session.names.onePerson('Exa Mple')).toEqual({ persNo: 7, name: 'exa mple' })
  })

  it('returns a placeholder for a missing conference or person and does not cache it', async () => {
    handler = ({ ref, call }) => call === UCONF && errorReply(ref, 9, 8)
    expect((await session.names.conference(8)).name).toBe('Conference 8 (does not exist)')
    expect((await session.names.person(8)).name).toBe('Person 8 (does not exist)')
    expect((await session.names.person(0)).name).toBe('Anonymous person')
    expect(made()).toEqual([UCONF, UCONF])
  })

  it('rejects all concurrent requests when a lookup fails and does not cache the failure', async () => {
    handler = ({ ref, call }) => call === UCONF && errorReply(ref, 45)
    const both = await Promise.allSettled([session.names.conference(8), session.names.conference(8)])
    expect(both.map((each) => each.status)).toEqual(['rejected', 'rejected'])
    handler = ({ ref, call }) => call === UCONF && reply(ref, uconf('Club'))
    expect((await session.names.conference(8)).name).toBe('Club')
  })

  it('limits the size of the cache', async () => {
    handler = ({ ref, call, args }) => call === UCONF && reply(ref, uconf(`no ${args}`))
    for (let no = 1; no <= 2001; no++) await session.names.conference(no)
    await session.names.conference(2001)
    expect(made()).toHaveLength(2001)
    await session.names.conference(1)
    expect(made()).toHaveLength(2002)
  })
})

describe('LyskomSession', () => {
  it('logs in after the calls before it, and delays the calls after it', async () => {
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
    await Promise.all([session.whoAmI(), session.login(6, 'x', false), session.whoAmI()])
    expect(session.persNo).toBe(6)
  })

  it('leaves the logged-in person unchanged when a login fails', async () => {
    handler = ({ ref, call, args }) =>
      call === LOGIN && (args.toString().startsWith('6 ') ? reply(ref) : errorReply(ref, 4, 7))
    await session.login(6, 'x', false)
    await expect(session.login(7, 'x', false)).rejects.toMatchObject({ errorName: 'invalid-password' })
    expect(session.persNo).toBe(6)
  })

  it('updates the logged-in person at login and logout', async () => {
    handler = ({ ref, call }) =>
      call === UCONF ? reply(ref, uconf('Anna')) : [LOGIN, LOGOUT].includes(call) && reply(ref)
    await session.login(6, 'x', false)
    await session.logout()
    expect(session.persNo).toBe(0)
    expect((await session.whoAmI()).person).toBeNull()
  })
})

it('getServerInfo looks all conferences up concurrently and returns null for number 0', async () => {
  let waiting = 0
  handler = ({ ref, call, args }, connection) => {
    if (call === GET_INFO) return reply(ref, 20102, 1, 2, 0, 4, 7, '0 *')
    if (call !== UCONF) return false
    // Reply only when all three have been requested, so that sequential requests would never finish.
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
