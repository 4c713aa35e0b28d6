import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { DEFAULT_CONNECTION_SETTINGS, heartbeatFor } from '../../src/connection/settings.ts'
import type { GatewaySession } from '../../src/sessions/gateway-session.ts'
import { SessionRecords } from '../../src/sessions/records.ts'
import { Registry } from '../../src/sessions/registry.ts'
import { MemoryBackend } from '../../src/store/backends/memory.ts'
import { SessionStore } from '../../src/store/store.ts'
import { all } from '../support/all.ts'
import { type FakeConnection, type FakeServer, startFakeServer } from '../support/fake-server.ts'
import { repetitions } from '../support/repetitions.ts'
import { reply } from '../support/wire.ts'

const SESSIONS = repetitions(10_000)
const ROUNDS = 5
/** Sessions before the first measurement, so that all code is compiled and all buffers have grown. */
const WARM_UP_SESSIONS = repetitions(5000)
/**
 * Bytes per closed session that are allowed to remain: with 10,000 sessions about a hundredth of the size of a session,
 * with 1000 a tenth. Up to half of that is code that V8 continues to compile, whatever the number of sessions: heap
 * snapshots after tens of thousands of sessions differ in nothing else.
 */
const MAX_BYTES_LEFT = 1_200_000 / SESSIONS
const IDLE_MS = 60_000
const AT_ONCE = 40
const LOGIN = 62
/**
 * Persons that log in. The gateway remembers the networks of up to 10,000 persons; all of these log in during the
 * warm-up.
 */
const PEOPLE = 300

/** The ways in which a session ends. */
const FATES = ['abandoned', 'deleted', 'at-login', 'record-ended', 'person-ended', 'fin', 'rst', 'refused'] as const
type Fate = (typeof FATES)[number]

/** The course of one session. */
interface Life {
  address: string
  logsIn: boolean
  fate: Fate
  /** number of steps until the session ends */
  steps: number
}

const life: fc.Arbitrary<Life> = fc.record({
  address: fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2'),
  logsIn: fc.boolean(),
  fate: fc.constantFrom(...FATES),
  steps: fc.nat({ max: 5 }),
})

/** A session in the model of the gateway. */
interface Live extends Life {
  session: GatewaySession
  persNo: number
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  for (let i = 0; i < 3; i++) gc()
}

/** Returns the objects that were not garbage-collected. */
function leftOf(refs: readonly WeakRef<object>[]): number {
  collectGarbage()
  return refs.filter((ref) => ref.deref() !== undefined).length
}

/** Throws unless two values are equal. Vitest's matchers would keep references to them. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isSo()); tries++) {
    if (tries > 100) throw new Error(`not so: ${isSo}`)
    await sleep(20)
  }
}

function count(name: string): number {
  return process.getActiveResourcesInfo().filter((each) => each === name).length
}

/** Returns the growth per step: the slope of the line that fits the values best. */
function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const above = values.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0)
  return above / values.reduce((sum, _, i) => sum + (i - middle) ** 2, 0)
}

/** The sessions and records of a gateway, compared with a plain map of the expected sessions. */
class Model {
  readonly registry: Registry
  readonly store = new SessionStore(new MemoryBackend({ maxRecords: 1000, maxBytes: 1_000_000 }))
  readonly records: SessionRecords
  readonly live = new Map<string, Live>()
  readonly #server: FakeServer
  #people = 0

  constructor(server: FakeServer) {
    this.#server = server
    this.registry = new Registry({
      servers: new Map([['kom', { host: '127.0.0.1', port: server.port }]]),
      connections: {
        settings: DEFAULT_CONNECTION_SETTINGS,
        heartbeat: heartbeatFor(DEFAULT_CONNECTION_SETTINGS),
      },
      lyskom: { serverRetryMs: 1000, bodyCacheBytes: 1000 },
      limits: {
        sessionIdleMs: IDLE_MS,
        // Low limits, so that a slot that is not released causes an error soon.
        maxSessions: 7 * AT_ONCE,
        maxSessionsPerAddress: 7 * AT_ONCE,
        maxSessionsPerPerson: 1,
      },
    })
    this.records = new SessionRecords({
      registry: this.registry,
      store: this.store,
      idleMs: IDLE_MS,
      onStore: (state, reason) => {
        throw new Error(`the store is ${state}`, { cause: reason })
      },
    })
  }

