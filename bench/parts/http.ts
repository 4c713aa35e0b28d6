import { availableParallelism } from 'node:os'
import { keepOn } from '../cores.ts'
import type { Parts } from '../http-load.ts'
import { type Child, startChild, startKomgate } from '../processes.ts'
import { startRealServer } from '../real-server.ts'
import { alternate, median, ratioOfMedians } from '../rounds.ts'
import type { Scope } from '../scope.ts'
import { precise, type Row } from '../table.ts'

const CONNECTIONS = 64
const WARM_UP_MS = 1500
/** Many short rounds instead of a few long ones, because process placement changes from second to second. */
const CALLS = 250
const P50_ROUNDS = 31
const THROUGHPUT_MS = 1000
const THROUGHPUT_ROUNDS = 7
const THROUGHPUT_AIM = '>= 0.45'

/** The address of a measured process. */
interface Place {
  pid: number
  port: number
}

/** A gateway and one of its LysKOM servers. */
interface Way extends Place {
  label: string
  /** name of its LysKOM server */
  backend: string
  logLevel: string
  path: string
  ids: string[]
}

/**
 * The core to which each process is pinned while single requests are timed. Waking a process on another core takes
 * several times as long as the rest of a bare call, so placement would dominate the result. The client asks the LysKOM
 * server directly for the bare call, and the gateway asks it otherwise.
 */
interface Layout {
  label: string
  client: string
  gateway: string
  /** core of the LysKOM server when the gateway asks it, and when the client does */
  server: string
  bareServer: string
  aim: string
}

const P50_AIM = '<= 1.25'
/** Each message goes to the other core, as between programs with their own cores. */
const APART: Layout = { label: '', client: '0', gateway: '1', server: '0', bareServer: '1', aim: P50_AIM }
const ANYWHERE: Layout = { label: ', on any core', ...everything(`0-${availableParallelism() - 1}`), aim: P50_AIM }
/** Each message stays on the core: the total work of all processes. */
const ON_ONE_CORE: Layout = { label: ', all on one core', ...everything('0'), aim: '' }

function everything(cores: string) {
  return { client: cores, gateway: cores, server: cores, bareServer: cores }
}

/** Measures the cost of the gateway: who-am-i through it against a bare Hono server and a bare call. */
export async function measureHttp(scope: Scope): Promise<Row[]> {
  const load = await startChild(scope, 'http-load')
  const hello = { ...(await startPlace(scope, 'hello-server')), path: '/hello' }
  const backends: Record<string, Place> = { fake: await startPlace(scope, 'fake-backend') }
  const real = await startRealServer(scope, 'http')
  if (real !== undefined) backends.lyskomd = real

  const servers = Object.fromEntries(Object.entries(backends).map(([backend, { port }]) => [backend, port]))
  const ways: Way[] = []
  for (const logLevel of ['info', 'silent']) {
    const { pid, port } = await startKomgate(scope, { servers, args: ['--log-level', logLevel] })
    for (const backend of Object.keys(backends)) {
      const ids = await load.call('openSessions', port, backend, CONNECTIONS)
      const label = logLevel === 'info' ? `on ${backend}` : `on ${backend}, access log off`
      ways.push({ label, backend, logLevel, pid, port, path: `/${backend}/sessions/current/who-am-i`, ids })
    }
  }
  // Warm up: a running gateway has compiled its code.
  for (const target of [hello, ...ways]) await load.call('throughput', target, CONNECTIONS, WARM_UP_MS)
  const logging = ways.filter(({ logLevel }) => logLevel === 'info')
  return [
    ...(await p50Rows(load, hello, backends, ways, APART)),
    ...(await p50Rows(load, hello, backends, logging, ON_ONE_CORE)),
    // Last, because the rows after it are not pinned either.
    ...(await p50Rows(load, hello, backends, logging, ANYWHERE)),
    ...(await throughputRows(load, hello, ways)),
  ]
}

async function startPlace(scope: Scope, role: 'hello-server' | 'fake-backend'): Promise<Place> {
  const child = await startChild(scope, role)
  return { pid: child.pid, port: await child.call('listen') }
}

async function p50Rows(
  load: Child<'http-load'>,
  hello: Place & { path: string },
  backends: Record<string, Place>,
  ways: Way[],
  layout: Layout,
): Promise<Row[]> {
  await keepOn(layout.client, load.pid)
  for (const { pid } of [hello, ...ways]) await keepOn(layout.gateway, pid)
  const p50OfParts = async ({ pid, port }: Place): Promise<Parts> => {
    await keepOn(layout.bareServer, pid)
    return await load.call('p50OfParts', hello, port, CALLS)
  }
  const p50 = async (way: Way): Promise<number> => {
    await keepOn(layout.server, (backends[way.backend] as Place).pid)
    return await load.call('p50', way, CALLS)
  }
  const times = await alternate<string, number | Parts>(P50_ROUNDS, {
    ...Object.fromEntries(Object.entries(backends).map(([name, place]) => [name, () => p50OfParts(place)])),
    ...Object.fromEntries(ways.map((way) => [way.label, () => p50(way)])),
  })
  return ways.map(({ label, backend }) => {
    const way = times[label] as number[]
    const parts = times[backend] as Parts[]
    const [helloTimes, callTimes] = [parts.map(({ hello }) => hello), parts.map(({ call }) => call)]
    return {
      what: `p50 of who-am-i ${label}${layout.label}`,
      against: 'Hono hello + bare call',
      ratio: ratioOfMedians(way, helloTimes, callTimes),
      aim: layout.aim,
      figures: `${ms(way)} / (${ms(helloTimes)} + ${ms(callTimes)}) ms`,
    }
  })
}

async function throughputRows(
  load: Child<'http-load'>,
  hello: { port: number; path: string },
  ways: Way[],
): Promise<Row[]> {
  const rates = await alternate<string>(THROUGHPUT_ROUNDS, {
    hello: () => load.call('throughput', hello, CONNECTIONS, THROUGHPUT_MS),
    ...Object.fromEntries(
      ways.map((way) => [way.label, () => load.call('throughput', way, CONNECTIONS, THROUGHPUT_MS)]),
    ),
  })
  return ways.map(({ label }) => {
    const [way, helloRates] = [rates[label], rates.hello] as [number[], number[]]
    return {
      what: `throughput of who-am-i ${label}`,
      against: `Hono hello, ${CONNECTIONS} connections`,
      ratio: ratioOfMedians(way, helloRates),
      aim: THROUGHPUT_AIM,
      figures: `${precise(median(way))} / ${precise(median(helloRates))} requests/s`,
    }
  })
}

function ms(times: readonly number[]): string {
  return median(times).toFixed(3)
}
