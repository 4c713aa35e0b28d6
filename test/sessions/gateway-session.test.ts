import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BodyCache } from '../../src/lyskom/body-cache.ts'
import { LyskomSession } from '../../src/lyskom/session.ts'
import type { GatewaySession, SessionEvents } from '../../src/sessions/gateway-session.ts'
import { type LoginLimitOptions, LoginLimits } from '../../src/sessions/login-limits.ts'
import type { SessionCount, SharedCounts } from '../../src/sessions/shared-counts.ts'
import { connectTo } from '../support/connection.ts'
import { type FakeServer, type Handler, startFakeServer } from '../support/fake-server.ts'
import { gatewaySession } from '../support/gateway-session.ts'
import { array, errorReply, fields, h, message, reply } from '../support/wire.ts'

const LOGOUT = 1
const SET_PASSWD = 8
const LOGIN = 62
const LOOKUP = 76
const UCONF = 78
const INVALID_PASSWORD = 4
const HANDSHAKE_CALLS = 4
const IDLE_MS = 1000
const LOGIN_IDLE_MS = 5000

/** Accepts the password `right` for every person, and replies to name lookups. */
const people: Handler = ({ ref, call, args }) => {
  const [first, second] = args.toString('latin1').split(' ')
  if (call === LOGIN || call === SET_PASSWD) {
    return second === '5Hright' ? reply(ref) : errorReply(ref, INVALID_PASSWORD, Number(first))
  }
  if (call === LOOKUP) return reply(ref, array([fields(h('Anna'), '1001', 6)]))
  if (call === UCONF) return reply(ref, h(`Person ${first}`), '10010000', 1, 77)
  return call === LOGOUT && reply(ref)
}

let server: FakeServer
let handler: Handler
let events: EventEmitter<SessionEvents>
let log: string[]
const sessions: GatewaySession[] = []

beforeEach(async () => {
  handler = people
  server = await startFakeServer((request, connection) => handler(request, connection))
  log = []
  events = new EventEmitter<SessionEvents>()
  events.on('person', ({ lyskom }) => log.push(`person ${lyskom.persNo}`))
  events.on('closed', (_, reason, requestId) => log.push(`closed ${reason}${requestId ? ` by ${requestId}` : ''}`))
})
afterEach(async () => {
  for (const session of sessions.splice(0)) await session.end('shutdown')
  await server.close()
})

/** Opens sessions that share login limits. */
async function open(
  options: LoginLimitOptions = {},
  addresses: readonly string[] = [],
): Promise<[GatewaySession, GatewaySession, GatewaySession]> {
  const context = { sessionIdleMs: IDLE_MS, loginIdleMs: LOGIN_IDLE_MS, logins: new LoginLimits(options), events }
  const one = async (address?: string): Promise<GatewaySession> => {
    const connection = await connectTo(server.port)
    const session = gatewaySession(
      new LyskomSession(connection, { name: 'test', version: '1.0' }, new BodyCache(1000)),
      context,
      address,
    )
    sessions.push(session)
    return session
  }
  return [await one(addresses[0]), await one(addresses[1]), await one(addresses[2])]
}

/** Returns the calls that a session made after the handshake. */
const calls = ({ lyskom }: GatewaySession): number[] =>
  (server.connections[lyskom.connection.sessionNo - 1]?.received ?? []).slice(HANDSHAKE_CALLS).map(({ call }) => call)

const isLimit = (limit: string) => expect.objectContaining({ code: limit })

