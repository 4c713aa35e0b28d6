import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Runs a shell command of the build. Throws if it fails. */
export async function build(command: string): Promise<void> {
  const [code] = await once(spawn(command, { shell: true, stdio: 'inherit' }), 'exit')
  if (code !== 0) throw new Error(`failed: ${command}`)
}
