import { lyskomdInstalled } from './lyskomd.ts'

/** Runs once, before all tests: says in one line what will not be tested here. Continuous integration takes no less. */
export function setup(): void {
  if (lyskomdInstalled()) return
  const missing = 'lyskomd is not installed (apt-get install lyskom-server netbase)'
  if (process.env.CI) throw new Error(`${missing}, and here everything is tested on it`)
  process.stderr.write(`${missing}: what needs a real LysKOM server is skipped\n`)
}
