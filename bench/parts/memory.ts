import { setTimeout as sleep } from 'node:timers/promises'
import { openSockets, residentBytes } from '../proc.ts'
import { type Child, startChild, startProbedKomgate } from '../processes.ts'
import { alternate, median, ratioOfMedians } from '../rounds.ts'
import type { Scope } from '../scope.ts'
import { precise, type Row } from '../table.ts'

/** Time for the kernel and the allocator to reclaim freed memory. */
const SETTLE_MS = 500
const WARM_UPS = 2
const WARM_UP_SESSIONS = 300
const STEPS = 5
const STEP_SESSIONS = 2000
const MANY = [
  ...['--max-sessions-per-address', '20000', '--max-sessions', '20000'],
  ...['--max-openings-per-minute', '10000000'],
]

/** Memory of a process, in bytes. */
interface Memory {
  rss: number
  /** by JavaScript */
  held: number
}

/** Measures an idle session against a bare idle socket, and what closed sessions leave behind. */
export async function measureMemory(scope: Scope): Promise<Row[]> {
  const load = await startChild(scope, 'http-load')
  const backend = await startChild(scope, 'fake-backend')
  const backendPort = await backend.call('listen')
  return [
    ...(await idleRows(scope, load, backendPort, 1000, 5)),
    ...(await idleRows(scope, load, backendPort, 10_000, 1)),
    ...(await leakRows(scope, load, backend, backendPort)),
  ]
}

async function idleRows(
  scope: Scope,
  load: Child<'http-load'>,
  backendPort: number,
  count: number,
  rounds: number,
): Promise<Row[]> {
  const held: Record<'session' | 'socket', number[]> = { session: [], socket: [] }
  const rss = await alternate(rounds, {
    session: async () => {
      const each = await memoryOfSession(scope.inner(), load, backendPort, count)
      held.session.push(each.held)
      return each.rss
    },
    socket: async () => {
      const each = await memoryOfSocket(scope.inner(), backendPort, count)
      held.socket.push(each.held)
      return each.rss
    },
  })
  const many = count.toLocaleString('en')
  return [
    {
      what: `RSS of each of ${many} idle sessions`,
      against: `RSS of each of ${many} idle net.Sockets`,
      ratio: ratioOfMedians(rss.session, rss.socket),
      aim: '<= 2.5',
      figures: `${precise(median(rss.session))} / ${precise(median(rss.socket))} bytes`,
    },
    {
      what: `heap of each of ${many} idle sessions`,
      against: `heap of each of ${many} idle net.Sockets`,
      ratio: ratioOfMedians(held.session, held.socket),
      aim: '<= 2.5',
      figures: `${precise(median(held.session))} / ${precise(median(held.socket))} bytes`,
    },
  ]
}

async function memoryOfSession(
  scope: Scope,
  load: Child<'http-load'>,
  backendPort: number,
  count: number,
): Promise<Memory> {
  try {
    const options = { servers: { fake: backendPort }, args: MANY }
    const { port, pid, probe } = await startProbedKomgate(scope, 'memory-probe', options)
    for (let i = 0; i < WARM_UPS; i++) {
      await load.call('closeSessions', port, 'fake', await load.call('openSessions', port, 'fake', WARM_UP_SESSIONS))
      await probe.call('heldBytes')
    }
    const before = await settled(pid, probe)
    await load.call('openSessions', port, 'fake', count)
    return perPiece(before, await settled(pid, probe), count)
  } finally {
    await scope.close()
  }
}

async function memoryOfSocket(scope: Scope, backendPort: number, count: number): Promise<Memory> {
  try {
    const sockets = await startChild(scope, 'idle-sockets')
    for (let i = 0; i < WARM_UPS; i++) {
      await sockets.call('connectSockets', backendPort, WARM_UP_SESSIONS)
      await sockets.call('closeSockets')
      await sockets.call('heldBytes')
    }
    const before = await settled(sockets.pid, sockets)
    await sockets.call('connectSockets', backendPort, count)
    return perPiece(before, await settled(sockets.pid, sockets), count)
  } finally {
    await scope.close()
  }
}

async function leakRows(
  scope: Scope,
  load: Child<'http-load'>,
  backend: Child<'fake-backend'>,
  backendPort: number,
): Promise<Row[]> {
  const options = { servers: { fake: backendPort }, args: MANY }
  const { port, pid, probe } = await startProbedKomgate(scope, 'memory-probe', options)
  const openAndClose = async (): Promise<number> => {
    const before = await probe.call('heldBytes')
    const ids = await load.call('openSessions', port, 'fake', STEP_SESSIONS)
    const open = await probe.call('heldBytes')
    await load.call('closeSessions', port, 'fake', ids)
    return (open - before) / STEP_SESSIONS
  }
  const session = await openAndClose()
  await sleep(SETTLE_MS)
  const socketsBefore = await openSockets(pid)
  const held = [await probe.call('heldBytes')]
  for (let step = 1; step <= STEPS; step++) {
    await openAndClose()
    held.push(await probe.call('heldBytes'))
  }
  await sleep(SETTLE_MS)
  const left = slope(held) / STEP_SESSIONS
  const sockets = (await openSockets(pid)) - socketsBefore
  return [
    {
      what: `heap left of each of ${(STEPS * STEP_SESSIONS).toLocaleString('en')} closed sessions`,
      against: 'heap of an open session',
      ratio: left / session,
      aim: 'about 0',
      figures: `${precise(left)} / ${precise(session)} bytes; heap after each step ${held.map(megabytes).join(' ')} MB`,
    },
    {
      what: 'sockets left open by them',
      against: '',
      ratio: undefined,
      aim: '0',
      figures: `${sockets} in komgate, ${await backend.call('connected')} on the LysKOM server`,
    },
  ]
}

async function settled(pid: number, probe: { call(name: 'heldBytes'): Promise<number> }): Promise<Memory> {
  await probe.call('heldBytes')
  await sleep(SETTLE_MS)
  const held = await probe.call('heldBytes')
  return { held, rss: await residentBytes(pid) }
}

function perPiece(before: Memory, after: Memory, count: number): Memory {
  return { rss: (after.rss - before.rss) / count, held: (after.held - before.held) / count }
}

/** Returns the growth per step: the slope of the least-squares line. */
function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  let [above, below] = [0, 0]
  for (const [i, value] of values.entries()) {
    above += (i - middle) * (value - mean)
    below += (i - middle) ** 2
  }
  return above / below
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(2)
}
