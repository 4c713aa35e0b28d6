import { describe, expect, it } from 'vitest'
import { startDemoServer } from '../../src/demo/server.ts'
import { chromiumInstalled } from '../support/chromium.ts'
import { onReaderStage } from './reader-stage.ts'

const TEST_MS = 120_000
const TEXTS = 200
/** Texts of a thread. */
const THREAD = 5
/** Time between two texts, and half of the longest silence of a stream of events. */
const PACE_MS = 18_000
const SILENCE_MS = 30_000
const LEFT = 20

describe.skipIf(!chromiumInstalled() && !process.env.CI)('an hour of reading', () => {
  const on = onReaderStage(async () => {
    const demo = await startDemoServer()
    return { host: demo.host, port: demo.port, stop: () => demo.close() }
  })
  const { stage } = on

  it('takes at most 1.2 requests of the gateway for each text, and none while nothing is read', {
    timeout: TEST_MS,
  }, async () => {
    await on.readAll()
    const textNos: number[] = []
    for (let i = 0; i < TEXTS + LEFT; i++) {
      textNos.push(await on.write(`Text ${i}\nIts body.`, { commentTo: i % THREAD === 0 ? [] : textNos.slice(-1) }))
    }
    const { alice, club } = stage.cast
    const reader = await on.open()
    const { page, requests } = reader
    await page.clock.install()
    await reader.logIn(alice.name, alice.passwd)
    const heading = (name: string) => page.getByRole('heading', { level: 1, name, exact: true })
    const unread = page.getByRole('list', { name: 'Unread' }).getByRole('listitem')
    const before = requests.length
    for (let i = 0; i < TEXTS; i++) {
      await heading(`Text ${i}`).waitFor()
      await page.clock.fastForward(PACE_MS)
      await page.keyboard.press('Space')
    }
    await heading(`Text ${TEXTS}`).waitFor()
    await expect.poll(async () => (await on.unreadOfAlice()).length).toBe(LEFT)
    const made = requests.slice(before)
    expect(made.length / TEXTS, made.slice(-10).join()).toBeLessThanOrEqual(1.2)

    const idle = requests.length
    const elsewhere = await stage.as('alice')
    for (let left = LEFT - 1; left > 0; left--) {
      await page.clock.fastForward(SILENCE_MS)
      // An event, without which the reader would suspect the stream.
      await elsewhere.put(`/texts/${textNos[TEXTS + left]}/read-marking`)
      await expect.poll(() => unread.allTextContents()).toEqual([`${club.name}${left}`])
    }
    expect(requests.slice(idle)).toEqual([])
    await reader.close()
  })
})
