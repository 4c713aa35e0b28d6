import { availableParallelism } from 'node:os'
import { startKomgate } from '../../test/support/komgate-process.ts'
import type { Scope } from '../../test/support/scope.ts'
import { median } from '../../test/support/statistics.ts'
import { type Child, startChild } from '../child.ts'
import type { Target } from '../http-load.ts'
import { alternate, compare, progress, type Row, runPart, startInstalledLyskomd } from '../part.ts'
import { pin } from '../pin.ts'

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
 * several times as long as the rest of a bare call, so placement would dominate the result. The LysKOM server is on the
 * core of the process that does not call it.
 */
type Layout = readonly [label: string, client: string, gateway: string, aim: string]

const ALL_CORES = `0-${availableParallelism() - 1}`
const LAYOUTS: readonly Layout[] = [
  // Each message goes to the other core, as between programs with their own cores.
  ['', '0', '1', '<= 1.25'],
  // Each message stays on the core: the total work of all processes.
  [', all on one core', '0', '0', ''],
  // Last, because the rows after it are not pinned either.
  [', on any core', ALL_CORES, ALL_CORES, '<= 1.25'],
]

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
  const rows: Row[] = []
  for (const layout of LAYOUTS) rows.push(...(await p50Rows(load, hello, backends, logging, layout)))
  return [...rows, ...(await throughputRows(load, hello, bare, cases))]
}

async function p50Rows(
  load: Load,
  hello: Process & Target,
  backends: Record<string, Process>,
  cases: Case[],
  [layout, client, gateway, aim]: Layout,
): Promise<Row[]> {
  await pin(client, load.pid)
  for (const { pid } of [hello, ...cases]) await pin(gateway, pid)
  const ofParts = async ({ pid, port }: Process) => {
    await pin(gateway, pid)
    return await load.call('p50OfParts', hello, port, CALLS)
  }
  const ofCase = async (each: Case): Promise<number> => {
    await pin(client, (backends[each.backend] as Process).pid)
    return await load.call('p50', each, CALLS)
  }
  const times = await alternate<string, number | [number, number]>(`median times${layout}`, P50_ROUNDS, {
    ...Object.fromEntries(Object.entries(backends).map(([name, each]) => [name, () => ofParts(each)])),
    ...Object.fromEntries(cases.map((each) => [each.label, () => ofCase(each)])),
  })
  return cases.map(({ label, backend }) => {
    const parts = times[backend] as [number, number][]
    const all = [times[label] as number[], parts.map(([helloTime]) => helloTime), parts.map(([, callTime]) => callTime)]
    const [total = 0, first = 0, second = 0] = all.map(median)
    const figures = `${total.toFixed(3)} / (${first.toFixed(3)} + ${second.toFixed(3)}) ms`
    const what = `p50 of who-am-i ${label}${layout}`
    return { what, against: 'Hono hello + bare call', ratio: total / (first + second), aim, figures }
  })
}

async function throughputRows(load: Load, hello: Target, bare: Record<string, Target>, cases: Case[]): Promise<Row[]> {
  const targets: Record<string, Target> = { hello, ...bare }
  for (const each of cases) targets[each.label] = each
  const measures = Object.entries(targets).map(([name, target]) => {
    return [name, () => load.call('throughput', target, CONNECTIONS, THROUGHPUT_MS)] as const
  })
  const rates = await alternate<string>('throughput', THROUGHPUT_ROUNDS, Object.fromEntries(measures))
  const row = ({ label }: Case, baseline: string, against: string, aim: string): Row => {
    const names = { what: `throughput of who-am-i ${label}`, against: `${against}, ${CONNECTIONS} connections`, aim }
    return compare(names, rates[label] as number[], rates[baseline] as number[], 'requests/s')
  }
  return [
    ...cases.map((each) => row(each, 'hello', 'Hono hello', '>= 0.45')),
    ...cases.map((each) => row(each, each.backend, 'bare Hono route with one raw call', '')),
  ]
}

await runPart('http', measure)
