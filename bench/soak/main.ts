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
import { OpeningHours } from './opening-hours.ts'
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
  const open = scope.use(new OpeningHours(minutes * 60_000), (hours) => hours.close())
  const [samples] = await Promise.all([
    takeSamples(scene, open),
    crowd({ port: komgate.port, ledger, places }, random.fork('clients'), clients, open),
    ...targets.map((target) => injectFaults(target, ledger, random.fork(`faults of ${target.place.id}`), open)),
  ])
  if (open.wasClosed) throw new Error('stopped')
  const left = await audit(scene, random.fork('audit'))

  const path = resolve(options.picture)
  await writeFile(
    path,
    picture(`komgate: ${clients} clients, ${minutes} minutes, seed ${seed}`, samples, ledger.faults, open.from),
  )
  const faults = new Map(targets.map((target) => [target.place.id, Object.keys(faultsOf(target))]))
  // If the machine stalls for longer than the margins, no run can pass.
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
