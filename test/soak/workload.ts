import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from './client.ts'
import { BROKEN } from './clients/broken.ts'
import { USERS } from './clients/users.ts'
import { type ClientOptions, Interrupted } from './http-client.ts'
import type { Random } from './random.ts'
import type { Server } from './server.ts'
import { withDeadline } from './with-deadline.ts'

/** Clients that run longer are stuck. */
const CLIENT_MS = 90_000
/** Number of addresses per kind of client. */
const ADDRESSES = 50

const KINDS = { ...USERS, ...BROKEN }
export type Kind = keyof typeof KINDS
export const CLIENT_KINDS = Object.keys(KINDS) as Kind[]
/** Number of clients of each kind in 38, on average. */
const SHARES: Readonly<Record<number, readonly Kind[]>> = {
  6: ['reader'],
  3: ['poster', 'websocket', 'follower', 'idle', 'abandoner', 'deleter', 'aborter'],
  2: ['wrong password', 'slow sender', 'malformed'],
  1: ['monitor', 'operator', 'frozen', 'slow reader', 'half request'],
}
const WEIGHTED_KINDS = Object.entries(SHARES).flatMap(([share, kinds]) =>
  new Array<readonly Kind[]>(Number(share)).fill(kinds).flat(),
)

/** What all clients share. */
export interface ClientContext extends Pick<ClientOptions, 'port' | 'observations'> {
  servers: readonly Server[]
}

/** Waits `ms` milliseconds, or until the period ends. */
export async function pause(ms: number, period: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: period }).catch(() => undefined)
}

/** Keeps `count` clients of some kinds running during the period. Resolves when all have ended. */
export async function runClients(
  context: ClientContext,
  random: Random,
  { count, kinds }: { count: number; kinds: readonly Kind[] },
  period: AbortSignal,
): Promise<void> {
  const weighted = WEIGHTED_KINDS.filter((kind) => kinds.includes(kind))
  let last = 0
  const runSlot = async (slot: number): Promise<void> => {
    // Staggers the first clients.
    await sleep(slot * 20)
    while (!period.aborted) await runClient(context, random.fork(`client ${++last}`), weighted)
  }
  await Promise.all(Array.from({ length: count }, (_, slot) => runSlot(slot)))
}

async function runClient(
  { port, observations, servers }: ClientContext,
  random: Random,
  kinds: readonly Kind[],
): Promise<void> {
  const kind = random.pick(kinds)
  const server = random.pick(servers)
  const address = `127.1.${CLIENT_KINDS.indexOf(kind)}.${random.integer(1, ADDRESSES)}`
  const client = new Client({ port, address, observations, server, kind, random })
  observations.clients.add(kind)
  try {
    const result = await withDeadline(CLIENT_MS, KINDS[kind](client, client.options))
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
