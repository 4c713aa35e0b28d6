import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { DEFAULT_CONNECTION_SETTINGS, heartbeatFor } from '../../src/connection/settings.ts'
import type { GatewaySession } from '../../src/sessions/gateway-session.ts'
import { SessionRecords } from '../../src/sessions/records.ts'
import { Registry } from '../../src/sessions/registry.ts'
import { MemoryBackend } from '../../src/store/backends/memory.ts'
import { StoreError } from '../../src/store/errors.ts'
import { keyOf } from '../../src/store/record.ts'
import { SessionStore } from '../../src/store/store.ts'
import { all } from '../support/all.ts'
import { type FakeServer, startFakeServer } from '../support/fake-server.ts'
import { reply } from '../support/wire.ts'

const request = { serverId: 'kom', clientAddress: '192.0.2.1', client: { name: 'test', version: '1.0' } }
const LOGIN_AND_LOGOUT = [62, 1]
const IDLE_MS = 60_000

/** A backend that can be made unavailable and lose its records. */
class Fragile extends MemoryBackend {
  isUnavailable = false
  override interruptions = 0

  override async insert(...args: Parameters<MemoryBackend['insert']>) {
    this.#check()
    await super.insert(...args)
  }

  override async find(...args: Parameters<MemoryBackend['find']>) {
    this.#check()
    return await super.find(...args)
  }

  override async touch(...args: Parameters<MemoryBackend['touch']>) {
    this.#check()
    return await super.touch(...args)
  }

  override async remove(...args: Parameters<MemoryBackend['remove']>) {
    this.#check()
    return await super.remove(...args)
  }

  override async sweep(...args: Parameters<MemoryBackend['sweep']>) {
    this.#check()
    await super.sweep(...args)
  }

  makeUnavailable(): void {
    this.isUnavailable = true
    this.interruptions++
  }

  #check(): void {
    if (this.isUnavailable) throw new StoreError('unavailable', 'the store is unavailable')
  }
}

let server: FakeServer
let registry: Registry
let backend: Fragile
let store: SessionStore
let records: SessionRecords
let states: string[]

beforeEach(async () => {
  server = await startFakeServer(({ ref, call }) => LOGIN_AND_LOGOUT.includes(call) && reply(ref))
  backend = new Fragile({ maxRecords: 100, maxBytes: 100_000 })
  store = new SessionStore(backend)
  registry = new Registry({
    servers: new Map([['kom', { host: '127.0.0.1', port: server.port }]]),
    connections: {
      settings: DEFAULT_CONNECTION_SETTINGS,
      heartbeat: heartbeatFor(DEFAULT_CONNECTION_SETTINGS),
    },
    lyskom: { serverRetryMs: 1000, bodyCacheBytes: 1000 },
    limits: { sessionIdleMs: IDLE_MS, loginIdleMs: IDLE_MS, maxSessions: 100, maxSessionsPerAddress: 100 },
  })
  states = []
  records = new SessionRecords({ registry, store, idleMs: IDLE_MS, onStore: (state) => states.push(state) })
})
afterEach(async () => {
  await registry.closeAll()
  await records.close()
  await server.close()
})

async function open() {
  const { session } = await registry.open(request)
  await records.ready(session)
  return session
}

