import { requestBytes } from '../browser.ts'
import type { Visit } from '../visit.ts'

/** Asks for a great deal on one connection, reads nothing of it, and goes away. Its session lives on. */
export async function deaf(visit: Visit): Promise<void> {
  const { random, browser, ledger, place } = visit
  const session = await visit.open()
  await session.login(visit.person())
  const line = await browser.line()
  line.socket.removeAllListeners('data').pause()
  const textNo = await session.post('soak, much to read', 60_000)
  const asked = session.asked('GET', `/texts/${textNo}`, [])
  const count = random.whole(10, 60)
  ledger.asked += count
  ledger.left += count
  line.socket.write(Buffer.concat(Array.from({ length: count }, () => requestBytes(asked))))
  await visit.pause(200, 1500)
  if (!(await session.isAlive()) && place.weather === 'calm') {
    ledger.problem('untrue', 'a client that does not read has lost its session')
    return
  }
  line.reset()
  await session.end()
}
