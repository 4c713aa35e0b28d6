import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DEFAULT_CONNECTION_SETTINGS, heartbeatFor } from '../../src/connection/settings.ts'
import { Registry, type RegistryLimitOptions } from '../../src/sessions/registry.ts'
import type { CountElsewhere, SessionCount, SharedCounts } from '../../src/sessions/shared-counts.ts'
import { handleOf } from '../../src/store/record.ts'
import { type FakeServer, startFakeServer } from '../support/fake-server.ts'

const client = { name: 'test', version: '1.0' }
const request = { serverId: 'kom', clientAddress: '192.0.2.1', client }

let server: FakeServer
const registries: Registry[] = []

beforeEach(async () => {
  server = await startFakeServer()
})
afterEach(async () => {
  for (const registry of registries.splice(0)) await registry.closeAll()
  await server.close()
})

function make(limits: Partial<RegistryLimitOptions> = {}, counts?: SharedCounts) {
  const registry = new Registry({
    servers: new Map([
      ['kom', { host: '127.0.0.1', port: server.port }],
      ['twin', { host: '127.0.0.1', port: server.port }],
      ['down', { host: '127.0.0.1', port: 1 }],
    ]),
    connections: {
      settings: DEFAULT_CONNECTION_SETTINGS,
      heartbeat: heartbeatFor(DEFAULT_CONNECTION_SETTINGS),
    },
    lyskom: { serverRetryMs: 1000, bodyCacheBytes: 1000 },
    limits: { sessionIdleMs: 60_000, loginIdleMs: 120_000, maxSessions: 10, maxSessionsPerAddress: 10, ...limits },
    counts,
  })
  registries.push(registry)
  const events: string[] = []
  registry.on('opened', ({ key }) => events.push(`opened ${handleOf(key)}`))
  registry.on('closed', ({ key }, reason) => events.push(`closed ${handleOf(key)}: ${reason}`))
  return { registry, events }
}

