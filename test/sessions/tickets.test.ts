import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DEFAULT_CONNECTION_SETTINGS, heartbeatFor } from '../../src/connection/settings.ts'
import type { GatewaySession } from '../../src/sessions/gateway-session.ts'
import { LimitError } from '../../src/sessions/limit-error.ts'
import { Registry } from '../../src/sessions/registry.ts'
import { Tickets } from '../../src/sessions/tickets.ts'
import { type FakeServer, startFakeServer } from '../support/fake-server.ts'

let server: FakeServer
let registry: Registry
let tickets: Tickets
let now: number
beforeEach(async () => {
  server = await startFakeServer()
  registry = new Registry({
    servers: new Map([['kom', { host: '127.0.0.1', port: server.port }]]),
    connections: { settings: DEFAULT_CONNECTION_SETTINGS, heartbeat: heartbeatFor(DEFAULT_CONNECTION_SETTINGS) },
    lyskom: { serverRetryMs: 1000, bodyCacheBytes: 1000 },
    limits: { sessionIdleMs: 60_000, loginIdleMs: 60_000, maxSessions: 10, maxSessionsPerAddress: 10 },
  })
  now = 1000
  tickets = new Tickets(registry, { clock: () => now })
})
afterEach(async () => {
  await registry.closeAll()
  await server.close()
})

async function open(): Promise<GatewaySession> {
  const client = { name: 'test', version: '1.0' }
  return (await registry.open({ serverId: 'kom', clientAddress: '192.0.2.1', client })).session
}

describe('a ticket', () => {
  it('begins with the prefix, and has no more characters for it', async () => {
    let prefix = '0a7'
    const named = new Tickets(registry, { clock: () => now, prefix: () => prefix })
    const session = await open()
    const created = [named.create(session), named.create(session)]
    prefix = 'fff'
    created.push(named.create(session))
    expect(created.map((ticket) => ticket.slice(0, 3))).toEqual(['0a7', '0a7', 'fff'])
    for (const ticket of created) expect(ticket).toMatch(/^[\w-]{43}$/)
    for (const ticket of created) expect(named.use(ticket)).toBe(session)
    expect(named.use(created[0] as string)).toBeUndefined()
  })

  it('has 256 random bits in base64url and works once, for its session', async () => {
    const sessions = [await open(), await open()]
    const created = sessions.map((session) => tickets.create(session))
    for (const [i, ticket] of created.entries()) {
      expect(ticket).toMatch(/^[\w-]{43}$/)
      expect(tickets.use(ticket)).toBe(sessions[i])
      expect(tickets.use(ticket)).toBeUndefined()
    }
    expect(new Set(created).size).toBe(2)
    expect(tickets.size).toBe(0)
  })

  it('works for 30 s', async () => {
    const session = await open()
    const [first, second] = [tickets.create(session), tickets.create(session)]
    now += 29_999
    expect(tickets.use(first)).toBe(session)
    now += 1
    expect(tickets.use(second)).toBeUndefined()
  })

  it('works for the server that it was made for, and is used up by a request for another one', async () => {
    const session = await open()
    expect(tickets.use(tickets.create(session), 'kom')).toBe(session)
    const ticket = tickets.create(session)
    expect(tickets.use(ticket, 'twin')).toBeUndefined()
    expect(tickets.use(ticket, 'kom')).toBeUndefined()
  })

  it.each(['', 'x', '__proto__', 'A'.repeat(43)])('that was never made, %j, is invalid', (ticket) => {
    expect(tickets.use(ticket)).toBeUndefined()
  })

  it('is invalid and forgotten when its session has ended', async () => {
    const session = await open()
    const ticket = tickets.create(session)
    await session.end('deleted')
    expect(tickets.use(ticket)).toBeUndefined()
    expect(tickets.size).toBe(0)
  })

  it('is invalid while its session is closing', async () => {
    const session = await open()
    const ticket = tickets.create(session)
    session.beginRequest()
    const closing = session.close()
    expect(tickets.use(ticket)).toBeUndefined()
    session.endRequest()
    await closing
  })

  it('restarts the idle timeout', async () => {
    const session = await open()
    session.lastUsed = 0
    tickets.use(tickets.create(session))
    expect(session.lastUsed).toBeGreaterThan(0)
  })
})

it('a session has 100 unused tickets at most, until one is used or has expired', async () => {
  const session = await open()
  const created = Array.from({ length: 100 }, () => {
    now += 10
    return tickets.create(session)
  })
  expect(() => tickets.create(session)).toThrow(LimitError)
  // The first one was made 990 ms ago.
  expect(() => tickets.create(session)).toThrow(
    expect.objectContaining({ code: 'tickets-per-session', retryAfterMs: 29_010 }),
  )
  expect(tickets.create(await open())).toBeDefined()

  tickets.use(created[50] ?? '')
  created.push(tickets.create(session))
  expect(() => tickets.create(session)).toThrow(LimitError)

  now += 29_020
  // Two have expired.
  created.push(tickets.create(session), tickets.create(session))
  expect(() => tickets.create(session)).toThrow(LimitError)
  expect(tickets.size).toBe(101)

  now += 60_000
  tickets.create(session)
  expect(tickets.size).toBe(2)
})