describe('GatewaySession.login', () => {
  it('logs a person in by number and resolves with the name', async () => {
    const [session] = await open()
    expect(await session.login({ persNo: 6 }, 'right')).toEqual({ persNo: 6, name: 'Person 6' })
    expect(session.lyskom.persNo).toBe(6)
    expect(calls(session)).toEqual([LOGIN, UCONF])
    expect(log).toEqual(['person 6'])
  })

  it('logs a person in by name with two calls', async () => {
    const [session] = await open()
    expect(await session.login({ name: 'anna' }, 'right')).toEqual({ persNo: 6, name: 'Anna' })
    expect(calls(session)).toEqual([LOOKUP, LOGIN])
    expect(log).toEqual(['person 6'])
  })

  it('emits person only once when the same person logs in again', async () => {
    const [session] = await open()
    await session.loginAs(6, 'right', false)
    await session.loginAs(6, 'right', true)
    expect(log).toEqual(['person 6'])
  })

  it('rejects logins without calling the server after too many logins from the address', async () => {
    const [session, other] = await open({ maxLoginsPerMinute: 1 })
    await session.loginAs(6, 'right', false)
    for (const attempt of [
      () => other.login({ persNo: 7 }, 'right'),
      () => other.login({ name: 'anna' }, 'right'),
      () => other.loginAs(7, 'right', false),
    ]) {
      await expect(attempt()).rejects.toEqual(isLimit('logins-per-address'))
    }
    await expect(session.setPassword(6, 'right', 'new')).rejects.toEqual(isLimit('logins-per-address'))
    expect([calls(session), calls(other)]).toEqual([[LOGIN], []])
    expect([log, other.lyskom.persNo]).toEqual([['person 6'], 0])
  })

  it('rejects a login without calling the server while the person has too many sessions with streams', async () => {
    const [session, other] = await open({ maxSessionsPerPerson: 1 })
    await session.loginAs(6, 'right', false)
    session.beginStream()
    await expect(other.loginAs(6, 'right', false)).rejects.toEqual(isLimit('sessions-per-person'))
    expect([calls(other), log]).toEqual([[], ['person 6']])
    await session.loginAs(6, 'right', false)
  })

  it('rejects a login without calling the server after a wrong password for the same person', async () => {
    const [session, other] = await open({ freeLoginFailures: 1 })
    await expect(session.loginAs(6, 'wrong', false)).rejects.toMatchObject({ errorName: 'invalid-password' })
    await expect(other.login({ persNo: 6 }, 'right')).rejects.toEqual(isLimit('login-failures'))
    expect([calls(session), calls(other), log]).toEqual([[LOGIN], [], []])
    await other.loginAs(7, 'right', false)
    expect(log).toEqual(['person 7'])
  })

  it('keeps the previous person logged in when a login fails', async () => {
    const [session, other] = await open({ maxSessionsPerPerson: 1 })
    session.beginStream()
    await session.loginAs(6, 'right', false)
    await expect(session.loginAs(7, 'wrong', false)).rejects.toMatchObject({ errorName: 'invalid-password' })
    expect([session.lyskom.persNo, log]).toEqual([6, ['person 6']])
    await expect(other.loginAs(6, 'right', false)).rejects.toEqual(isLimit('sessions-per-person'))
  })

  it('counts the session for the person before it emits person', async () => {
    const [session, other] = await open({ maxSessionsPerPerson: 1 })
    session.beginStream()
    const attempts: Promise<unknown>[] = []
    events.once('person', () => attempts.push(other.loginAs(6, 'right', false).catch((error: unknown) => error)))
    await session.loginAs(6, 'right', false)
    expect(await Promise.all(attempts)).toEqual([isLimit('sessions-per-person')])
  })

  it('clears the cached names of the previous person', async () => {
    const [session] = await open()
    const names: string[] = []
    for (const person of [6, 7]) {
      await session.lyskom.names.conference(8)
      // The message arrives in the packet of the reply to the login, before the login continues.
      handler = (request, connection) => {
        if (request.call !== LOGIN) return people(request, connection)
        connection.send(reply(request.ref), message(5, 8, h('Old'), h('Secret')))
        return true
      }
      await session.loginAs(person, 'right', false)
      names.push((await session.lyskom.names.conference(8)).name)
    }
    expect(names).toEqual(['Person 8', 'Person 8'])
  })
})

