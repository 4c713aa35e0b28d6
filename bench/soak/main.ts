import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { build } from '../build.ts'
import { runCommand } from '../command.ts'
import type { Scope } from '../scope.ts'
import { audit } from './audit.ts'
import { countChecks, coverageChecks, memoryChecks, problemChecks } from './checks.ts'
import { crowd } from './crowd.ts'
import { faultsOf, injectFaults } from './faults.ts'
import { type Options, readOptions } from './options.ts'
import { picture } from './picture.ts'
import { Random } from './random.ts'
import { takeSamples } from './sampler.ts'
import { prepare } from './scene.ts'
import { printVerdict } from './verdict.ts'
import { VISITS } from './visits/index.ts'

async function soak(scope: Scope, options: Options): Promise<void> {
  const { minutes, seed, clients } = options
  await build()
  const random = new Random(seed)
  const scene = await prepare(scope, random.fork('people'))
  const { ledger, targets, places, komgate } = scene
  process.stdout.write(`${clients} clients for ${minutes} minutes, seed ${seed}, node ${process.version}\n`)

  const own = monitorEventLoopDelay()
  own.enable()
  const start = performance.now()
  const durationMs = minutes * 60_000
  const end = start + durationMs
  const [samples] = await Promise.all([
    takeSamples(scene, durationMs, end),
    crowd({ port: komgate.port, ledger, places }, random.fork('clients'), clients, end),
    ...targets.map((target) => injectFaults(target, ledger, random.fork(`faults of ${target.place.id}`), end)),
  ])
  const left = await audit(scene, random.fork('audit'))

  const path = resolve(options.picture)
  await writeFile(
    path,
    picture(`komgate: ${clients} clients, ${minutes} minutes, seed ${seed}`, samples, ledger.faults, start),
  )
  const faults = new Map(targets.map((target) => [target.place.id, Object.keys(faultsOf(target))]))
  // A machine that stops for as long as the margins are can pass nothing.
  process.stdout.write(`this process itself was late by ${Math.round(own.max / 1e6)} ms at most\n`)
  const passed = printVerdict(ledger, [
    ...problemChecks(ledger),
    ...countChecks(ledger),
    ...left,
    ...memoryChecks(samples),
    ...coverageChecks(ledger, Object.keys(VISITS), faults),
  ])
  process.stdout.write(`${path}\n${passed ? 'PASSED' : 'FAILED'}\n`)
  if (!passed) process.exitCode = 1
}

await runCommand('soak', (scope) => soak(scope, readOptions(process.argv.slice(2))))
