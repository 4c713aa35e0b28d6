import { lyskomdInstalled, startLyskomd } from '../test/support/lyskomd.ts'
import type { Scope } from './scope.ts'

/** Starts a lyskomd and returns its port; undefined, said in a line, where none is installed. */
export async function startRealServer(scope: Scope, part: string): Promise<number | undefined> {
  if (!lyskomdInstalled()) {
    process.stdout.write(`${part}: lyskomd is not installed; what is measured on it is skipped.\n`)
    return undefined
  }
  const server = scope.use(await startLyskomd(), (running) => running.stop())
  return server.port
}
