import { setTimeout as sleep } from 'node:timers/promises'
import { openHandles } from '../proc.ts'
import type { Check } from './checks.ts'
import type { Place } from './place.ts'
import type { Random } from './random.ts'
import { readStats, type Stats, watchtower } from './sampler.ts'
import type { Scene } from './scene.ts'
import type { Session } from './session.ts'
import { LEASE_MS } from './times.ts'
import { Visit } from './visit.ts'

/** An address number that no client has. */
const AUDITOR = { name: 'auditor', no: 253 }
const AT_ONCE = 6
/** Node closes idle keep-alive connections after five seconds; other deadlines are generous. */
const SETTLE_MS = 10_000

/** Checks that nothing but the texts remains after all clients have left and all faults are over. Stops the gateway. */
export async function audit(scene: Scene, random: Random): Promise<Check[]> {
  for (const { proxy } of scene.targets) proxy.calm()
  const checks: Check[] = []
  try {
    for (const place of scene.places) {
      if (!place.forgets) checks.push(...(await auditTexts(scene, place, random)))
    }
    checks.push(...(await auditSessions(scene)), ...(await auditLines(scene)))
  } catch (error) {
    // The verdict also covers a gateway that does not respond or has exited.
    checks.push({ what: 'audit', found: String((error as Error).message), wanted: 'done', good: false })
  }
  const ending = await scene.komgate.stop()
  const { log } = scene
  checks.push(
    { what: 'komgate ends in order', found: String(ending), wanted: '0', good: ending === 0 },
    {
      what: `errors among ${log.lines} lines of its log`,
      found: String(log.errors),
      wanted: '0',
      good: log.errors === 0,
      examples: log.examples,
    },
  )
  return checks
}

/** Checks that every text that the gateway reported as created exists once. */
async function auditTexts(scene: Scene, place: Place, random: Random): Promise<Check[]> {
  const { ledger } = scene
  const visit = new Visit({ ...scene, port: scene.komgate.port }, place, random, AUDITOR)
  const session = await visit.open()
  await session.login(visit.person())
  const before = ledger.problems('untrue').count + ledger.problems('wrong answer').count
  const posted = ledger.posted.filter((text) => text.place === place.id)
  await readBack(session, posted)
  const wrong = ledger.problems('untrue').count + ledger.problems('wrong answer').count - before
  const { highest_local_no: there } = await session.get<{ highest_local_no: number }>(
    `/conferences/${place.conference}`,
  )
  await session.end()
  visit.browser.close()
  const made = ledger.made.get(place.id) ?? 0
  const most = made + (ledger.uncertain.get(place.id) ?? 0)
  return [
    {
      what: `${place.id}: texts that were posted and read back`,
      found: String(posted.length - wrong),
      wanted: String(posted.length),
      good: wrong === 0,
    },
    {
      what: `${place.id}: texts that are there`,
      found: String(there),
      wanted: `${made} to ${most}`,
      good: there >= made && there <= most,
    },
  ]
}

async function readBack(session: Session, texts: readonly { textNo: number; subject: string; size: number }[]) {
  const left = [...texts]
  const next = async (): Promise<void> => {
    for (let text = left.pop(); text !== undefined; text = left.pop()) {
      // A missing text is already recorded as a wrong answer; check the others.
      await session.check(text.textNo, text.subject, text.size).catch(() => undefined)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, next))
}

/** Checks that all sessions are closed and all counted requests have a response. */
async function auditSessions(scene: Scene): Promise<Check[]> {
  const browser = watchtower(scene)
  let stats: Stats = {}
  await until(LEASE_MS.max + SETTLE_MS, async () => {
    stats = await readStats(browser)
    return stats['komgate.sessions.active.last'] === 0
  })
  browser.close()
  const sum = (prefix: string) =>
    Object.entries(stats).reduce((total, [name, value]) => total + (name.startsWith(prefix) ? value : 0), 0)
  const opened = stats['komgate.sessions.opened.last'] ?? Number.NaN
  const active = stats['komgate.sessions.active.last'] ?? Number.NaN
  const closed = sum('komgate.sessions.closed.')
  const received = stats['komgate.http.requests.received.last'] ?? Number.NaN
  const sent = sum('komgate.http.responses.sent.')
  return [
    {
      what: 'sessions: closed, and still open',
      found: `${closed} and ${active}`,
      wanted: `${opened} and 0`,
      good: closed === opened && active === 0,
    },
    {
      // The request for the counts itself has no response yet.
      what: "komgate's own count: requests with an answer",
      found: String(sent + 1),
      wanted: String(received),
      good: sent + 1 === received,
    },
  ]
}

/** Checks that no connections to the servers remain and that the gateway has as many open files as at the start. */
async function auditLines(scene: Scene): Promise<Check[]> {
  const { targets, clients, komgate } = scene
  let open: [string, number | undefined][] = []
  let handles = Number.NaN
  await until(SETTLE_MS, async () => {
    const counts = Object.entries(await clients())
    open = [
      ...counts,
      ...targets.map(({ place, proxy }) => [`${place.id}'s proxy`, proxy.lines.size] as [string, number]),
    ]
    handles = await openHandles(komgate.pid)
    return open.every(([, count]) => count === 0) && handles <= scene.handles
  })
  const left = open.filter(([, count]) => count !== 0)
  return [
    {
      what: `lines open at ${open.map(([name]) => name).join(', ')}`,
      found: left.length === 0 ? '0' : left.map(([name, count]) => `${name} ${count}`).join(', '),
      wanted: '0',
      good: left.length === 0,
    },
    {
      what: 'files and sockets that komgate has open',
      found: String(handles),
      wanted: `${scene.handles} at most`,
      good: handles <= scene.handles,
    },
  ]
}

/** Polls until `isSo` resolves with true, at most `ms` milliseconds. */
async function until(ms: number, isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + ms
  while (!(await isSo()) && performance.now() < end) await sleep(200)
}
