import { residentBytes } from '../support/process-resources.ts'
import type { Environment } from './environment.ts'
import { HttpClient, Interrupted } from './http-client.ts'
import { handlesOf, totalOf } from './nodes.ts'
import { percentile } from './observations.ts'
import { Random } from './random.ts'
import type { Server } from './server.ts'
import { pause } from './workload.ts'

/** Enough for a chart and a slope. */
const SAMPLES = 240
const MIN_INTERVAL_MS = 1000
/** A full garbage collection pauses the gateway. */
const HEAP_INTERVAL_MS = 4000

/** State of all nodes together at one moment. Times in milliseconds, memory in bytes. */
export interface Sample {
  /** of `performance.now()` */
  at: number
  sessions: number | undefined
  /** latencies since the previous sample */
  stableP50: number | undefined
  stableP99: number | undefined
  faultyP99: number | undefined
  rss: number
  /** after a full garbage collection; not in every sample */
  heap: number | undefined
  handles: number
}

/** Reads the counters of all nodes, by the names of `GET /stats`, from an address of its own. Returns their sums. */
export async function readStats({ nodes, observations, servers }: Environment): Promise<Record<string, number>> {
  const server = servers[0] as Server
  const sums: Record<string, number> = {}
  for (const { port } of nodes) {
    const options = { port, address: '127.1.254.1', observations, server, kind: 'stats', random: new Random('') }
    const client = new HttpClient(options)
    const { body } = await client.request({ method: 'GET', path: '/stats', allow: [200] })
    client.close()
    const stats = JSON.parse(body.toString()) as Record<string, number>
    for (const [name, value] of Object.entries(stats)) sums[name] = (sums[name] ?? 0) + value
  }
  return sums
}

/** Takes samples until the period ends or the gateway stops responding, which is recorded. */
export async function takeSamples(environment: Environment, minutes: number, period: AbortSignal): Promise<Sample[]> {
  const { nodes, observations } = environment
  const { stable, faulty } = observations.recent
  const samples: Sample[] = []
  let heapAt = Number.NEGATIVE_INFINITY
  for (;;) {
    await pause(Math.max(MIN_INTERVAL_MS, (minutes * 60_000) / SAMPLES), period)
    if (period.aborted) return samples
    const stats = await readStats(environment).catch((error: unknown) => {
      if (error instanceof Interrupted) return undefined
      throw error
    })
    if (stats === undefined) return samples
    const at = performance.now()
    const isHeapDue = at - heapAt >= HEAP_INTERVAL_MS
    if (isHeapDue) heapAt = at
    samples.push({
      at,
      sessions: stats['komgate.sessions.active.last'],
      stableP50: percentile(stable, 50),
      stableP99: percentile(stable, 99),
      faultyP99: percentile(faulty, 99),
      rss: await totalOf(nodes, ({ pid }) => residentBytes(pid)),
      heap: isHeapDue ? await totalOf(nodes, ({ inspector }) => inspector.heldBytes()) : undefined,
      handles: await handlesOf(nodes),
    })
    stable.reset()
    faulty.reset()
  }
}
