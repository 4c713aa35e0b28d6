import { setTimeout as sleep } from 'node:timers/promises'
import { mapConcurrent } from '../../src/map-concurrent.ts'
import { type Assertion, equal, inRange } from './assertions.ts'
import { Client } from './client.ts'
import type { Environment } from './environment.ts'
import { restoreConnections } from './faults.ts'
import { handlesOf } from './nodes.ts'
import type { Random } from './random.ts'
import { readStats } from './samples.ts'
import type { Server } from './server.ts'
import { IDLE_MS } from './settings.ts'

/** An address that no client of the workload has. */
const AUDIT_ADDRESS = '127.1.253.1'
/** Node closes idle keep-alive connections after five seconds; other deadlines are generous. */
const SETTLE_MS = 10_000

/** Checks that nothing but the texts remains after all clients have left and all faults are over. Stops the gateway. */
export async function audit(environment: Environment, random: Random): Promise<Assertion[]> {
  const { targets, servers, nodes, logs } = environment
  for (const target of targets) restoreConnections(target)
  const assertions: Assertion[] = []
  try {
    for (const server of servers) {
      if (!server.losesData) assertions.push(...(await auditTexts(environment, server, random)))
    }
    assertions.push(...(await auditSessions(environment)), ...(await auditConnections(environment)))
  } catch (error) {
    // The result also covers a gateway that does not respond or has exited.
    assertions.push(equal('audit', (error as Error).message, 'completed'))
  }
  const lines = logs.reduce((sum, log) => sum + log.lines, 0)
  const errors = logs.flatMap((log) => log.errors)
  return [
    ...assertions,
    ...(await Promise.all(nodes.map(({ stop }) => stop()))).map((code) => equal('exit code of komgate', code, 0)),
    equal(`errors among ${lines} lines of its log`, errors.length, 0, errors.slice(0, 5)),
  ]
}

/** Checks that every text that the gateway reported as created exists once. */
async function auditTexts({ port, observations }: Environment, server: Server, random: Random): Promise<Assertion[]> {
  const client = new Client({ port, address: AUDIT_ADDRESS, observations, server, kind: 'audit', random })
  await client.openAndLogIn()
  const posted = observations.posted.filter(({ serverId }) => serverId === server.id)
  const found = await mapConcurrent(posted, async ({ textNo, subject, size }) => {
    // A missing text is already recorded as a wrong response; check the others.
    return await client.checkText(textNo, subject, size).catch(() => false)
  })
  const { highest_local_no: existing } = await client.get<{ highest_local_no: number }>(
    `/conferences/${server.conference}`,
  )
  await client.end()
  client.close()
  const min = observations.created.get(server.id) ?? 0
  const max = min + (observations.uncertain.get(server.id) ?? 0)
  return [
    equal(`${server.id}: posted texts that were read back`, found.filter(Boolean).length, posted.length),
    inRange(`${server.id}: existing texts`, existing, min, max),
  ]
}

/** Checks that all sessions are closed and all counted requests have a response. */
async function auditSessions(environment: Environment): Promise<Assertion[]> {
  let stats: Record<string, number> = {}
  await poll(IDLE_MS.max + SETTLE_MS, async () => {
    stats = await readStats(environment)
    return stats['komgate.sessions.active.last'] === 0
  })
  const sum = (prefix: string): number =>
    Object.entries(stats).reduce((total, [name, value]) => total + (name.startsWith(prefix) ? value : 0), 0)
  const found = `${sum('komgate.sessions.closed.')} and ${stats['komgate.sessions.active.last']}`
  // The request for the counts itself has no response yet, at each node.
  const responses = sum('komgate.http.responses.sent.') + environment.nodes.length
  return [
    equal('sessions: closed, and still open', found, `${stats['komgate.sessions.opened.last']} and 0`),
    equal('responses by the count of komgate', responses, stats['komgate.http.requests.received.last']),
  ]
}

/** Checks that no connections to the servers remain and that the gateway has as many open files as at the start. */
async function auditConnections({ openConnections, nodes, idleHandles }: Environment): Promise<Assertion[]> {
  let open: Record<string, number> = {}
  let handles = Number.NaN
  await poll(SETTLE_MS, async () => {
    open = await openConnections()
    handles = await handlesOf(nodes)
    return Object.values(open).every((count) => count === 0) && handles <= idleHandles
  })
  const remaining = Object.entries(open).filter(([, count]) => count !== 0)
  return [
    equal(`connections open at ${Object.keys(open).join(', ')}`, remaining.join(' ') || 0, 0),
    inRange('open files and sockets of komgate', handles, 0, idleHandles),
  ]
}

/** Polls until `isDone` resolves with true, at most `ms` milliseconds. */
async function poll(ms: number, isDone: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + ms
  while (!(await isDone()) && performance.now() < end) await sleep(200)
}
