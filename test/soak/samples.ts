import { openHandles, residentBytes } from '../support/process-resources.ts'
import type { Environment } from './environment.ts'
import { HttpClient, Interrupted } from './http-client.ts'
import type { Server } from './server.ts'
import type { Period } from './workload.ts'

/** Enough for a chart and a slope. */
const SAMPLES = 240
const MIN_INTERVAL_MS = 1000
/** A full garbage collection pauses the gateway. */
const HEAP_INTERVAL_MS = 4000

/** State of the gateway at one moment. Times in milliseconds, memory in bytes. */
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

/** Reads the gateway's counters, by the names of `GET /stats`, as a client with an address of its own. */
export class StatsClient extends HttpClient {
  constructor({ port, observations, servers }: Environment) {
    super({ port, address: '127.1.254.1', observations, server: servers[0] as Server, kind: 'stats' })
  }

  async read(): Promise<Record<string, number>> {
    const { body } = await this.request({ method: 'GET', path: '/stats', allow: [200] })
    return JSON.parse(body.toString()) as Record<string, number>
  }
}

/** Takes samples during the period or until the gateway stops responding, which is recorded. */
export async function takeSamples(environment: Environment, period: Period): Promise<Sample[]> {
  const { komgate, observations } = environment
  const client = new StatsClient(environment)
  const samples: Sample[] = []
  let heapAt = Number.NEGATIVE_INFINITY
  for (;;) {
    await period.pause(Math.max(MIN_INTERVAL_MS, period.lengthMs / SAMPLES))
    if (period.isOver) break
    const stats = await client.read().catch((error: unknown) => {
      if (error instanceof Interrupted) return undefined
      throw error
    })
    if (stats === undefined) break
    const { stable, faulty } = observations.takeRecent()
    const at = performance.now()
    const isHeapDue = at - heapAt >= HEAP_INTERVAL_MS
    if (isHeapDue) heapAt = at
    samples.push({
      at,
      sessions: stats['komgate.sessions.active.last'],
      stableP50: stable.percentile(50),
      stableP99: stable.percentile(99),
      faultyP99: faulty.percentile(99),
      rss: await residentBytes(komgate.pid),
      heap: isHeapDue ? await komgate.inspector.heldBytes() : undefined,
      handles: await openHandles(komgate.pid),
    })
  }
  client.close()
  return samples
}
