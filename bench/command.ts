import { Scope } from './scope.ts'

/**
 * Runs a command and stops everything that it has started when it ends or is interrupted. Work in progress then fails.
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
    // Failures after an interruption are expected.
    if (!stopping) process.stderr.write(`${name}: ${error instanceof Error ? error.message : error}\n`)
  } finally {
    await all.close()
  }
}
