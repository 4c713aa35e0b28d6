import type { Visit } from '../visit.ts'

/** A one-pixel image. */
const DOT = 'R0lGODlhAQABAAAAACw='

/** A program that posts short and long texts, reads them back and ends its session. */
export async function bot(visit: Visit): Promise<void> {
  const { random, place, ledger } = visit
  const session = await visit.open()
  await session.login(visit.person())
  for (let left = random.whole(1, 4); left > 0; left--) {
    const subject = `soak ${random.whole(0, 2 ** 48).toString(36)}`
    const size = random.chance(0.2) ? random.whole(5_000, 50_000) : random.whole(0, 1500)
    const { crashes } = place
    const textNo = await session.post(subject, size)
    if (place.crashes === crashes) await session.check(textNo, subject, size)
    await visit.pause(0, 400)
  }
  if (random.chance(0.3)) {
    ledger.isPosting(place.id)
    await session.ask('POST', '/texts/', [201], {
      subject: 'A dot',
      body: DOT,
      content_type: 'image/gif',
      content_encoding: 'base64',
      recipient_list: [{ type: 'to', recpt: { conf_no: place.conference } }],
    })
    ledger.hasPosted(place.id)
  }
  await session.end()
}
