import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { startKomgate } from '../../test/support/komgate-process.ts'
import type { Scope } from '../../test/support/scope.ts'
import { median } from '../../test/support/statistics.ts'
import { type Child, startChild } from '../child.ts'
import type { Target } from '../http-load.ts'
import { alternate, compare, progress, type Row, ratioOfMedians, runPart, startInstalledLyskomd } from '../part.ts'

const CONNECTIONS = 64
const WARM_UP_MS = 1500
/** Many short rounds instead of a few long ones, because process placement changes from second to second. */
const CALLS = 250
const P50_ROUNDS = 31
const THROUGHPUT_MS = 1000
const THROUGHPUT_ROUNDS = 7

type Load = Child<typeof import('../http-load.ts')>

interface Process {
  pid: number
  port: number
}

/** who-am-i through a gateway on one of its LysKOM servers. */
interface Case extends Process, Target {
  label: string
  /** name of the LysKOM server */
  backend: string
  logLevel: string
}

/**
 * The cores to which processes are pinned while single requests are timed. Waking a process on another core takes
 * several times as long as the rest of a bare call, so placement would dominate the result. The LysKOM
 * server is on the core of the process that does not call it.
 */
interface Layout {
  label: string
  /** of the client, and of the LysKOM server when the gateway asks it */
  client: string
  /** of the gateway, and of the LysKOM server when the client asks it directly */
  gateway: string
  aim: string
}

const P50_AIM = '<= 1.25'
const ALL_CORES = `0-${availableParallelism() - 1}`
/** Each message goes to the other core, as between programs with their own cores. */
const APART: Layout = { label: '', client: '0', gateway: '1', aim: P50_AIM }
const ANYWHERE: Layout = { label: ', on any core', client: ALL_CORES, gateway: ALL_CORES, aim: P50_AIM }
/** Each message stays on the core: the total work of all processes. */
const ON_ONE_CORE: Layout = { label: ', all on one core', client: '0', gateway: '0', aim: '' }

/** Measures the cost of the gateway: who-am-i through it against bare Hono servers and a bare call. */
async function measure(scope: Scope): Promise<Row[]> {
  const load: Load = await startChild(scope, 'http-load')
  const baselines = await startChild<typeof import('../baselines.ts')>(scope, 'baselines')
  const hello = { pid: baselines.pid, port: await baselines.call('listenHello'), path: '/hello' }
  const fake = await startChild<typeof import('../fake-server.ts')>(scope, 'fake-server')
  const backends: Record<string, Process> = { fake: { pid: fake.pid, port: await fake.call('listen') } }
  const lyskomd = await startInstalledLyskomd(scope)
  if (lyskomd !== undefined) backends.lyskomd = lyskomd

  const sockets = Array.from({ length: CONNECTIONS }, (_, i) => String(i))
  const whoAmI = [[{ name: 'who-am-i' as const, params: {} }]]
  const bare: Record<string, Target> = {}
  for (const [name, { port }] of Object.entries(backends)) {
    const barePort = await baselines.call('listenBareGateway', port, CONNECTIONS, { '/who-am-i': whoAmI })
    bare[name] = { port: barePort, path: '/who-am-i', ids: sockets }
  }
  const servers = Object.fromEntries(Object.entries(backends).map(([name, { port }]) => [name, port]))
  const cases: Case[] = []
  for (const logLevel of ['info', 'silent']) {
    const { pid, port } = await startKomgate(scope, { servers, args: ['--log-level', logLevel] })
    for (const backend of Object.keys(backends)) {
      const ids = await load.call('openSessions', port, backend, CONNECTIONS)
      const label = logLevel === 'info' ? `on ${backend}` : `on ${backend}, access log off`
      cases.push({ label, backend, logLevel, pid, port, path: `/${backend}/sessions/current/who-am-i`, ids })
    }
  }
  // A gateway in operation has compiled its code.
  progress('warm-up')
  for (const target of [hello, ...Object.values(bare), ...cases]) {
    await load.call('throughput', target, CONNECTIONS, WARM_UP_MS)
  }
  const logging = cases.filter(({ logLevel }) => logLevel === 'info')
  return [
    ...(await p50Rows(load, hello, backends, cases, APART)),
    ...(await p50Rows(load, hello, backends, logging, ON_ONE_CORE)),
    // Last, because the rows after it are not pinned either.
    ...(await p50Rows(load, hello, backends, logging, ANYWHERE)),
    ...(await throughputRows(load, hello, bare, cases)),
  ]
}

async function p50Rows(
  load: Load,
  hello: Process & Target,
  backends: Record<string, Process>,
  cases: Case[],
  layout: Layout,
): Promise<Row[]> {
  await pin(layout.client, load.pid)
  for (const { pid } of [hello, ...cases]) await pin(layout.gateway, pid)
  const ofParts = async ({ pid, port }: Process) => {
    await pin(layout.gateway, pid)
    return await load.call('p50OfParts', hello, port, CALLS)
  }
  const ofCase = async (each: Case): Promise<number> => {
    await pin(layout.client, (backends[each.backend] as Process).pid)
    return await load.call('p50', each, CALLS)
  }
  type Parts = Awaited<ReturnType<typeof ofParts>>
  const times = await alternate<string, number | Parts>(`median times${layout.label}`, P50_ROUNDS, {
    ...Object.fromEntries(Object.entries(backends).map(([name, each]) => [name, () => ofParts(each)])),
    ...Object.fromEntries(cases.map((each) => [each.label, () => ofCase(each)])),
  })
  return cases.map(({ label, backend }) => {
    const measured = times[label] as number[]
    const parts = times[backend] as Parts[]
    const [helloTimes, callTimes] = [parts.map(({ hello }) => hello), parts.map(({ call }) => call)]
    const [total, first, second] = [measured, helloTimes, callTimes].map((each) => median(each).toFixed(3))
    return {
      what: `p50 of who-am-i ${label}${layout.label}`,
      against: 'Hono hello + bare call',
      ratio: ratioOfMedians(measured, helloTimes, callTimes),
      aim: layout.aim,
      figures: `${total} / (${first} + ${second}) ms`,
    }
  })
}

async function throughputRows(load: Load, hello: Target, bare: Record<string, Target>, cases: Case[]): Promise<Row[]> {
  const targets: [string, Target][] = [
    ['hello', hello],
    ...Object.entries(bare),
    ...cases.map((each): [string, Target] => [each.label, each]),
  ]
  const rates = await alternate<string>(
    `throughput on ${CONNECTIONS} connections`,
    THROUGHPUT_ROUNDS,
    Object.fromEntries(
      targets.map(([name, target]) => [name, () => load.call('throughput', target, CONNECTIONS, THROUGHPUT_MS)]),
    ),
  )
  const row = ({ label }: Case, baseline: string, against: string, aim: string): Row => {
    const names = { what: `throughput of who-am-i ${label}`, against: `${against}, ${CONNECTIONS} connections`, aim }
    return compare(names, rates[label] as number[], rates[baseline] as number[], 'requests/s')
  }
  return [
    ...cases.map((each) => row(each, 'hello', 'Hono hello', '>= 0.45')),
    ...cases.map((each) => row(each, each.backend, 'bare Hono route with one raw call', '')),
  ]
}

/** Pins the main thread of a process to cores, in the syntax of `taskset`. Other threads are not pinned. */
async function pin(cores: string, pid: number): Promise<void> {
  await promisify(execFile)('taskset', ['--cpu-list', '--pid', cores, String(pid)])
}

await runPart('http', measure)