  async open(life: Life): Promise<void> {
    const { session } = await this.registry.open({
      serverId: 'kom',
      clientAddress: life.address,
      client: { name: 'test', version: '1' },
    })
    const persNo = (this.#people++ % PEOPLE) + 1
    this.live.set(session.key, { ...life, session, persNo })
    if (life.logsIn) await session.loginAs(persNo, 'secret', false)
  }

  /** Ends a session as planned; resolves when the registry has removed it. */
  async end(live: Live): Promise<void> {
    const { session, fate, persNo } = live
    this.live.delete(session.key)
    const gone = new Promise<void>((resolve) => session.lyskom.connection.once('close', () => resolve()))
    await this.#end(session, fate, persNo)
    await gone
  }

  /** Opens some sessions, ends those that are due, and compares the gateway with the model. */
  async step(opening: readonly Life[]): Promise<void> {
    const ending = [...this.live.values()].filter((each) => each.steps-- <= 0)
    await Promise.all([...opening.map((each) => this.open(each)), ...ending.map((each) => this.end(each))])
    let open = 0
    for (const { key } of this.registry.all()) if (this.live.has(key)) open++
    if (open !== this.live.size || open !== this.registry.size) {
      throw new Error(`${this.registry.size} sessions, ${open} of them right, and not ${this.live.size}`)
    }
  }

  async #end(session: GatewaySession, fate: Fate, persNo: number): Promise<void> {
    switch (fate) {
      case 'abandoned':
        session.lastUsed -= 2 * IDLE_MS
        this.registry.sweep(performance.now())
        return
      case 'deleted':
        return session.close()
      case 'at-login': {
        // Few logins are aborted, since the gateway remembers these persons for a while.
        const trying = session.loginAs(60_001 + (persNo % 10), 'secret', false).catch(() => undefined)
        await Promise.all([session.close(), trying])
        return
      }
      case 'record-ended':
        await this.records.ready(session)
        await this.store.end('kom', session.key)
        return
      case 'person-ended':
        if (session.lyskom.persNo === 0) await session.loginAs(persNo, 'secret', false)
        await this.records.ready(session)
        await this.store.endUser('kom', String(persNo))
        return
      case 'fin':
        this.#line(session).end()
        return
      case 'rst':
        this.#line(session).reset()
        return
      case 'refused':
        this.#line(session).send('%% LysKOM protocol error.\n')
        this.#line(session).end()
    }
  }

  #line(session: GatewaySession): FakeConnection {
    return this.#server.connections[session.lyskom.connection.sessionNo - 1] as FakeConnection
  }
}

it(`leaves nothing in memory of ${SESSIONS} sessions that end in any way and order`, { timeout: 120_000 }, async () => {
  const server = await startFakeServer(({ ref, call }) => call === LOGIN && reply(ref))
  const model = new Model(server)
  const { registry, store, live } = model
  const refs: WeakRef<object>[] = []
  registry.on('opened', (session) => {
    refs.push(new WeakRef(session), new WeakRef(session.lyskom), new WeakRef(session.lyskom.connection))
  })
  const seed = Number(process.env.LEAK_SEED ?? Date.now() % 2 ** 31)

  /** Runs one round; resolves with the size of the heap after all its sessions ended. */
  const round = async (sessions: number, seed: number): Promise<number> => {
    const lives = fc.sample(life, { numRuns: sessions, seed })
    for (let at = 0; at < lives.length || live.size > 0; at += AT_ONCE) await model.step(lives.slice(at, at + AT_ONCE))
    await Promise.all(server.connections.map(({ closed }) => closed))
    await until(async () => (await all(store.listActive('kom', Number.POSITIVE_INFINITY, 1))).length === 0)
    // The fake server keeps its past connections.
    ;(server.connections as FakeConnection[]).length = 0
    if (refs.length !== 3 * sessions) throw new Error(`${refs.length} references`)
    await until(async () => leftOf(refs) === 0)
    refs.length = 0
    collectGarbage()
    return process.memoryUsage().heapUsed
  }

  try {
    const before = { sockets: count('TCPSocketWrap'), timers: count('Timeout') }
    await round(WARM_UP_SESSIONS, seed)
    const held: number[] = []
    for (let i = 1; i <= ROUNDS; i++) held.push(await round(SESSIONS / ROUNDS, seed + i))

    expect(registry.size).toBe(0)
    expect(count('Timeout')).toBeLessThanOrEqual(before.timers)
    await expect.poll(() => count('TCPSocketWrap')).toBeLessThanOrEqual(before.sockets)
    expect(slope(held) / (SESSIONS / ROUNDS)).toBeLessThan(MAX_BYTES_LEFT)
  } catch (error) {
    throw new Error(`LEAK_SEED=${seed}`, { cause: error })
  } finally {
    await registry.closeAll()
    await model.records.close()
    await server.close()
  }
})