describe('Registry', () => {
  it('finds a session by its connection id on its own server only', async () => {
    const { registry } = make()
    const { id, session } = await registry.open(request)
    expect(registry.find('kom', id)).toBe(session)
    expect(registry.find('twin', id)).toBeUndefined()
    expect(registry.find('kom', id.toUpperCase())).toBeUndefined()
    expect(registry.find('kom', '__proto__')).toBeUndefined()
  })

  it('identifies a session in the log by a handle that is not part of its connection id', async () => {
    const { registry, events } = make()
    const { id, session } = await registry.open(request)
    const handle = handleOf(session.key)
    expect(handle).toMatch(/^[0-9a-f]{12}$/)
    expect(id).not.toContain(handle)
    expect(events).toEqual([`opened ${handle}`])
  })

  it('removes a session in the event-loop tick in which its connection ends', async () => {
    const { registry, events } = make()
    const { id, session } = await registry.open(request)
    const died = new Promise((resolve) => session.lyskom.connection.once('close', resolve))
    server.connections[0]?.end()
    await died
    expect(registry.find('kom', id)).toBeUndefined()
    expect(registry.size).toBe(0)
    expect(events.at(-1)).toBe(`closed ${handleOf(session.key)}: connection-ended`)
  })

  it('invalidates a connection id before the connection to the LysKOM server is closed', async () => {
    const { registry, events } = make()
    const { id, session } = await registry.open(request)
    const closing = session.close()
    expect(registry.find('kom', id)).toBeUndefined()
    await closing
    await session.close()
    expect(events.slice(1)).toEqual([`closed ${handleOf(session.key)}: deleted`])
    await server.connections[0]?.closed
  })

  it('closes idle sessions after the idle timeout and keeps those in use', async () => {
    const { registry, events } = make({ sessionIdleMs: 1000 })
    const { id: idleId, session: idle } = await registry.open(request)
    const { id: usedId, session: used } = await registry.open(request)
    const later = idle.lastUsed + 1001
    used.lastUsed = later
    registry.sweep(later)
    expect(registry.find('kom', idleId)).toBeUndefined()
    expect(registry.find('kom', usedId)).toBe(used)
    expect(events.at(-1)).toBe(`closed ${handleOf(idle.key)}: idle`)
    await server.connections[0]?.closed
  })

  it('restarts the idle timeout of a session that is found', async () => {
    const { registry } = make()
    const { id, session } = await registry.open(request)
    session.lastUsed = -1_000_000
    registry.find('kom', id)
    registry.sweep(performance.now())
    expect(registry.size).toBe(1)
  })

  it('keeps an idle session open while a stream is open', async () => {
    const { registry } = make()
    const { session } = await registry.open(request)
    session.beginStream()
    registry.sweep(session.lastUsed + 1_000_000)
    expect(registry.size).toBe(1)
  })

  it('sweeps idle sessions periodically', async () => {
    const { registry } = make({ sessionIdleMs: 50 })
    await registry.open(request)
    await expect.poll(() => registry.size, { timeout: 5000 }).toBe(0)
  })

  it('limits the total number of sessions, including those being opened', async () => {
    const { registry } = make({ maxSessions: 2 })
    const all = await Promise.allSettled(
      [1, 2, 3].map((n) => registry.open({ ...request, clientAddress: `192.0.2.${n}` })),
    )
    expect(all.map((each) => each.status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    expect(all[2]).toMatchObject({ reason: { code: 'sessions' } })
  })

  it('limits sessions per client address, and allows another when one is closed', async () => {
    const { registry } = make({ maxSessionsPerAddress: 1 })
    const { session } = await registry.open(request)
    await expect(registry.open(request)).rejects.toMatchObject({ code: 'sessions-per-address' })
    await registry.open({ ...request, clientAddress: '192.0.2.2' })
    await session.close()
    await registry.open(request)
  })

  it('does not count a session that cannot be opened', async () => {
    const { registry } = make({ maxSessions: 1, maxSessionsPerAddress: 1 })
    await expect(registry.open({ ...request, serverId: 'down' })).rejects.toMatchObject({ code: 'unreachable' })
    await registry.open(request)
  })

  it('reports whether each server is up and whether any server is reachable', async () => {
    const { registry } = make()
    const ups = () => ['kom', 'twin', 'down'].map((serverId) => registry.serverUp(serverId))
    expect([ups(), registry.isAnyReachable()]).toEqual([[null, null, null], true])
    await registry.open(request)
    await expect(registry.open({ ...request, serverId: 'down' })).rejects.toThrow()
    expect([ups(), registry.isAnyReachable()]).toEqual([[true, null, false], true])
    await server.close()
    for (const serverId of ['kom', 'twin', 'down']) {
      for (let n = 0; n < 3; n++) await expect(registry.open({ ...request, serverId })).rejects.toThrow()
    }
    expect([ups(), registry.isAnyReachable()]).toEqual([[false, false, false], false])
  })

  it('closes all sessions on shutdown, including those being opened, and rejects new ones', async () => {
    const { registry } = make()
    const { session } = await registry.open(request)
    const opening = registry.open(request)
    opening.catch(() => undefined)
    await registry.closeAll()
    await expect(opening).rejects.toMatchObject({ code: 'shutting-down' })
    await expect(registry.open(request)).rejects.toMatchObject({ code: 'shutting-down' })
    expect(session.lyskom.connection.dead?.code).toBe('connection-closed')
    await Promise.all(server.connections.map(({ closed }) => closed))
  })

  it('connects to no server when it shuts down while it waits for the counts of other processes', async () => {
    const published: SessionCount[] = []
    let reply: (elsewhere: CountElsewhere[]) => void = () => undefined
    const { registry } = make(
      {},
      {
        exchange: () => new Promise((resolve) => (reply = resolve)),
        publish: (counts) => void published.push(...counts),
      },
    )
    const opening = registry.open(request)
    let isClosed = false
    const closing = registry.closeAll().then(() => (isClosed = true))
    await new Promise(setImmediate)
    expect(isClosed).toBe(false)
    reply([{ sessions: 0 }])
    await expect(opening).rejects.toMatchObject({ code: 'shutting-down' })
    await closing
    expect(published).toEqual([['address 192.0.2.1', 0]])
    expect(server.connections).toHaveLength(0)
  })

  it('shares a check of a server that is already running, and makes another one afterwards', async () => {
    const { registry } = make()
    const checks = await Promise.all([registry.check('kom'), registry.check('kom'), registry.check('kom')])
    expect(new Set(checks).size).toBe(1)
    expect(server.connections).toHaveLength(1)
    await registry.check('kom')
    expect(server.connections).toHaveLength(2)
    await expect(Promise.allSettled([registry.check('down'), registry.check('down')])).resolves.toMatchObject([
      { reason: { code: 'unreachable' } },
      { reason: { code: 'unreachable' } },
    ])
    await expect(registry.check('kom')).resolves.toMatchObject({ replyMs: expect.any(Number) })
  })

  it('checks no server that is not configured, and none while it shuts down', async () => {
    const { registry } = make()
    await expect(registry.check('other')).rejects.toBeInstanceOf(RangeError)
    registry.drain()
    await expect(registry.check('kom')).rejects.toMatchObject({ code: 'shutting-down' })
    expect(server.connections).toHaveLength(0)
  })
})