describe('GatewaySession.login called twice concurrently', () => {
  it('counts the session for the person of the last reply only', async () => {
    const [session, other] = await open({ maxSessionsPerPerson: 1 })
    session.beginStream()
    await Promise.all([session.loginAs(6, 'right', false), session.loginAs(7, 'right', false)])
    expect([session.lyskom.persNo, log]).toEqual([7, ['person 6', 'person 7']])
    await expect(other.loginAs(7, 'right', false)).rejects.toEqual(isLimit('sessions-per-person'))
    await other.loginAs(6, 'right', false)
    await session.end('deleted')
    await other.loginAs(7, 'right', false)
  })

  it('logs only one of two sessions in if the person may have one session', async () => {
    const [session, other] = await open({ maxSessionsPerPerson: 1 })
    const both = await Promise.allSettled([session, other].map((each) => each.loginAs(6, 'right', false)))
    expect(both).toEqual([
      { status: 'fulfilled', value: undefined },
      { status: 'rejected', reason: isLimit('sessions-per-person') },
    ])
    expect(calls(other)).toEqual([])
  })
})

describe('GatewaySession.logout', () => {
  it('stops counting the session for the person and emits person', async () => {
    const [session, other] = await open({ maxSessionsPerPerson: 1 })
    session.beginStream()
    await session.loginAs(6, 'right', false)
    await session.logout()
    expect([session.lyskom.persNo, log]).toEqual([0, ['person 6', 'person 0']])
    await other.loginAs(6, 'right', false)
  })

  it('emits nothing in an anonymous session', async () => {
    const [session] = await open()
    await session.logout()
    expect([calls(session), log]).toEqual([[LOGOUT], []])
  })
})

describe('GatewaySession.setPassword', () => {
  it('counts a wrong old password as a failed login of the person', async () => {
    const [session, other] = await open({ freeLoginFailures: 1 })
    await session.loginAs(6, 'right', false)
    await session.setPassword(7, 'right', 'new')
    await expect(session.setPassword(7, 'wrong', 'new')).rejects.toMatchObject({ errorName: 'invalid-password' })
    await expect(session.setPassword(7, 'right', 'new')).rejects.toEqual(isLimit('login-failures'))
    await expect(other.loginAs(6, 'right', false)).rejects.toEqual(isLimit('login-failures'))
    expect(calls(session)).toEqual([LOGIN, SET_PASSWD, SET_PASSWD])
  })

  it('counts no failed logins in an anonymous session', async () => {
    const [session] = await open({ freeLoginFailures: 1, maxLoginsPerMinute: 1 })
    for (let i = 0; i < 3; i++) {
      await expect(session.setPassword(6, 'wrong', 'new')).rejects.toMatchObject({ errorName: 'invalid-password' })
    }
    await session.loginAs(6, 'right', false)
  })
})

describe('GatewaySession that ends during its login', () => {
  it.each<[string, (session: GatewaySession) => void, string]>([
    ['because the server closes the connection', () => server.connections[0]?.end(), 'closed connection-ended'],
    ['because the client closes it', (session) => void session.close(), 'closed deleted'],
  ])('rejects the login and counts a failed attempt (%s)', async (_, end, closed) => {
    const [session, other] = await open({ freeLoginFailures: 1 })
    handler = ({ call }) => call === LOGIN
    const login = session.loginAs(6, 'right', false)
    await expect.poll(() => calls(session)).toEqual([LOGIN])
    end(session)
    await expect(login).rejects.toMatchObject({ name: 'ConnectionError' })
    expect([session.hasEnded, log]).toEqual([true, [closed]])
    handler = people
    await expect(other.loginAs(6, 'right', false)).rejects.toEqual(isLimit('login-failures'))
  })

  it('is not counted for the person if it ends in the packet of the reply', async () => {
    const [session, other] = await open({ maxSessionsPerPerson: 1 })
    handler = (request, connection) => {
      if (request.call !== LOGIN || connection.index > 0) return people(request, connection)
      connection.send(reply(request.ref), '%% LysKOM protocol error.\n')
      return true
    }
    await session.loginAs(6, 'right', false)
    expect(log).toEqual(['closed connection-rejected'])
    await other.loginAs(6, 'right', false)
    expect(log).toEqual(['closed connection-rejected', 'person 6'])
  })
})

