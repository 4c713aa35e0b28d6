import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from './client.ts'
import { aborter, halfRequest, slowReader, slowSender } from './clients/broken.ts'
import { malformed } from './clients/malformed.ts'
import { monitor, operator, poster, reader, websocket } from './clients/regular.ts'
import { abandoner, deleter, frozen, idle, wrongPassword } from './clients/sessions.ts'
import { Interrupted } from './http-client.ts'
import type { Observations } from './observations.ts'
import type { Random } from './random.ts'
import type { Server } from './server.ts'
import { withDeadline } from './with-deadline.ts'

/** Clients that run longer are stuck. */
const CLIENT_MS = 90_000
/** Number of addresses per kind of client. */
const ADDRESSES = 50

/** All kinds of clients with their weights. */
const KINDS: Readonly<Record<string, { run: (client: Client) => Promise<void>; weight: number }>> = {
  reader: { run: reader, weight: 6 },
  poster: { run: poster, weight: 3 },
  websocket: { run: websocket, weight: 3 },
  monitor: { run: monitor, weight: 1 },
  operator: { run: operator, weight: 1 },
  idle: { run: idle, weight: 3 },
  abandoner: { run: abandoner, weight: 3 },
  deleter: { run: deleter, weight: 3 },
  'wrong password': { run: wrongPassword, weight: 2 },
  frozen: { run: frozen, weight: 1 },
  aborter: { run: aborter, weight: 3 },
  'slow sender': { run: slowSender, weight: 2 },
  'slow reader': { run: slowReader, weight: 1 },
  'half request': { run: halfRequest, weight: 1 },
  malformed: { run: malformed, weight: 2 },
}
export const CLIENT_KINDS = Object.keys(KINDS)
const WEIGHTED_KINDS = Object.entries(KINDS).flatMap(([kind, { weight }]) => new Array<string>(weight).fill(kind))

/** What all clients share. */
export interface ClientContext {
  /** port of the gateway */
  port: number
  observations: Observations
  servers: readonly Server[]
}

/** The period in which clients start and faults are injected, from its construction. */
export class Period {
  /** milliseconds of `performance.now()` */
  readonly start = performance.now()
  readonly #aborted = new AbortController()

  constructor(readonly lengthMs: number) {}

  get isOver(): boolean {
    return this.isAborted || this.#leftMs <= 0
  }

  /** Reports whether the operator has stopped the run. */
  get isAborted(): boolean {
    return this.#aborted.signal.aborted
  }

  abort(): void {
    this.#aborted.abort()
  }

  /** Waits `ms`, or until the period ends. */
  async pause(ms: number): Promise<void> {
    const time = Math.max(0, Math.min(ms, this.#leftMs))
    await sleep(time, undefined, { signal: this.#aborted.signal }).catch(() => undefined)
  }

  get #leftMs(): number {
    return this.start + this.lengthMs - performance.now()
  }
}

/** Keeps `count` clients running during the period. Resolves when all have ended. */
export async function runClients(context: ClientContext, random: Random, count: number, period: Period): Promise<void> {
  let last = 0
  const runSlot = async (slot: number): Promise<void> => {
    // Staggers the first clients.
    await sleep(slot * 20)
    while (!period.isOver) await runClient(context, random.fork(`client ${++last}`))
  }
  await Promise.all(Array.from({ length: count }, (_, slot) => runSlot(slot)))
}

async function runClient({ port, observations, servers }: ClientContext, random: Random): Promise<void> {
  const kind = random.pick(WEIGHTED_KINDS)
  const server = random.pick(servers)
  const address = `127.1.${CLIENT_KINDS.indexOf(kind)}.${random.integer(1, ADDRESSES)}`
  const client = new Client({ port, address, observations, server, kind, random })
  observations.clients.add(kind)
  try {
    const result = await withDeadline(CLIENT_MS, KINDS[kind]?.run(client) ?? Promise.resolve())
    if (result === 'late') observations.problem('stuck', `${kind} (${server.id})`)
    client.close()
  } catch (error) {
    // After a fault the client leaves without cleanup.
    client.reset()
    if (error instanceof Interrupted) observations.interrupted.add(kind)
    else observations.problem('wrong response', `${kind} (${server.id}): ${(error as Error).stack}`)
    // Delays the next client after a failed one.
    await client.pause(50, 300)
  }
}
