import { requestBytes } from '../browser.ts'
import { MARGIN_MS, STALL_MS } from '../times.ts'
import type { Visit } from '../visit.ts'
import { within } from '../within.ts'

/** Requests much data on one connection without reading it: the gateway closes the connection and keeps the session. */
export async function deaf(visit: Visit): Promise<void> {
  const { random, browser, ledger, place } = visit
  const session = await visit.open()
  await session.login(visit.person())
  const line = await browser.line()
  const closed = new Promise<'closed'>((resolve) => line.socket.once('close', () => resolve('closed')))
  line.socket.removeAllListeners('data').pause()
  const textNo = await session.post('soak, much to read', 60_000)
  const asked = session.asked('GET', `/texts/${textNo}`, [])
  const count = random.whole(10, 60)
  ledger.asked += count
  ledger.left += count
  line.socket.write(Buffer.concat(Array.from({ length: count }, () => requestBytes(asked))))
  const stays = random.chance(0.5)
  const end = performance.now() + (stays ? STALL_MS : 1000)
  while (performance.now() < end) {
    await visit.pause(500, 1500)
    if (await session.isAlive()) continue
    if (place.weather === 'calm') ledger.problem('untrue', 'a client that does not read has lost its session')
    return
  }
  if (stays) {
    // Resumed reading yields the kernel's buffer and then the end of the connection.
    line.socket.resume()
    if ((await within(MARGIN_MS, closed)) === 'late') ledger.problem('untrue', 'a client that does not read is kept')
  }
  line.reset()
  await session.end()
}
