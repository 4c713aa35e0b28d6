import { type Child, startChild, startKomgate } from '../processes.ts'
import { startRealServer } from '../real-server.ts'
import { alternate, median, medianRatio } from '../rounds.ts'
import type { Scope } from '../scope.ts'
import { precise, type Row } from '../table.ts'

const CONNECTIONS = 64
const WARM_UP_MS = 1500
const CALLS = 800
const P50_ROUNDS = 9
const THROUGHPUT_MS = 1000
const THROUGHPUT_ROUNDS = 5
const P50_AIM = '<= 1.25'
const THROUGHPUT_AIM = '>= 0.45'

/** A komgate and one of its LysKOM servers. */
interface Way {
  label: string
  /** name of the backend's own measurement */
  bare: string
  port: number
  path: string
  ids: string[]
}

/** What the gateway costs: who-am-i through komgate, against a bare Hono server and a bare call. */
export async function measureHttp(scope: Scope): Promise<Row[]> {
  const load = await startChild(scope, 'http-load')
  const hello = { port: await (await startChild(scope, 'hello-server')).call('listen'), path: '/hello' }
  const backends: Record<string, number> = {
    fake: await (await startChild(scope, 'fake-backend')).call('listen'),
  }
  const real = await startRealServer(scope, 'http')
  if (real !== undefined) backends.lyskomd = real

  const ways: Way[] = []
  for (const level of ['info', 'silent']) {
    const { port } = await startKomgate(scope, { servers: backends, args: ['--log-level', level] })
    for (const backend of Object.keys(backends)) {
      const ids = await load.call('openSessions', port, backend, CONNECTIONS)
      const label = level === 'info' ? `on ${backend}` : `on ${backend}, access log off`
      ways.push({ label, bare: `bare ${backend}`, port, path: `/${backend}/sessions/current/who-am-i`, ids })
    }
  }
  // Code that is not compiled yet is not what a gateway runs.
  for (const target of [hello, ...ways]) await load.call('throughput', target, CONNECTIONS, WARM_UP_MS)
  return [...(await p50Rows(load, hello, backends, ways)), ...(await throughputRows(load, hello, ways))]
}

async function p50Rows(
  load: Child<'http-load'>,
  hello: { port: number; path: string },
  backends: Record<string, number>,
  ways: Way[],
): Promise<Row[]> {
  const times = await alternate(P50_ROUNDS, {
    hello: () => load.call('p50', hello, CALLS),
    ...Object.fromEntries(
      Object.entries(backends).map(([backend, port]) => [
        `bare ${backend}`,
        () => load.call('p50OfBareCall', port, CALLS),
      ]),
    ),
    ...Object.fromEntries(ways.map((way) => [way.label, () => load.call('p50', way, CALLS)])),
  } as Record<string, () => Promise<number>>)
  return ways.map(({ label, bare }) => {
    const [way, helloTimes, bareTimes] = [times[label], times.hello, times[bare]] as [number[], number[], number[]]
    return {
      what: `p50 of who-am-i ${label}`,
      against: 'Hono hello + bare call',
      ratio: medianRatio(way, helloTimes, bareTimes),
      aim: P50_AIM,
      figures: `${ms(way)} / (${ms(helloTimes)} + ${ms(bareTimes)}) ms`,
    }
  })
}

async function throughputRows(
  load: Child<'http-load'>,
  hello: { port: number; path: string },
  ways: Way[],
): Promise<Row[]> {
  const rates = await alternate(THROUGHPUT_ROUNDS, {
    hello: () => load.call('throughput', hello, CONNECTIONS, THROUGHPUT_MS),
    ...Object.fromEntries(
      ways.map((way) => [way.label, () => load.call('throughput', way, CONNECTIONS, THROUGHPUT_MS)]),
    ),
  } as Record<string, () => Promise<number>>)
  return ways.map(({ label }) => {
    const [way, helloRates] = [rates[label], rates.hello] as [number[], number[]]
    return {
      what: `throughput of who-am-i ${label}`,
      against: `Hono hello, ${CONNECTIONS} connections`,
      ratio: medianRatio(way, helloRates),
      aim: THROUGHPUT_AIM,
      figures: `${precise(median(way))} / ${precise(median(helloRates))} requests/s`,
    }
  })
}

function ms(times: readonly number[]): string {
  return median(times).toFixed(3)
}
