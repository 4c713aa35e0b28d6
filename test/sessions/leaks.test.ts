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
/** Sessions before the first measurement, in which code is compiled and buffers grow. */
const WARM_UP_SESSIONS = repetitions(5000)
/**
 * Maximum heap growth per closed session, bytes: with 10,000 sessions about a hundredth of the size of a session, with
 * 1000 a tenth. V8 continues to compile code, which causes up to half of that for any number of sessions; heap
 * snapshots after tens of thousands of sessions show no other growth.
 */
const MAX_BYTES_LEFT = 1_200_000 / SESSIONS
const IDLE_MS = 60_000
const CONCURRENT = 40
const LOGIN = 62
/**
 * Number of persons that log in. The gateway stores the known networks of up to 10,000 persons, so all persons log in
 * during the warm-up.
 */
const PERSONS = 300

/** The ways in which a session ends. */
const ENDINGS = ['abandoned', 'deleted', 'at-login', 'record-ended', 'person-ended', 'fin', 'rst', 'refused'] as const
type Ending = (typeof ENDINGS)[number]

/** What one session does, and how it ends. */
interface Plan {
  address: string
  logsIn: boolean
  ending: Ending
  /** number of steps until the session ends */
  steps: number
}

const plan: fc.Arbitrary<Plan> = fc.record({
  address: fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2'),
  logsIn: fc.boolean(),
  ending: fc.constantFrom(...ENDINGS),
  steps: fc.nat({ max: 5 }),
})

/** A session in the model of the gateway. */
interface OpenSession extends Plan {
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

/** Waits up to 2 s for a condition. `expect.poll` would keep references to the compared values. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await condition()); tries++) {
    if (tries > 100) throw new Error(`the condition is not met: ${condition}`)
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
  readonly live = new Map<string, OpenSession>()
  readonly #server: FakeServer
  #logins = 0

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
        loginIdleMs: IDLE_MS,
        // With low limits, a reservation that is not released soon causes an error.
        maxSessions: 7 * CONCURRENT,
        maxSessionsPerAddress: 7 * CONCURRENT,
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

  async open(plan: Plan): Promise<void> {
    const { session } = await this.registry.open({
      serverId: 'kom',
      clientAddress: plan.address,
      client: { name: 'test', version: '1' },
    })
    const persNo = (this.#logins++ % PERSONS) + 1
    this.live.set(session.key, { ...plan, session, persNo })
    if (plan.logsIn) await session.loginAs(persNo, 'secret', false)
  }

  /** Ends a session as planned; resolves when the registry has removed it. */
  async end(live: OpenSession): Promise<void> {
    const { session, ending, persNo } = live
    this.live.delete(session.key)
    const isClosed = new Promise<void>((resolve) => session.lyskom.connection.once('close', () => resolve()))
    await this.#end(session, ending, persNo)
    await isClosed
  }

  /** Opens some sessions, ends those whose steps have passed, and compares the gateway with the model. */
  async step(opening: readonly Plan[]): Promise<void> {
    const ending = [...this.live.values()].filter((each) => each.steps-- <= 0)
    await Promise.all([...opening.map((each) => this.open(each)), ...ending.map((each) => this.end(each))])
    let open = 0
    for (const { key } of this.registry.all()) if (this.live.has(key)) open++
    if (open !== this.live.size || open !== this.registry.size) {
      throw new Error(`the registry has ${this.registry.size} sessions, ${open} of the expected ${this.live.size}`)
    }
  }

  async #end(session: GatewaySession, ending: Ending, persNo: number): Promise<void> {
    switch (ending) {
      case 'abandoned':
        session.lastUsed -= 2 * IDLE_MS
        this.registry.sweep(performance.now())
        return
      case 'deleted':
        return session.close()
      case 'at-login': {
        // Only ten persons, since the gateway stores failed logins of each person for some time.
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
        this.#connectionOf(session).end()
        return
      case 'rst':
        this.#connectionOf(session).reset()
        return
      case 'refused':
        this.#connectionOf(session).send('%% LysKOM protocol error.\n')
        this.#connectionOf(session).end()
    }
  }

  #connectionOf(session: GatewaySession): FakeConnection {
    return this.#server.connections[session.lyskom.connection.sessionNo - 1] as FakeConnection
  }
}

it(`frees all memory of ${SESSIONS} sessions that end in any way and order`, { timeout: 120_000 }, async () => {
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
    const plans = fc.sample(plan, { numRuns: sessions, seed })
    for (let at = 0; at < plans.length || live.size > 0; at += CONCURRENT)
      await model.step(plans.slice(at, at + CONCURRENT))
    await Promise.all(server.connections.map(({ closed }) => closed))
    await until(async () => (await all(store.listActive('kom', Number.POSITIVE_INFINITY, 1))).length === 0)
    // The fake server keeps its closed connections, which hold memory.
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
