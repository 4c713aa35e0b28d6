import type { Delays } from '../nudge-delays.ts'
import { startChild } from '../processes.ts'
import { startRealServer } from '../real-server.ts'
import { median, ratioOfMedians } from '../rounds.ts'
import type { Scope } from '../scope.ts'
import type { Row } from '../table.ts'

const TITLES = {
  post: 'p50 of posting a text, async-new-text accepted',
  fetch: 'p50 of fetching a text of 50 kB',
  pipelined: 'p50 of 20 pipelined get-conf-stat',
} as const

/** Measures the 40 ms delays of lyskomd and the kernel, with the gateway's workaround and without. */
export async function measureDelays(scope: Scope): Promise<Row[]> {
  const lyskomd = await startRealServer(scope, 'delays')
  if (lyskomd === undefined) return []
  const delays = await (await startChild(scope, 'nudge-delays')).call('measureDelays', lyskomd.port)
  return Object.entries(TITLES).map(([name, what]) => {
    const { komgate, bare } = delays[name as keyof typeof TITLES] satisfies Delays
    return {
      what,
      against: 'a client that does not nudge',
      ratio: ratioOfMedians(komgate, bare),
      aim: 'p50 < 5 ms',
      figures: `${median(komgate).toFixed(2)} / ${median(bare).toFixed(2)} ms`,
    }
  })
}
