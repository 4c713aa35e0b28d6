import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Lyskomd } from '../support/lyskomd.ts'
import type { ProxyLine } from '../support/proxy.ts'
import type { Observations } from './observations.ts'
import type { Random } from './random.ts'
import type { FaultyServer, Server } from './server.ts'
import { RESPONSE_MS } from './settings.ts'
import { pause } from './workload.ts'

/** Faults on the connections between the gateway and a server; each resolves when the fault is over. */
const CONNECTION_FAULTS: Readonly<Record<string, (target: FaultyServer, random: Random) => Promise<void> | void>> = {
  reset: (target, random) => {
    for (const line of someLines(target, random)) line.reset()
  },
  end: (target, random) => {
    for (const line of someLines(target, random)) line.end()
  },
  // Longer than any client waits for a response.
  'black hole': (target, random) => hold(someLines(target, random), RESPONSE_MS + random.integer(500, 2000)),
  stall: ({ proxy }, random) => hold(proxy.lines, random.integer(100, 1500)),
  slow: (target, random) => acceptAs(target, random.integer(5, 60), random.integer(1000, 3000)),
  refuse: (target, random) => acceptAs(target, 'refuse', random.integer(500, 2500)),
  'no greeting': async (target, random) => {
    await acceptAs(target, 'black hole', random.integer(500, 2500))
    await sleep(3000)
    restoreConnections(target)
  },
}

/** Faults of a lyskomd itself. */
const SERVER_FAULTS: Readonly<Record<string, (lyskomd: Lyskomd, server: Server, random: Random) => Promise<void>>> = {
  restart: async (lyskomd) => {
    lyskomd.kill('SIGTERM')
    await lyskomd.restart()
  },
  crash: async (lyskomd, server) => {
    server.crashes++
    lyskomd.kill('SIGKILL')
    await lyskomd.exited
    // lyskomd does not start if its lock file names a pid that another process uses now.
    await rm(join(lyskomd.dir, 'db/lyskomd-lock'), { force: true })
    await lyskomd.restart()
  },
  hang: async (lyskomd, _server, random) => {
    lyskomd.kill('SIGSTOP')
    await sleep(random.integer(500, 5000))
    lyskomd.kill('SIGCONT')
  },
}

/** Names of the faults of a server, with its id. */
export function faultNames({ lyskomd, server }: FaultyServer): string[] {
  const kinds = [...Object.keys(CONNECTION_FAULTS), ...(lyskomd === undefined ? [] : Object.keys(SERVER_FAULTS))]
  return kinds.map((kind) => `${server.id}: ${kind}`)
}

/**
 * Injects faults one after the other with pauses during the period, each once before any repeats, and records them.
 */
export async function injectFaults(
  target: FaultyServer,
  { faults }: Observations,
  random: Random,
  period: AbortSignal,
): Promise<void> {
  const { server, lyskomd } = target
  let left: string[] = []
  for (;;) {
    await pause(random.integer(500, 2500), period)
    if (period.aborted) return
    if (left.length === 0) left = random.sample(faultNames(target))
    const name = left.pop() as string
    const fault = { name, from: performance.now(), to: Number.POSITIVE_INFINITY }
    faults.push(fault)
    const kind = name.slice(server.id.length + 2)
    await CONNECTION_FAULTS[kind]?.(target, random)
    if (lyskomd !== undefined) await SERVER_FAULTS[kind]?.(lyskomd, server, random)
    fault.to = performance.now()
  }
}

/** Ends all faults of connections. */
export function restoreConnections(target: FaultyServer): void {
  target.accept = 0
  for (const line of target.proxy.lines) line.resume()
}

async function acceptAs(target: FaultyServer, accept: FaultyServer['accept'], ms: number): Promise<void> {
  target.accept = accept
  await sleep(ms)
  target.accept = 0
}

async function hold(lines: readonly ProxyLine[], ms: number): Promise<void> {
  for (const line of lines) line.stall()
  await sleep(ms)
  for (const line of lines) line.resume()
}

function someLines({ proxy: { lines } }: FaultyServer, random: Random): ProxyLine[] {
  return random.sample(lines, random.integer(1, Math.max(1, lines.length)))
}
