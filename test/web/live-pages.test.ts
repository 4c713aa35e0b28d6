import type { Page, Request } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { BACKENDS } from '../contract/backends.ts'
import { chromiumInstalled } from '../support/chromium.ts'
import { onReaderStage } from './reader-stage.ts'

const TEST_MS = 60_000
/** Half of the longest silence of a stream of events. */
const IDLE_MS = 30_000

describe.skipIf(!chromiumInstalled() && !process.env.CI).each(BACKENDS)('pages that are open on $name', ({ start }) => {
  const on = onReaderStage(start)
  const { stage } = on

  const show = (page: Page, fragment: string) => page.evaluate(`location.hash = '#/kom/${fragment}'`)
  const titled = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor()

  it('show that a person comes, what they do, and that they go', { timeout: TEST_MS }, async () => {
    const { carol } = stage.cast
    await on.asPerson('alice', async ({ page, requests }) => {
      await show(page, `persons/${carol.no}`)
      await titled(page, carol.name)
      await page.getByText('Not logged in').waitFor()
      await (await stage.fresh('bob')).post('/calls/change-what-i-am-doing', { what_am_i_doing: 'Dricker te' })
      const [first, second] = [await stage.fresh('carol'), await stage.fresh('carol')]
      await page.getByText('On now').waitFor()
      await second.post('/calls/change-what-i-am-doing', { what_am_i_doing: 'Dricker kaffe' })
      await page.getByText('Dricker kaffe').waitFor()
      // Nobody else is taken for the person.
      expect(await page.getByText('Dricker te').count()).toBe(0)
      await second.delete('/sessions/0')
      await page.getByText('Dricker kaffe').waitFor({ state: 'detached' })
      expect(await page.getByText('On now').count()).toBe(1)
      await first.delete('/sessions/0')
      await page.getByText('Not logged in').waitFor()
      expect(requests.filter((each) => each === 'GET /kom/sessions/').length).toBeLessThanOrEqual(1)
    })
  })

  it('show the members of a conference when the person joins it, and when they leave', {
    timeout: TEST_MS,
  }, async () => {
    const { other, alice } = stage.cast
    await on.asPerson('alice', async ({ page }) => {
      await show(page, `conferences/${other.no}`)
      await titled(page, other.name)
      const members = page.getByText(/^Members \(\d+\)$/)
      const [, before] = /(\d+)/.exec((await members.textContent()) ?? '') ?? []
      await page.getByRole('button', { name: 'Join', exact: true }).click()
      await page.getByText(`Members (${Number(before) + 1})`).click()
      await page.getByRole('list', { name: 'Members' }).getByRole('link', { name: alice.name }).waitFor()
      await page.getByRole('button', { name: 'Membership', exact: true }).click()
      await page.getByRole('button', { name: 'Leave the conference' }).click()
      await page.getByRole('button', { name: 'Leave', exact: true }).click()
      await page.getByText(`Members (${before})`).waitFor()
    })
  })

  it('make no requests while nothing happens', { timeout: TEST_MS }, async () => {
    await on.readAll()
    const { alice, bob, club } = stage.cast
    const reader = await on.open()
    const { page, requests } = reader
    const waiting = new Set<Request>()
    page.on('request', (request) => !request.url().endsWith('/events') && waiting.add(request))
    page.on('requestfinished', (request) => waiting.delete(request))
    page.on('requestfailed', (request) => waiting.delete(request))
    /** Lets a second pass, and waits for the responses to what was requested meanwhile. */
    const settle = async (): Promise<void> => {
      await page.clock.runFor(1000)
      await expect.poll(() => waiting.size).toBe(0)
    }
    await page.clock.install()
    await reader.logIn(alice.name, alice.passwd)
    await titled(page, 'All read')
    for (const [fragment, name] of [
      [`persons/${bob.no}`, bob.name],
      [`conferences/${club.no}`, club.name],
      ['online', 'Who is on'],
      ['messages', 'Messages'],
      ['new', 'Write a text'],
      ['', 'All read'],
    ] as const) {
      await show(page, fragment)
      // A new stream of events: its heartbeats do not come in the time of the page.
      await page.reload()
      await titled(page, name)
      await settle()
      await settle()
      const before = requests.length
      await page.clock.runFor(IDLE_MS)
      await settle()
      expect([fragment, ...requests.slice(before)]).toEqual([fragment])
    }
    await reader.close()
  })
})
