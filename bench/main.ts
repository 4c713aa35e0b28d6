import { availableParallelism, loadavg } from 'node:os'
import { build } from './build.ts'
import { runCommand } from './command.ts'
import { measureDelays } from './parts/delays.ts'
import { measureHttp } from './parts/http.ts'
import { measureLookups } from './parts/lookups.ts'
import { measureMemory } from './parts/memory.ts'
import { measureProtocol } from './parts/protocol.ts'
import { measureReading } from './parts/reading.ts'
import { measureStore } from './parts/store.ts'
import type { Scope } from './scope.ts'
import { type Row, table } from './table.ts'

const PARTS: Readonly<Record<string, (scope: Scope) => Promise<Row[]>>> = {
  http: measureHttp,
  reading: measureReading,
  memory: measureMemory,
  protocol: measureProtocol,
  delays: measureDelays,
  lookups: measureLookups,
  store: measureStore,
}

async function main(all: Scope, wanted: readonly string[]): Promise<void> {
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

await runCommand('bench', (scope) => main(scope, process.argv.slice(2)))
