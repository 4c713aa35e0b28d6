import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Keeps the main thread of a process on some of the cores, named as `taskset` has it. Its other threads go where they like. */
export async function keepOn(cores: string, pid: number): Promise<void> {
  await run('taskset', ['--cpu-list', '--pid', cores, String(pid)])
}
