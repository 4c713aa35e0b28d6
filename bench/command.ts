import { Scope } from './scope.ts'

/**
 * Runs a command. Whatever it has started ends with it, also when it is stopped: then what runs is ended, so what waits
 * for it fails, and nothing is left to do.
 */
export async function runCommand(name: string, work: (scope: Scope) => Promise<void>): Promise<void> {
  const all = new Scope()
  let stopping = false
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) return
    stopping = true
    process.stderr.write(`${signal}: putting everything away\n`)
    process.exitCode = 1
    void all.close()
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  try {
    await work(all)
  } catch (error) {
    process.exitCode = 1
    // What fails because it was stopped is no failure.
    if (!stopping) process.stderr.write(`${name}: ${error instanceof Error ? error.message : error}\n`)
  } finally {
    await all.close()
  }
}
