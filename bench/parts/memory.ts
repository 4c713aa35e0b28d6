import { setTimeout as sleep } from 'node:timers/promises'
import type { Inspector } from '../../test/support/inspector.ts'
import { startInspectedKomgate } from '../../test/support/komgate-process.ts'
import { openSockets, residentBytes } from '../../test/support/process-resources.ts'
import type { Scope } from '../../test/support/scope.ts'
import { type Child, startChild, startInspectedChild } from '../child.ts'
import { alternate, compare, precise, progress, type Row, runPart } from '../part.ts'

/** Time for the kernel and the allocator to reclaim freed memory. */
const SETTLE_MS = 500
const WARM_UPS = 2
const WARM_UP_SESSIONS = 300
const STEPS = 5
const STEP_SESSIONS = 2000
const LIMITS = [
  ...['--max-sessions-per-address', '20000', '--max-sessions', '20000'],
  ...['--max-openings-per-minute', '10000000'],
]

type Load = Child<typeof import('../http-load.ts')>

/** Memory of a process, in bytes. */
interface Memory {
  rss: number
  /** held by JavaScript after a garbage collection */
  heap: number
}

/** Measures an idle session against a bare idle socket, and what closed sessions leave behind. */
async function measure(scope: Scope): Promise<Row[]> {
  const load: Load = await startChild(scope, 'http-load')
  const backend = await startChild<typeof import('../fake-server.ts')>(scope, 'fake-server')
  const port = await backend.call('listen')
  return [
    ...(await idleRows(scope, load, port, 1000, 5)),
    ...(await idleRows(scope, load, port, 10_000, 1)),
    ...(await leakRows(scope, load, port, () => backend.call('connected'))),
  ]
}

async function idleRows(scope: Scope, load: Load, backend: number, count: number, rounds: number): Promise<Row[]> {
  const many = count.toLocaleString('en')
  const { session, socket } = await alternate<'session' | 'socket', Memory>(`${many} idle`, rounds, {
    session: () => memoryOfSession(scope.inner(), load, backend, count),
    socket: () => memoryOfSocket(scope.inner(), backend, count),
  })
  const row = (title: string, kind: keyof Memory): Row => {
    const names = {
      what: `${title} of each of ${many} idle sessions`,
      against: `${title} of each of ${many} idle net.Sockets`,
      aim: '<= 2.5',
    }
    const [sessions, sockets] = [session, socket].map((each) => each.map((memory) => memory[kind]))
    return compare(names, sessions as number[], sockets as number[], 'bytes')
  }
  return [row('RSS', 'rss'), row('heap', 'heap')]
}

async function memoryOfSession(scope: Scope, load: Load, backend: number, count: number): Promise<Memory> {
  const { port, pid, inspector } = await startInspectedKomgate(scope, { servers: { fake: backend }, args: LIMITS })
  for (let i = 0; i < WARM_UPS; i++) {
    await load.call('closeSessions', port, 'fake', await load.call('openSessions', port, 'fake', WARM_UP_SESSIONS))
    await inspector.heldBytes()
  }
  const memory = await growth(pid, inspector, count, () => load.call('openSessions', port, 'fake', count))
  await scope.close()
  return memory
}

async function memoryOfSocket(scope: Scope, backend: number, count: number): Promise<Memory> {
  const child = await startInspectedChild<typeof import('../idle-sockets.ts')>(scope, 'idle-sockets')
  for (let i = 0; i < WARM_UPS; i++) {
    await child.call('connectSockets', backend, WARM_UP_SESSIONS)
    await child.call('closeSockets')
    await child.inspector.heldBytes()
  }
  const memory = await growth(child.pid, child.inspector, count, () => child.call('connectSockets', backend, count))
  await scope.close()
  return memory
}

/** Returns the growth of a process by `work`, divided by `count`. */
async function growth(pid: number, inspector: Inspector, count: number, work: () => Promise<unknown>): Promise<Memory> {
  const settled = async (): Promise<Memory> => {
    await inspector.heldBytes()
    await sleep(SETTLE_MS)
    const heap = await inspector.heldBytes()
    return { heap, rss: await residentBytes(pid) }
  }
  const before = await settled()
  await work()
  const after = await settled()
  return { rss: (after.rss - before.rss) / count, heap: (after.heap - before.heap) / count }
}

async function leakRows(scope: Scope, load: Load, backend: number, connected: () => Promise<number>): Promise<Row[]> {
  const { port, pid, inspector } = await startInspectedKomgate(scope, { servers: { fake: backend }, args: LIMITS })
  const openAndClose = async (): Promise<number> => {
    const before = await inspector.heldBytes()
    const ids = await load.call('openSessions', port, 'fake', STEP_SESSIONS)
    const open = await inspector.heldBytes()
    await load.call('closeSessions', port, 'fake', ids)
    return (open - before) / STEP_SESSIONS
  }
  const session = await openAndClose()
  await sleep(SETTLE_MS)
  const socketsBefore = await openSockets(pid)
  const heaps = [await inspector.heldBytes()]
  for (let step = 1; step <= STEPS; step++) {
    progress(`closed sessions, step ${step} of ${STEPS}`)
    await openAndClose()
    heaps.push(await inspector.heldBytes())
  }
  await sleep(SETTLE_MS)
  const left = slope(heaps) / STEP_SESSIONS
  const sockets = (await openSockets(pid)) - socketsBefore
  const steps = heaps.map((bytes) => (bytes / 2 ** 20).toFixed(2)).join(' ')
  return [
    {
      what: `heap left of each of ${(STEPS * STEP_SESSIONS).toLocaleString('en')} closed sessions`,
      against: 'heap of an open session',
      ratio: left / session,
      aim: 'about 0',
      figures: `${precise(left)} / ${precise(session)} bytes; heap after each step ${steps} MB`,
    },
    {
      what: 'sockets left open by them',
      aim: '0',
      figures: `${sockets} in komgate, ${await connected()} on the LysKOM server`,
    },
  ]
}

/** Returns the growth per step: the slope of the least-squares line. */
function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const rise = values.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0)
  return rise / values.reduce((sum, _, i) => sum + (i - middle) ** 2, 0)
}

await runPart('memory', measure)
