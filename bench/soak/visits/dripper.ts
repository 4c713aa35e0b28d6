import { setTimeout as sleep } from 'node:timers/promises'
import { jsonOf, newText } from '../session.ts'
import type { Visit } from '../visit.ts'

/** Sends a request one byte at a time, and sometimes gives up. */
export async function dripper(visit: Visit): Promise<void> {
  const { random, browser, ledger, place } = visit
  const session = await visit.open()
  const { pers_no, passwd } = visit.person()
  const login = session.asked('POST', '/sessions/current/login', [201], { pers_no, passwd })
  const line = await browser.line()
  const byByte = async (bytes: Buffer): Promise<void> => {
    const slowly = random.whole(60, 150)
    line.socket.write(bytes.subarray(0, -slowly))
    for (const byte of bytes.subarray(-slowly)) {
      line.socket.write(Buffer.from([byte]))
      await sleep(random.whole(1, 20))
    }
  }
  await browser.exchange(line, login, byByte)
  if (random.chance(0.3)) {
    const head = `POST /${place.id}/texts/ HTTP/1.1\r\nHost: x\r\nHttpkom-Connection: ${session.id}`
    line.socket.write(`${head}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"subject": "half a`)
    await visit.pause(0, 500)
    line.reset()
    return
  }
  const subject = `soak, drop by drop ${random.whole(0, 2 ** 48).toString(36)}`
  const posting = session.asked('POST', '/texts/', [201], newText(place, subject, 30))
  ledger.isPosting(place.id)
  const { text_no } = jsonOf(await browser.exchange(line, posting, byByte)) as { text_no: number }
  ledger.hasPosted(place.id, { textNo: text_no, subject, size: 30 })
  await session.end()
}
