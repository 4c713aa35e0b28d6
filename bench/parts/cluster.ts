import { availableParallelism } from 'node:os'
import { freePort } from '../../test/support/free-port.ts'
import { type Komgate, startKomgate } from '../../test/support/komgate-process.ts'
import { redisInstalled, startRedis } from '../../test/support/redis-server.ts'
import type { Scope } from '../../test/support/scope.ts'
import { median } from '../../test/support/statistics.ts'
import { type Child, startChild } from '../child.ts'
import type { Target } from '../http-load.ts'
import { alternate, compare, precise, progress, type Row, runPart } from '../part.ts'
import { pin } from '../pin.ts'

const CONNECTIONS = 64
const WARM_UP_MS = 1500
const CALLS = 250
const P50_ROUNDS = 21
const THROUGHPUT_MS = 1000
const THROUGHPUT_ROUNDS = 7
const LATENCY_ROUNDS = 15
const LATENCY_TEXTS = 500
const ALL_CORES = `0-${availableParallelism() - 1}`
const LIMITS = ['--max-openings-per-minute', '1000000']

type Load = Child<typeof import('../http-load.ts')>
/** Two nodes, and the ports of LysKOM servers for the sessions at the own node and at the other one. */
interface EventStage {
  owner: Komgate
  other: Komgate
  near: number
  far: number
}

type EventLoad = Child<typeof import('../event-load.ts')>

/** Measures what a hop between two nodes costs: requests and events of sessions of one node, at that node and at another. */
async function measure(scope: Scope): Promise<Row[]> {
  if (!redisInstalled()) {
    process.stdout.write('cluster: Redis is not installed; the part is skipped\n')
    return []
  }
  const redis = scope.use(await startRedis(), (server) => server.close())
  const load: Load = await startChild(scope, 'http-load')
  const events: EventLoad = await startChild(scope, 'event-load')
  const fake = await startChild<typeof import('../fake-server.ts')>(scope, 'fake-server')
  const servers = {
    fake: await fake.call('listen'),
    near: await events.call('listen'),
    far: await events.call('listen'),
  }
  const node = async (): Promise<Komgate> => {
    const nodeUrl = `http://127.0.0.1:${await freePort()}`
    const cluster = ['--cluster', redis.url, '--cluster-key', 'k'.repeat(32), '--node-url', nodeUrl]
    return await startKomgate(scope, { servers, args: [...cluster, ...LIMITS] })
  }
  const [owner, other] = [await node(), await node()]
  return [
    ...(await requestRows(load, fake.pid, owner, other)),
    await eventRow(load, events, { owner, other, ...servers }),
  ]
}

/** who-am-i at the node of the session, and at the other one. */
async function requestRows(load: Load, fakePid: number, owner: Komgate, other: Komgate): Promise<Row[]> {
  const ids = await load.call('openSessions', owner.port, 'fake', CONNECTIONS)
  const local: Target = { port: owner.port, path: '/fake/sessions/current/who-am-i', ids }
  const forwarded: Target = { ...local, port: other.port }
  progress('warm-up')
  for (const target of [local, forwarded]) await load.call('throughput', target, CONNECTIONS, WARM_UP_MS)
  // Each message goes to the other core, as between programs with cores of their own.
  const place = async (cores: readonly [client: string, other: string, owner: string, fake: string]): Promise<void> => {
    for (const [i, pid] of [load.pid, other.pid, owner.pid, fakePid].entries()) await pin(cores[i] as string, pid)
  }
  const times = await alternate('median times', P50_ROUNDS, {
    local: async () => {
      await place(['0', ALL_CORES, '1', '0'])
      return await load.call('p50', local, CALLS)
    },
    forwarded: async () => {
      await place(['0', '1', '0', '1'])
      return await load.call('p50', forwarded, CALLS)
    },
  })
  await place([ALL_CORES, ALL_CORES, ALL_CORES, ALL_CORES])
  const rates = await alternate('throughput', THROUGHPUT_ROUNDS, {
    local: () => load.call('throughput', local, CONNECTIONS, THROUGHPUT_MS),
    forwarded: () => load.call('throughput', forwarded, CONNECTIONS, THROUGHPUT_MS),
  })
  const against = 'at its own node'
  return [
    compare({ what: 'p50 of who-am-i forwarded', against, aim: '<= 2.2' }, times.forwarded, times.local, 'ms'),
    compare(
      { what: 'throughput of who-am-i forwarded', against: `${against}, ${CONNECTIONS} connections`, aim: '>= 0.45' },
      rates.forwarded,
      rates.local,
      'requests/s',
    ),
  ]
}

/** The time from the bytes of a new text to its event, on a stream of the node of the session and of the other one. */
async function eventRow(load: Load, events: EventLoad, at: EventStage): Promise<Row> {
  const { owner, other } = at
  const open = async (serverId: string, port: number): Promise<void> => {
    const ids = await load.call('openSessions', owner.port, serverId, 1)
    await events.call('openStreams', { port, path: `/${serverId}/sessions/current/events`, ids })
  }
  await open('near', owner.port)
  await open('far', other.port)
  await pin('0', events.pid)
  await pin('1', owner.pid)
  await pin('0', other.pid)
  const times = await alternate('events', LATENCY_ROUNDS, {
    near: () => events.call('p50', owner.port, at.near, LATENCY_TEXTS),
    far: () => events.call('p50', other.port, at.far, LATENCY_TEXTS),
  })
  const names = { what: 'p50 from the bytes of a new text to its event, through a hop', against: 'at its own node' }
  const row = compare(names, times.far, times.near, 'ms')
  const more = precise(median(times.far) - median(times.near))
  return { ...row, aim: '1 ms more at most', figures: `${row.figures}, ${more} ms more` }
}

await runPart('cluster', measure)
