import { setTimeout as sleep } from 'node:timers/promises'

/** Releasing 10,000 sessions takes some seconds. */
const CLEANUP_MS = 60_000

/** Resources that are released in reverse order. */
export class Scope {
  readonly #closers: (() => unknown)[] = []
  #closed = false

  /** Registers `thing` for `close` and returns it. If the scope is already closed, closes `thing` and throws. */
  use<T>(thing: T, close: (thing: T) => unknown): T {
    this.#closers.push(() => close(thing))
    if (!this.#closed) return thing
    void this.close()
    throw new Error('the run is being stopped')
  }

  /** Creates a scope that ends before or with this one. */
  inner(): Scope {
    return this.use(new Scope(), (scope) => scope.close())
  }

  /** Releases each resource once, however often it is called. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true
    for (let next = this.#closers.pop(); next !== undefined; next = this.#closers.pop()) {
      try {
        await next()
      } catch (error) {
        process.stderr.write(`cleanup failed: ${error}\n`)
      }
    }
  }
}

/**
 * Runs a command, releases its resources when it ends, fails, or is interrupted, and exits. Cleanup that does not end
 * within a minute is reported and fails the command.
 */
export async function runCommand(name: string, work: (scope: Scope) => Promise<void>): Promise<void> {
  const scope = new Scope()
  let stopping = false
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) return
    stopping = true
    process.stderr.write(`${name}: stopping after ${signal}\n`)
    process.exitCode = 1
    void scope.close()
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  try {
    await work(scope)
  } catch (error) {
    process.exitCode = 1
    // Failures after an interruption are expected.
    if (!stopping) process.stderr.write(`${name}: ${error instanceof Error ? error.message : error}\n`)
  }
  const closed = await Promise.race([scope.close().then(() => true), sleep(CLEANUP_MS, false)])
  if (!closed) {
    process.exitCode = 1
    process.stderr.write(`${name}: cleanup has not ended within ${CLEANUP_MS} ms\n`)
  }
  // Any argument, even undefined, would replace the exit code.
  process.exit()
}
