import { jsonOf } from '../session.ts'
import { ADMIN_KEY, ANSWER_MS } from '../times.ts'
import type { Visit } from '../visit.ts'
import { within } from '../within.ts'

const HEADERS = { Authorization: `Bearer ${ADMIN_KEY}` }
const GONE = 404
/** The status when too many traces are open. */
const TOO_MANY = 503

/** An operator who lists sessions, traces one, and ends one that no visit depends on. */
export async function operator(visit: Visit): Promise<void> {
  const { random, browser } = visit
  const answer = await browser.ask({ method: 'GET', path: '/admin/sessions', headers: HEADERS, allow: [200] })
  const { sessions } = jsonOf(answer) as { sessions: { handle: string; server: string }[] }
  if (sessions.length === 0) return
  await trace(visit, random.pick(sessions).handle)
  const others = sessions.filter(({ server }) => server !== 'calm')
  if (others.length === 0 || random.chance(0.5)) return
  const path = `/admin/sessions/${random.pick(others).handle}`
  await browser.ask({ method: 'DELETE', path, headers: HEADERS, allow: [204, GONE] })
}

/** Reads a trace for a while or leaves it unread, and disconnects. */
async function trace(visit: Visit, handle: string): Promise<void> {
  const { browser, random, ledger } = visit
  const line = await browser.line()
  line.socket.removeAllListeners('data')
  const first = new Promise<string>((resolve) => line.socket.once('data', (chunk) => resolve(String(chunk))))
  line.socket.write(
    `GET /admin/sessions/${handle}/trace HTTP/1.1\r\nHost: x\r\nAuthorization: ${HEADERS.Authorization}\r\n\r\n`,
  )
  const said = await within(ANSWER_MS, first)
  const status = Number(said.slice(9, 12))
  if (![200, GONE, TOO_MANY].includes(status)) ledger.problem('wrong answer', `a trace: ${said.slice(0, 300)}`)
  if (random.chance(0.5)) line.socket.pause()
  else line.socket.resume()
  await visit.pause(100, 3000)
  line.reset()
}
