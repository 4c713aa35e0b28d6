import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { measureDelays } from './parts/delays.ts'
import { measureHttp } from './parts/http.ts'
import { measureLookups } from './parts/lookups.ts'
import { measureMemory } from './parts/memory.ts'
import { measureProtocol } from './parts/protocol.ts'
import { Scope } from './scope.ts'
import { type Row, table } from './table.ts'

const PARTS: Readonly<Record<string, (scope: Scope) => Promise<Row[]>>> = {
  http: measureHttp,
  memory: measureMemory,
  protocol: measureProtocol,
  delays: measureDelays,
  lookups: measureLookups,
}

const ROOT = fileURLToPath(new URL('..', import.meta.url))

async function main(wanted: readonly string[]): Promise<void> {
  const unknown = wanted.find((name) => !Object.hasOwn(PARTS, name))
  if (unknown !== undefined) throw new Error(`there is no part ${unknown}, only ${Object.keys(PARTS).join(' ')}`)
  await build()
  const load = loadavg()[0]?.toFixed(2)
  process.stdout.write(`node ${process.version}, ${availableParallelism()} cores, load before the start ${load}\n`)
  for (const [name, measure] of Object.entries(PARTS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    const started = performance.now()
    const part = all.inner()
    const rows = await measure(part)
    await part.close()
    const seconds = Math.round((performance.now() - started) / 1000)
    process.stdout.write(`\n${name} (${seconds} s)\n${table(rows)}`)
  }
}

/** What is measured is what would be installed; the benchmark's own processes are compiled too, into bench/dist. */
async function build(): Promise<void> {
  await run('npm', 'run', '--silent', 'build')
  await run('npx', 'tsc', '-p', 'bench/tsconfig.build.json')
}

async function run(command: string, ...args: string[]): Promise<void> {
  const [code] = await once(spawn(command, args, { cwd: ROOT, stdio: 'inherit' }), 'exit')
  if (code !== 0) throw new Error(`failed: ${command} ${args.join(' ')}`)
}

const all = new Scope()
let stopping = false

/** What runs is ended, so what waits for it fails, and nothing is left to do. */
function stop(signal: NodeJS.Signals): void {
  if (stopping) return
  stopping = true
  process.stderr.write(`${signal}: putting everything away\n`)
  process.exitCode = 1
  void all.close()
}

process.on('SIGINT', stop)
process.on('SIGTERM', stop)

try {
  await main(process.argv.slice(2))
} catch (error) {
  process.exitCode = 1
  // What fails because it was stopped is no failure.
  if (!stopping) process.stderr.write(`bench: ${error instanceof Error ? error.message : error}\n`)
} finally {
  await all.close()
}
