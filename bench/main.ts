import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism, loadavg } from 'node:os'
import { build } from '../test/support/build.ts'

const PARTS = [
  'http',
  'reading',
  'batch',
  'far',
  'start',
  'memory',
  'protocol',
  'delays',
  'events',
  'store',
  'cluster',
  'workers',
  'web',
  'console',
]

/** Builds the package as installed, and runs each part in a process of its own. */
async function main(): Promise<void> {
  const wanted = process.argv.slice(2)
  const unknown = wanted.find((name) => !PARTS.includes(name))
  if (unknown !== undefined) throw new Error(`there is no part ${unknown}, only ${PARTS.join(' ')}`)
  await build('npm run --silent build && npx tsc -p bench/tsconfig.build.json')
  const load = loadavg()[0]?.toFixed(2)
  process.stdout.write(`node ${process.version}, ${availableParallelism()} cores, load before the start ${load}\n`)
  for (const name of PARTS) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    const part = spawn(process.execPath, [`bench/dist/bench/parts/${name}.js`], { stdio: 'inherit' })
    // Ctrl-C reaches the part itself.
    const forward = (signal: NodeJS.Signals): unknown => signal === 'SIGTERM' && part.kill(signal)
    process.on('SIGINT', forward).on('SIGTERM', forward)
    const [code] = await once(part, 'exit')
    process.off('SIGINT', forward).off('SIGTERM', forward)
    if (code !== 0) throw new Error(`the part ${name} has failed`)
  }
}

try {
  await main()
} catch (error) {
  process.stderr.write(`bench: ${(error as Error).message}\n`)
  process.exitCode = 1
}