describe('SessionRecords', () => {
  it('keeps a record with the current user while a session lives', async () => {
    const session = await open()
    expect(await store.find('kom', session.key)).toMatchObject({
      app: 'kom',
      user: '',
      name: 'test 1.0',
      ip: '192.0.2.1',
      endsAt: null,
    })
    await session.loginAs(7, 'secret', false)
    await records.ready(session)
    expect(await all(store.listUser('kom', '7'))).toHaveLength(1)
    await session.logout()
    await records.ready(session)
    expect(await all(store.listUser('kom', '7'))).toEqual([])
    await session.close()
    await records.ready(session)
    expect(await store.find('kom', session.key)).toBeUndefined()
    expect(states).toEqual([])
  })

  it('sets the idle timeout of a record longer than that of its session', async () => {
    const { key } = await open()
    const record = await store.find('kom', key)
    expect(record?.idleMs).toBeGreaterThan(IDLE_MS)
    expect(record?.idleMs).toBeLessThan(2 * IDLE_MS)
  })

  it('closes a session when its record is ended', async () => {
    const session = await open()
    const reasons: string[] = []
    registry.on('closed', (_, reason) => reasons.push(reason))
    await store.endUser('kom', '')
    expect(registry.byKey(session.key)).toBeUndefined()
    expect(reasons).toEqual(['ended'])
    await server.connections[0]?.closed
  })

  it('touches the records of used sessions and of sessions with streams periodically', async () => {
    const [used, held, idle] = [await open(), await open(), await open()]
    await records.sync()
    for (const session of [used, held, idle]) session.lastUsed = performance.now() - 1000
    await records.sync()
    const before = await Promise.all([used, held, idle].map(({ key }) => store.find('kom', key)))
    used.renew()
    held.beginStream()
    await records.sync()
    const after = await Promise.all([used, held, idle].map(({ key }) => store.find('kom', key)))
    expect(after.map((record, i) => (record?.reads ?? 0) - (before[i]?.reads ?? 0))).toEqual([1, 1, 0])
  })

  it('closes a session at the next sync after another process ended its record', async () => {
    const session = await open()
    await backend.remove(session.key)
    session.renew()
    await records.sync()
    expect(registry.byKey(session.key)).toBeUndefined()
  })

  it('does not restore a record at a login after another process ended it', async () => {
    const session = await open()
    await backend.remove(session.key)
    await session.loginAs(7, 'secret', false)
    await records.ready(session)
    expect(registry.byKey(session.key)).toBeUndefined()
    expect(await store.find('kom', session.key)).toBeUndefined()
  })

  it('does not delay a request in flight when another process ended the record', async () => {
    const session = await open()
    session.beginRequest()
    await backend.remove(session.key)
    await session.loginAs(7, 'secret', false)
    const started = performance.now()
    expect(await records.readData(session)).toBeUndefined()
    expect(performance.now() - started).toBeLessThan(1000)
    session.endRequest()
    await server.connections[0]?.closed
    expect(registry.byKey(session.key)).toBeUndefined()
  })

  it('keeps sessions open while the store is unavailable and writes their records afterwards', async () => {
    const before = await open()
    backend.makeUnavailable()
    const { session } = await registry.open(request)
    await expect(records.ready(session)).rejects.toMatchObject({ code: 'unavailable' })
    await before.loginAs(7, 'secret', false)
    await records.sync()
    expect(registry.size).toBe(2)
    backend.isUnavailable = false
    await records.sync()
    expect(await store.find('kom', session.key)).toMatchObject({ user: '' })
    expect(await store.find('kom', before.key)).toMatchObject({ user: '7' })
    await records.ready(session)
    expect(registry.size).toBe(2)
    expect(states).toEqual(['unavailable', 'available'])
  })

  it('creates a record once for parallel requests after an outage of the store', async () => {
    backend.makeUnavailable()
    const { session } = await registry.open(request)
    await expect(records.ready(session)).rejects.toMatchObject({ code: 'unavailable' })
    backend.isUnavailable = false
    const insert = vi.spyOn(backend, 'insert')
    await Promise.all([records.ready(session), records.ready(session), records.readData(session)])
    expect(insert.mock.calls.filter(([{ key }]) => key === session.key)).toHaveLength(1)
  })

  it('clears the data of another person after a login during an outage of the store', async () => {
    const session = await open()
    await session.loginAs(7, 'secret', false)
    expect(await records.mergeData(session, { draft: 'a secret letter' }, 1000)).toEqual({ draft: 'a secret letter' })
    backend.makeUnavailable()
    await session.loginAs(8, 'secret', false)
    await expect(records.readData(session)).rejects.toMatchObject({ code: 'unavailable' })
    await expect(records.mergeData(session, { a: 1 }, 1000)).rejects.toMatchObject({ code: 'unavailable' })
    backend.isUnavailable = false
    expect(await Promise.all([records.readData(session), records.readData(session)])).toEqual([{}, {}])
    expect(await store.find('kom', session.key)).toMatchObject({ user: '8', data: {} })
  })

  it('restores records that the store has lost', async () => {
    const session = await open()
    await session.loginAs(7, 'secret', false)
    await records.ready(session)
    await backend.close()
    backend.interruptions++
    session.renew()
    await records.sync()
    expect(await store.find('kom', session.key)).toMatchObject({ user: '7' })
    expect(registry.byKey(session.key)).toBe(session)
  })

  it('removes the record of a session that ends while the record is being written', async () => {
    const { session } = await registry.open(request)
    const closing = session.close()
    await records.ready(session)
    await closing
    await records.close()
    expect(await backend.find(session.key)).toBeUndefined()
  })

  it('removes records of sessions that ended during an outage when the store is available again', async () => {
    const [deleted, idle, own] = [await open(), await open(), await open()]
    await own.loginAs(7, 'secret', false)
    await records.ready(own)
    backend.makeUnavailable()
    await deleted.close()
    idle.lastUsed = performance.now() - IDLE_MS - 1
    registry.sweep(performance.now())
    await own.logout()
    await expect.poll(() => store.ends.size).toBe(2)
    backend.isUnavailable = false
    await records.sync()
    for (const { key } of [deleted, idle]) expect(await backend.find(key)).toBeUndefined()
    expect(await all(store.listUser('kom', '7'))).toEqual([])
    expect(store.ends.size).toBe(0)
  })

  it('lists no records whose removal is pending, even before the next sync', async () => {
    const session = await open()
    backend.makeUnavailable()
    await session.close()
    await expect.poll(() => store.ends.size).toBe(1)
    backend.isUnavailable = false
    expect(await all(store.listUser('kom', ''))).toEqual([])
  })
})

