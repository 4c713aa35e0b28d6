import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Pins the main thread of a process to cores, in the syntax of `taskset`. Other threads are not pinned. */
export async function pin(cores: string, pid: number): Promise<void> {
  await promisify(execFile)('taskset', ['--cpu-list', '--pid', cores, String(pid)])
}