describe('GatewaySession.close', () => {
  it('waits for the requests in flight', async () => {
    const [session] = await open()
    session.beginRequest()
    const closing = session.close('admin')
    expect([session.isClosing, session.hasEnded]).toEqual([true, false])
    session.endRequest()
    await closing
    await session.whenEnded()
    expect([session.hasEnded, log]).toEqual([true, ['closed admin']])
  })

  it('ends the session after the response to the closing request, which is one of those in flight', async () => {
    const [session] = await open()
    session.beginRequest()
    let respond = (): void => undefined
    const response = new Promise<void>((resolve) => {
      respond = resolve
    })
    await session.close('deleted', { requestId: 'a', isOwn: true, response })
    expect([session.lyskom.connection.dead?.code, session.hasEnded]).toEqual(['connection-closed', false])
    respond()
    await session.whenEnded()
    expect([session.hasEnded, log]).toEqual([true, ['closed deleted by a']])
  })

  it('ends the session once, with the first reason', async () => {
    const [session] = await open()
    await Promise.all([session.close('idle'), session.close('deleted'), session.end('shutdown')])
    await session.close('admin')
    expect(log).toEqual(['closed idle'])
  })

  it('stops counting the session for its person', async () => {
    const [session, other] = await open({ maxSessionsPerPerson: 1 })
    await session.loginAs(6, 'right', false)
    await session.close()
    await other.loginAs(6, 'right', false)
    expect(log).toEqual(['person 6', 'closed deleted', 'person 6'])
  })
})

describe('GatewaySession.login at the maximum of sessions for one person', () => {
  /** Holds back the replies to logins until the test sends them. */
  function holdLogins(): (() => void)[] {
    const held: (() => void)[] = []
    handler = (request, connection) => {
      if (request.call !== LOGIN) return people(request, connection)
      held.push(() => connection.send(people(request, connection) as Buffer))
      return true
    }
    return held
  }

  it('closes the session that has been idle for the longest time, after the reply of the server', async () => {
    const [first, second, third] = await open({ maxSessionsPerPerson: 2 })
    await first.loginAs(6, 'right', false)
    await second.loginAs(6, 'right', false)
    first.renew()
    const held = holdLogins()
    const login = third.loginAs(6, 'right', false)
    await expect.poll(() => held.length).toBe(1)
    expect(log).toEqual(['person 6', 'person 6'])
    held[0]?.()
    await login
    expect(log.slice(2)).toEqual(['closed replaced', 'person 6'])
    expect([first, second, third].map(({ hasEnded }) => hasEnded)).toEqual([false, true, false])
  })

  it('closes no session when the password is wrong', async () => {
    const [first, second] = await open({ maxSessionsPerPerson: 1 })
    await first.loginAs(6, 'right', false)
    await expect(second.loginAs(6, 'wrong', false)).rejects.toMatchObject({ errorName: 'invalid-password' })
    expect([first.isClosing, log]).toEqual([false, ['person 6']])
  })

  it('prefers sessions without requests in flight', async () => {
    const [busy, idle, third] = await open({ maxSessionsPerPerson: 2 })
    await busy.loginAs(6, 'right', false)
    await idle.loginAs(6, 'right', false)
    busy.beginRequest()
    busy.lastUsed = 0
    await third.loginAs(6, 'right', false)
    expect([busy.isClosing, idle.hasEnded]).toEqual([false, true])
  })

  it('lets the requests in flight on the closed session finish', async () => {
    const [busy, other] = await open({ maxSessionsPerPerson: 1 })
    await busy.loginAs(6, 'right', false)
    busy.beginRequest()
    await other.loginAs(6, 'right', false)
    expect([busy.isClosing, busy.hasEnded]).toEqual([true, false])
    busy.endRequest()
    await busy.whenEnded()
    expect(log.at(-1)).toBe('closed replaced')
  })

  it('logs the session out if no other can be closed any more', async () => {
    const [first, second] = await open({ maxSessionsPerPerson: 1 })
    await second.loginAs(7, 'right', false)
    await first.loginAs(6, 'right', false)
    const held = holdLogins()
    const login = second.loginAs(6, 'right', false)
    await expect.poll(() => held.length).toBe(1)
    first.beginStream()
    held[0]?.()
    await expect(login).rejects.toEqual(isLimit('sessions-per-person'))
    expect([first.isClosing, second.lyskom.persNo]).toEqual([false, 0])
    expect(log).toEqual(['person 7', 'person 6', 'person 0'])
    expect(calls(second)).toEqual([LOGIN, LOGIN, LOGOUT])
    first.endStream()
    handler = people
    await second.loginAs(6, 'right', false)
    expect(log.slice(3)).toEqual(['closed replaced', 'person 6'])
  })

  it('closes no session whose login overlaps', async () => {
    const [first, second] = await open({ maxSessionsPerPerson: 1 }, ['192.0.2.1', '198.51.100.1'])
    const held = holdLogins()
    const logins = [first.loginAs(6, 'right', false), second.loginAs(6, 'right', false)]
    await expect.poll(() => held.length).toBe(2)
    for (const send of held) send()
    expect(await Promise.allSettled(logins)).toEqual([
      { status: 'fulfilled', value: undefined },
      { status: 'rejected', reason: isLimit('sessions-per-person') },
    ])
    expect([first, second].map(({ isClosing, lyskom }) => [isClosing, lyskom.persNo])).toEqual([
      [false, 6],
      [false, 0],
    ])
  })

  it('closes no session for a session that is being closed', async () => {
    const [first, second] = await open({ maxSessionsPerPerson: 1 })
    await first.loginAs(6, 'right', false)
    const held = holdLogins()
    second.beginRequest()
    const login = second.loginAs(6, 'right', false)
    await expect.poll(() => held.length).toBe(1)
    const closing = second.close()
    held[0]?.()
    await login
    second.endRequest()
    await closing
    expect([first.isClosing, second.hasEnded]).toEqual([false, true])
  })
})