/** A backend that several processes share. */
class Shared extends Fragile {
  override readonly isPrivate = false
}

describe('SessionRecords with several processes and clocks', () => {
  let now: number
  let shared: Shared
  let own: SessionStore
  let ownRecords: SessionRecords
  /** Returns the store of another process, whose clock is ahead. */
  const other = (aheadMs: number) => new SessionStore(shared, { clock: () => now + aheadMs, isElsewhere: () => true })

  beforeEach(() => {
    now = Date.UTC(2026, 0, 1)
    shared = new Shared({ maxRecords: 100, maxBytes: 100_000 })
    own = new SessionStore(shared, { clock: () => now })
    ownRecords = new SessionRecords({ registry, store: own, idleMs: IDLE_MS, onStore: () => undefined })
  })
  afterEach(() => ownRecords.close())

  const openOne = async () => {
    const { session } = await registry.open(request)
    await ownRecords.ready(session)
    return session
  }

  it.each([60_000, 40 * 60_000, 10 * 365 * 86_400_000])('keeps records through a clock step of %i ms', async (step) => {
    const session = await openOne()
    await own.merge('kom', session.key, { a: 1 })
    now += IDLE_MS + step
    session.renew()
    await ownRecords.sync()
    expect(registry.byKey(session.key)).toBe(session)
    expect(await own.find('kom', session.key)).toMatchObject({ data: { a: 1 }, lastActive: now })
  })

  it('restores records after a process whose clock is ahead has swept them', async () => {
    const session = await openOne()
    await session.loginAs(7, 'secret', false)
    await ownRecords.ready(session)
    await other(40 * 60_000).sweep()
    expect(await shared.find(session.key)).toBeUndefined()
    session.renew()
    await ownRecords.sync()
    expect(registry.byKey(session.key)).toBe(session)
    expect(await all(own.listUser('kom', '7'))).toHaveLength(1)
  })

  it('restores a record for session data after a process whose clock is ahead has swept it', async () => {
    const session = await openOne()
    for (const ask of [() => ownRecords.readData(session), () => ownRecords.mergeData(session, { a: null }, 1000)]) {
      await other(40 * 60_000).sweep()
      expect(await ask()).toEqual({})
    }
    expect(registry.byKey(session.key)).toBe(session)
  })

  it('restores a record once for parallel requests for session data', async () => {
    const session = await openOne()
    await other(40 * 60_000).sweep()
    const insert = vi.spyOn(shared, 'insert')
    const read = () => ownRecords.readData(session)
    expect(await Promise.all([read(), read(), read()])).toEqual([{}, {}, {}])
    expect(insert.mock.calls.filter(([{ key }]) => key === session.key)).toHaveLength(1)
  })

  it('restores a record at a login after a process whose clock is ahead has swept it', async () => {
    const session = await openOne()
    await other(40 * 60_000).sweep()
    await session.loginAs(7, 'secret', false)
    await ownRecords.ready(session)
    expect(registry.byKey(session.key)).toBe(session)
    expect(await all(own.listUser('kom', '7'))).toHaveLength(1)
  })

  it('closes a session when another process ends its record, and leaves no end note in the store', async () => {
    const ends = [
      ({ key }: GatewaySession) => other(0).end('kom', key),
      () => other(0).endUser('kom', ''),
      () => other(0).endApp('kom'),
    ]
    for (const end of ends) {
      const session = await openOne()
      await end(session)
      session.renew()
      await ownRecords.sync()
      expect(registry.byKey(session.key)).toBeUndefined()
      await own.sweep()
      expect(await all(shared.activeSince('kom', 0, now, 10))).toEqual([])
      expect(await all(shared.activeSince('komgate:ended', 0, now, 10))).toEqual([])
    }
  })

  it('closes a session when another process ends its record during an interruption of this process', async () => {
    const session = await openOne()
    await other(0).end('kom', session.key)
    shared.interruptions++
    await ownRecords.sync()
    expect(registry.byKey(session.key)).toBeUndefined()
    expect(await shared.find(session.key)).toBeUndefined()
  })

  it('closes a session when another process ends its record in a full store', async () => {
    const session = await openOne()
    for (let i = 1; i < 100; i++) await own.create({ key: keyOf(`${i}`), app: 'other', user: 'u' })
    await other(0).end('kom', session.key)
    session.renew()
    await ownRecords.sync()
    expect(registry.byKey(session.key)).toBeUndefined()
  })
})
