import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Builds the package as installed, and compiles the benchmark's processes into bench/dist. */
export async function build(): Promise<void> {
  await run('npm', 'run', '--silent', 'build')
  await run('npx', 'tsc', '-p', 'bench/tsconfig.build.json')
}

async function run(command: string, ...args: string[]): Promise<void> {
  const [code] = await once(spawn(command, args, { cwd: ROOT, stdio: 'inherit' }), 'exit')
  if (code !== 0) throw new Error(`failed: ${command} ${args.join(' ')}`)
}
