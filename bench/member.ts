import type { Connection } from '../src/connection/connection.ts'
import { mapConcurrent } from '../src/map-concurrent.ts'
import { noBits } from '../src/protocol/codec.ts'
import { extendedConfType, type MiscInfo, membershipType, personalFlags } from '../src/protocol/types.ts'

const ADMINISTRATOR = { person: 5, passwd: 'gazonk', invisible: true }
/** The password of the member. */
export const PASSWORD = 'bench'
/** Conferences of the member, and unread texts in each of them. */
export const CONFERENCES = 200
export const TEXTS_PER_CONFERENCE = 25

/** Creates a member of 200 conferences with 5,000 unread texts, in threads. Returns the number of the person. */
export async function createMember(connection: Connection): Promise<number> {
  await connection.call('login', ADMINISTRATOR)
  const reader = { name: 'Reader', passwd: PASSWORD, flags: noBits(personalFlags), auxItems: [] }
  const persNo = await connection.call('create-person', reader)
  const type = noBits(extendedConfType)
  const names = Array.from({ length: CONFERENCES }, (_, i) => `A conference of the benchmark ${i}`)
  const confNos = await mapConcurrent(names, (name) => connection.call('create-conf', { name, type, auxItems: [] }))
  const text = Buffer.from(`the subject of a text\n${'a line of the body\n'.repeat(50)}`)
  await mapConcurrent(confNos, async (confNo) => {
    let commented: number | undefined
    for (let i = 0; i < TEXTS_PER_CONFERENCE; i++) {
      const miscInfo: MiscInfo[] = [{ kind: 'recpt', value: confNo }]
      if (commented !== undefined) miscInfo.push({ kind: 'comm-to', value: commented })
      commented = await connection.call('create-text', { text, miscInfo, auxItems: [] })
    }
  })
  await connection.call('login', { person: persNo, passwd: PASSWORD, invisible: true })
  for (const [i, confNo] of confNos.entries()) {
    const membership = { confNo, persNo, priority: 100, where: i + 1, type: noBits(membershipType) }
    await connection.call('add-member', membership)
  }
  return persNo
}
