import { openHandles, residentBytes } from '../proc.ts'
import { Browser, CutShort } from './browser.ts'
import type { OpeningHours } from './opening-hours.ts'
import type { Scene } from './scene.ts'
import { jsonOf } from './session.ts'

/** State of the gateway at one moment. */
export interface Sample {
  /** milliseconds of `performance.now()` */
  at: number
  sessions: number
  /** latencies since the previous sample, in milliseconds */
  calm: { p50: number | undefined; p99: number | undefined }
  rough: { p50: number | undefined; p99: number | undefined }
  answers: number
  /** bytes */
  rss: number
  /** bytes that JavaScript holds after a full garbage collection; not in every sample */
  held: number | undefined
  handles: number
}

/** Enough for a chart and a slope. */
const SAMPLES = 240
const MIN_INTERVAL_MS = 1000
/** A full garbage collection pauses the gateway. */
const HELD_INTERVAL_MS = 4000

/** The gateway's counters, by the names of `GET /stats`. */
export type Stats = Readonly<Record<string, number>>

/** The client that takes samples, from an address that no other client uses. */
export function watchtower({ komgate, ledger, places }: Scene): Browser {
  const [calm] = places
  if (calm === undefined) throw new Error('no places')
  return new Browser({ port: komgate.port, address: '127.1.254.1', ledger, place: calm, kind: 'watchtower' })
}

export async function readStats(browser: Browser): Promise<Stats> {
  return jsonOf(await browser.ask({ method: 'GET', path: '/stats', allow: [200] })) as Stats
}

/** Takes samples while it is `open` or until the gateway stops responding, which is recorded. */
export async function takeSamples(scene: Scene, open: OpeningHours): Promise<Sample[]> {
  const { komgate, ledger } = scene
  const browser = watchtower(scene)
  const interval = Math.max(MIN_INTERVAL_MS, open.lengthMs / SAMPLES)
  const samples: Sample[] = []
  let heldAt = Number.NEGATIVE_INFINITY
  for (;;) {
    await open.pause(interval)
    if (!open.isOpen) break
    const stats = await readStats(browser).catch((error: unknown) => {
      if (error instanceof CutShort) return undefined
      throw error
    })
    if (stats === undefined) break
    const { calm, rough } = ledger.takeWindow()
    const at = performance.now()
    const isTimeToCollect = at - heldAt >= HELD_INTERVAL_MS
    if (isTimeToCollect) heldAt = at
    samples.push({
      at,
      sessions: stats['komgate.sessions.active.last'] ?? Number.NaN,
      calm: { p50: calm.quantile(0.5), p99: calm.quantile(0.99) },
      rough: { p50: rough.quantile(0.5), p99: rough.quantile(0.99) },
      answers: calm.count + rough.count,
      rss: await residentBytes(komgate.pid),
      held: isTimeToCollect ? await komgate.probe.call('heldBytes') : undefined,
      handles: await openHandles(komgate.pid),
    })
  }
  browser.close()
  return samples
}
