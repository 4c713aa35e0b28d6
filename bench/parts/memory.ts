import { setTimeout as sleep } from 'node:timers/promises'
import { startInspectedKomgate } from '../../test/support/komgate-process.ts'
import type { Scope } from '../../test/support/scope.ts'
import { median } from '../../test/support/statistics.ts'
import { type Child, startChild, startInspectedChild } from '../child.ts'
import { growth } from '../growth.ts'
import { alternate, compare, precise, progress, type Row, runPart } from '../part.ts'

/** Time for the kernel and the allocator to reclaim freed memory. */
const SETTLE_MS = 500
const STEPS = 5
const STEP_SESSIONS = 2000
const LIMITS = '--max-sessions-per-address 20000 --max-sessions 20000 --max-openings-per-minute 10000000'.split(' ')

type Load = Child<typeof import('../http-load.ts')>

/** Measures an idle session against a bare idle socket, and what closed sessions leave behind. */
async function measure(scope: Scope): Promise<Row[]> {
  const load: Load = await startChild(scope, 'http-load')
  const backend = await startChild<typeof import('../fake-server.ts')>(scope, 'fake-server')
  const port = await backend.call('listen')
  return [
    await idleRow(scope, load, port, 1000, 5),
    await idleRow(scope, load, port, 10_000, 1),
    await leakRow(scope, load, port),
  ]
}

async function idleRow(scope: Scope, load: Load, backend: number, count: number, rounds: number): Promise<Row> {
  const many = count.toLocaleString('en')
  const { session, socket } = await alternate(`${many} idle`, rounds, {
    session: () => memoryOfSession(scope.inner(), load, backend, count),
    socket: () => memoryOfSocket(scope.inner(), backend, count),
  })
  const what = `RSS of each of ${many} idle sessions`
  return compare({ what, against: 'RSS of each of as many net.Sockets', aim: '<= 2.5' }, session, socket, 'bytes')
}

async function memoryOfSession(scope: Scope, load: Load, backend: number, count: number): Promise<number> {
  const komgate = await startInspectedKomgate(scope, { servers: { fake: backend }, args: LIMITS })
  const open = (sessions: number) => load.call('openSessions', komgate.port, 'fake', sessions)
  const close = async (ids: string[]) => await load.call('closeSessions', komgate.port, 'fake', ids)
  const bytes = await growth(komgate, count, open, close)
  await scope.close()
  return bytes
}

async function memoryOfSocket(scope: Scope, backend: number, count: number): Promise<number> {
  const child = await startInspectedChild<typeof import('../bare-client.ts')>(scope, 'bare-client')
  const open = (sockets: number) => child.call('connectSockets', backend, sockets)
  const bytes = await growth(child, count, open, () => child.call('closeSockets'))
  await scope.close()
  return bytes
}

async function leakRow(scope: Scope, load: Load, backend: number): Promise<Row> {
  const { port, inspector } = await startInspectedKomgate(scope, { servers: { fake: backend }, args: LIMITS })
  const openAndClose = async (): Promise<number> => {
    const before = await inspector.heldBytes()
    const ids = await load.call('openSessions', port, 'fake', STEP_SESSIONS)
    const open = await inspector.heldBytes()
    await load.call('closeSessions', port, 'fake', ids)
    return (open - before) / STEP_SESSIONS
  }
  const session = await openAndClose()
  await sleep(SETTLE_MS)
  const heaps = [await inspector.heldBytes()]
  for (let step = 1; step <= STEPS; step++) {
    progress(`closed sessions, step ${step} of ${STEPS}`)
    await openAndClose()
    heaps.push(await inspector.heldBytes())
  }
  const left = median(heaps.slice(1).map((heap, i) => heap - (heaps[i] as number))) / STEP_SESSIONS
  const steps = heaps.map((bytes) => (bytes / 2 ** 20).toFixed(2)).join(' ')
  return {
    what: `heap left of each of ${(STEPS * STEP_SESSIONS).toLocaleString('en')} closed sessions`,
    against: 'heap of an open session',
    ratio: left / session,
    aim: 'about 0',
    figures: `${precise(left)} / ${precise(session)} bytes; heap after each step ${steps} MB`,
  }
}

await runPart('memory', measure)
