import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Lyskomd } from '../../test/support/lyskomd.ts'
import type { Ledger } from './ledger.ts'
import type { OpeningHours } from './opening-hours.ts'
import type { Place } from './place.ts'
import type { FaultyProxy } from './proxy.ts'
import type { Random } from './random.ts'
import { ANSWER_MS } from './times.ts'

/** A server with injected faults. */
export interface Target {
  place: Place
  proxy: FaultyProxy
  /** undefined for a server with connection faults only */
  lyskomd: Lyskomd | undefined
}

type Fault = (target: Target, random: Random) => Promise<void> | void

/** Faults on the connections between the gateway and a server. Each ends with its function. */
const LINE_FAULTS: Readonly<Record<string, Fault>> = {
  reset: ({ proxy }, random) => {
    for (const line of someLines(proxy, random)) line.reset()
  },
  end: ({ proxy }, random) => {
    for (const line of someLines(proxy, random)) line.end()
  },
  'black hole': async ({ proxy }, random) => {
    const lines = someLines(proxy, random)
    for (const line of lines) line.hold()
    // Longer than any client waits for a response.
    await sleep(ANSWER_MS + random.whole(500, 2000))
    for (const line of lines) line.release()
  },
  hiccup: async ({ proxy }, random) => {
    const lines = [...proxy.lines]
    for (const line of lines) line.hold()
    await sleep(random.whole(100, 1500))
    for (const line of lines) line.release()
  },
  slow: async ({ proxy }, random) => {
    proxy.welcome = { delayMs: random.whole(5, 60) }
    await sleep(random.whole(1000, 3000))
    proxy.welcome = 'pass'
  },
  refuse: async ({ proxy }, random) => {
    proxy.welcome = 'refuse'
    await sleep(random.whole(500, 2500))
    proxy.welcome = 'pass'
  },
  silence: async ({ proxy }, random) => {
    proxy.welcome = 'silence'
    await sleep(random.whole(500, 2500))
    proxy.welcome = 'pass'
    await sleep(3000)
    proxy.calm()
  },
}

/** Faults of the server itself. */
const SERVER_FAULTS: Readonly<Record<string, Fault>> = {
  restart: async ({ lyskomd }) => {
    lyskomd?.kill('SIGTERM')
    await lyskomd?.restart()
  },
  crash: async ({ lyskomd, place }) => {
    if (lyskomd === undefined) return
    place.crashes++
    lyskomd.kill('SIGKILL')
    await lyskomd.exited
    // lyskomd does not start if its lock file names a pid that another process uses now.
    await rm(join(lyskomd.dir, 'db/lyskomd-lock'), { force: true })
    await lyskomd.restart()
  },
  hang: async ({ lyskomd }, random) => {
    lyskomd?.kill('SIGSTOP')
    await sleep(random.whole(500, 5000))
    lyskomd?.kill('SIGCONT')
  },
}

/** Returns the faults of a target. */
export function faultsOf({ lyskomd }: Target): Readonly<Record<string, Fault>> {
  return lyskomd === undefined ? LINE_FAULTS : { ...LINE_FAULTS, ...SERVER_FAULTS }
}

/**
 * Injects faults one after the other with pauses while it is `open`, each once before any repeats, and records them.
 */
export async function injectFaults(target: Target, ledger: Ledger, random: Random, open: OpeningHours): Promise<void> {
  const faults = Object.entries(faultsOf(target))
  let left: typeof faults = []
  for (;;) {
    await open.pause(random.whole(500, 2500))
    if (!open.isOpen) return
    if (left.length === 0) left = random.shuffled(faults)
    const [name, run] = left.pop() as (typeof faults)[number]
    const span = { name, place: target.place.id, from: performance.now(), to: Number.POSITIVE_INFINITY }
    ledger.faults.push(span)
    await run(target, random)
    span.to = performance.now()
  }
}

function someLines({ lines }: FaultyProxy, random: Random) {
  return random.some([...lines], random.whole(1, Math.max(1, lines.size)))
}
