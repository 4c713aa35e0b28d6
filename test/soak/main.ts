import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { build } from '../support/build.ts'
import { runCommand, type Scope } from '../support/scope.ts'
import { alignColumns } from '../support/statistics.ts'
import { type Assertion, coverageAssertion, memoryAssertions, problemAssertions } from './assertions.ts'
import { audit } from './audit.ts'
import { drawChart } from './chart.ts'
import { startEnvironment } from './environment.ts'
import { faultNames, injectFaults } from './faults.ts'
import { Counts, type Observations, percentile } from './observations.ts'
import { Random } from './random.ts'
import { takeSamples } from './samples.ts'
import { RESPONSE_MS } from './settings.ts'
import { CLIENT_KINDS, runClients } from './workload.ts'

const PROGRESS_MS = 5000
const MAX_MINUTES = 7 * 24 * 60
const MAX_CLIENTS = 500
const MAX_NODES = 16
const STOPPED = 'stopped by the operator'

/** @throws Error for an unknown option or a value out of range */
function readOptions() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      clients: { type: 'string', default: '40' },
      nodes: { type: 'string', default: '1' },
      kinds: { type: 'string', default: CLIENT_KINDS.join(',') },
      picture: { type: 'string', default: 'soak.svg' },
    },
  })
  const number = (name: 'minutes' | 'clients' | 'nodes', max: number): number => {
    const value = Number(values[name])
    if (!(value >= 1 && value <= max)) throw new Error(`--${name} must be a number from 1 to ${max}`)
    return value
  }
  const [minutes, clients] = [number('minutes', MAX_MINUTES), Math.round(number('clients', MAX_CLIENTS))]
  const kinds = values.kinds.split(',').map((name) => {
    const kind = CLIENT_KINDS.find((each) => each === name)
    if (kind === undefined) throw new Error(`--kinds must be some of ${CLIENT_KINDS.join(', ')}`)
    return kind
  })
  const nodes = Math.round(number('nodes', MAX_NODES))
  return { minutes, clients, nodes, kinds, seed: values.seed, picture: resolve(values.picture) }
}

async function soak(scope: Scope): Promise<void> {
  const { minutes, seed, clients, nodes, kinds, picture } = readOptions()
  await build('npm run --silent build')
  const random = new Random(seed)
  const environment = await startEnvironment(scope, random.fork('persons'), nodes)
  const { observations, targets } = environment
  const size = `${clients} clients${nodes > 1 ? `, ${nodes} nodes behind nginx` : ''}`
  process.stdout.write(`${size} for ${minutes} minutes, seed ${seed}, node ${process.version}\n`)

  const delay = monitorEventLoopDelay()
  delay.enable()
  const start = performance.now()
  const period = scope.use(new AbortController(), (running) => running.abort(STOPPED))
  const end = setTimeout(() => period.abort(), minutes * 60_000)
  const progress = setInterval(() => {
    const seconds = `${Math.round((performance.now() - start) / 1000)} of ${minutes * 60} s`
    const { clients, requests } = observations
    process.stderr.write(`soak: ${seconds}, ${clients.total} clients, ${requests.answered} responses\n`)
  }, PROGRESS_MS)
  const [samples] = await Promise.all([
    takeSamples(environment, minutes, period.signal),
    runClients(environment, random.fork('clients'), { count: clients, kinds }, period.signal),
    ...targets.map((target) => injectFaults(target, observations, random.fork(target.server.id), period.signal)),
  ]).finally(() => {
    clearTimeout(end)
    clearInterval(progress)
  })
  if (period.signal.reason === STOPPED) throw new Error('stopped')
  process.stderr.write('soak: checking what remains\n')
  const remaining = await audit(environment, random.fork('audit'))

  const title = `komgate: ${size}, ${minutes} minutes, seed ${seed}`
  await writeFile(picture, drawChart(title, samples, observations.faults, start))
  const faults = new Counts()
  for (const { name } of observations.faults) faults.add(name)
  // If the machine stalls for longer than the margins, no run can pass.
  process.stdout.write(`longest delay of the event loop of this process: ${Math.round(delay.max / 1e6)} ms\n`)
  const passed = printResult(observations, [
    ...problemAssertions(observations),
    ...remaining,
    ...memoryAssertions(samples, nodes),
    coverageAssertion('kinds of clients', kinds, observations.clients),
    coverageAssertion('kinds of faults', targets.flatMap(faultNames), faults),
  ])
  process.stdout.write(`${picture}\n${passed ? 'PASSED' : 'FAILED'}\n`)
  if (!passed) process.exitCode = 1
}

/** Prints the observations and assertions. Returns whether all assertions passed. */
function printResult(observations: Observations, assertions: readonly Assertion[]): boolean {
  const { stdout } = process
  const { clients, interrupted, statuses, compared, latencies } = observations
  stdout.write(`clients: ${clients}; ${interrupted.total} of them interrupted by a fault\n`)
  stdout.write(`statuses: ${new Counts([...statuses].sort(([a], [b]) => Number(a) - Number(b)))}\n`)
  stdout.write(`compared: ${compared}\n`)
  for (const [kind, latency] of Object.entries(latencies)) {
    const [p50, p99, max] = [50, 99, 100].map((percent) => percentile(latency, percent)?.toFixed(1))
    const times = `p50 ${p50} ms, p99 ${p99} ms, max ${max} ms of ${RESPONSE_MS} ms`
    stdout.write(`${kind} servers: ${latency.count} responses, ${times}\n`)
  }
  const rows = assertions.map(({ what, found, expected, passed }) => [what, found, expected, passed ? 'yes' : 'NO'])
  stdout.write(`\n${alignColumns([['what', 'found', 'expected', 'passed'], ...rows])}\n`)
  const failed = assertions.filter(({ passed }) => !passed)
  for (const { what, examples = [] } of failed) for (const example of examples) stdout.write(`${what}: ${example}\n`)
  return failed.length === 0
}

await runCommand('soak', soak)