describe('the sessions of a person that other processes count', () => {
  it('do not include one that is being closed, while it finishes a request', async () => {
    const published: SessionCount[] = []
    const publish = (counts: readonly SessionCount[]) => void published.push(...counts)
    const exchange = async (counts: readonly SessionCount[]) => counts.map(() => ({ sessions: 0 }))
    const counts: SharedCounts = { publish, exchange }
    const [session] = await open({ counts })
    await session.login({ persNo: 6 }, 'right')
    expect(published.at(-1)).toEqual(['person kom 6', 1])
    session.beginRequest()
    const closing = session.close('admin')
    expect(published.at(-1)).toEqual(['person kom 6', 0])
    session.endRequest()
    await closing
    expect(published.filter(([, sessions]) => sessions < 0)).toEqual([])
  })
})

it('GatewaySession.idleMs depends on whether a person is logged in', async () => {
  const [session] = await open()
  expect(session.idleMs).toBe(IDLE_MS)
  await session.loginAs(6, 'right', false)
  expect(session.idleMs).toBe(LOGIN_IDLE_MS)
  session.lastUsed = 0
  expect([LOGIN_IDLE_MS, LOGIN_IDLE_MS + 1].map((now) => session.hasTimedOut(now))).toEqual([false, true])
  await session.logout()
  expect(session.idleMs).toBe(IDLE_MS)
})

it('GatewaySession.hasTimedOut returns true after the idle timeout unless a stream is open', async () => {
  const [session] = await open()
  session.lastUsed = -10_000
  const times = [-10_000 + IDLE_MS, -10_000 + IDLE_MS + 1]
  expect(times.map((now) => session.hasTimedOut(now))).toEqual([false, true])
  session.beginStream()
  expect(times.map((now) => session.hasTimedOut(now))).toEqual([false, false])
  const now = performance.now()
  session.endStream()
  expect(session.lastUsed).toBeGreaterThanOrEqual(now)
})
