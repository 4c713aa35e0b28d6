import { type Lyskomd, lyskomdInstalled, startLyskomd } from '../test/support/lyskomd.ts'
import type { Scope } from './scope.ts'

/** Starts a lyskomd. Returns undefined and prints a line if it is not installed. */
export async function startRealServer(scope: Scope, part: string): Promise<Lyskomd | undefined> {
  if (!lyskomdInstalled()) {
    process.stdout.write(`${part}: lyskomd is not installed; what is measured on it is skipped.\n`)
    return undefined
  }
  return scope.use(await startLyskomd(), (running) => running.stop())
}
