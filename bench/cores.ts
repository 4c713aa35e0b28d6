import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Pins the main thread of a process to cores, in the syntax of `taskset`. Other threads are not pinned. */
export async function keepOn(cores: string, pid: number): Promise<void> {
  await run('taskset', ['--cpu-list', '--pid', cores, String(pid)])
}
