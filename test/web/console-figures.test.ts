import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chromiumInstalled } from '../support/chromium.ts'
import type { TestGateway } from '../support/gateway.ts'
import { enterKey, KEY, onConsoleStage, startAdminGateway, TEST_MS } from './console-stage.ts'
import { accessibilityViolations } from './reader-page.ts'

const CHARTS = [
  'Sessions',
  'Requests',
  'Time of requests',
  'Time of LysKOM calls',
  'Event-loop delay',
  'Memory',
  'Limits hit',
]

describe.skipIf(!chromiumInstalled() && !process.env.CI)('the figures in the console', () => {
  const stage = onConsoleStage()
  let gateway: TestGateway
  beforeAll(async () => {
    // Samples are taken every two seconds.
    gateway = await startAdminGateway()
    await gateway.open()
  })
  afterAll(() => gateway?.close())
  const chart = (page: Page, title: string) => page.getByRole('img', { name: new RegExp(`^${title}, now `) })

  it('are charts with a text alternative, and a table', { timeout: TEST_MS }, async () => {
    const { page, close } = await stage.enter(gateway.url, '#/figures')
    for (const title of CHARTS) await chart(page, title).locator('canvas').waitFor()
    expect(await chart(page, 'Sessions').getAttribute('aria-label')).toBe('Sessions, now Sessions 1')
    expect(await chart(page, 'Memory').getAttribute('aria-label')).toMatch(
      /^Memory, now resident [\d.]+ MB, heap [\d.]+ MB$/,
    )
    await page.getByText('No limit has rejected anything since the start.').waitFor()
    await page.getByText('Show as a table').click()
    const row = (name: string) =>
      page.getByRole('row').filter({ has: page.getByRole('rowheader', { name, exact: true }) })
    expect(await row('Sessions').getByRole('cell').first().textContent()).toBe('1')
    expect(await row('Memory, resident').getByRole('cell').first().textContent()).toMatch(/^[\d.]+ MB$/)
    expect(await accessibilityViolations(page)).toEqual([])
    await close()
  })

  it('are live', { timeout: TEST_MS }, async () => {
    const { page, close } = await stage.enter(gateway.url, '#/figures')
    const now = (title: string) => chart(page, title).getAttribute('aria-label')
    await expect.poll(() => now('Sessions'), { timeout: 10_000 }).toBe('Sessions, now Sessions 1')
    const before = await pixelsOf(page, 'Sessions')
    await gateway.open()
    await gateway.open()
    await expect.poll(() => now('Sessions'), { timeout: 10_000 }).toBe('Sessions, now Sessions 3')
    expect(await pixelsOf(page, 'Sessions')).not.toBe(before)
    const headers = { authorization: 'Bearer a-key-that-is-wrong' }
    for (let status = 401; status === 401; ) ({ status } = await gateway.send('GET', '/admin/servers', { headers }))
    await page.getByRole('rowheader', { name: 'key-failures' }).waitFor()
    await close()
  })

  it('show the values under the pointer', { timeout: TEST_MS }, async () => {
    const { page, close } = await stage.enter(gateway.url, '#/figures')
    await chart(page, 'Sessions').locator('canvas').waitFor()
    const card = page.getByRole('figure').filter({ has: chart(page, 'Sessions') })
    expect(await card.locator('figcaption').textContent()).not.toMatch(/\d\d:\d\d:\d\d/)
    await chart(page, 'Sessions').locator('.u-over').hover()
    await card.getByText(/\d\d:\d\d:\d\d/).waitFor()
    await close()
  })

  it('are drawn again when the colours change', { timeout: TEST_MS }, async () => {
    const { page, close } = await stage.enter(gateway.url, '#/figures')
    await chart(page, 'Memory').locator('canvas').waitFor()
    const light = await coloursOf(page, 'Memory')
    await page.getByLabel('Colours').selectOption('dark')
    await expect.poll(() => coloursOf(page, 'Memory')).not.toEqual(light)
    await close()
  })

  it('are a table when the charts cannot be loaded', { timeout: TEST_MS }, async () => {
    const { page } = await stage.open(gateway.url, { fragment: '#/figures' })
    await page.route(/\/console-plot-[^/]*\.js$/, (route) => route.abort())
    await enterKey(page, KEY)
    await page.getByText('The charts could not be loaded. The table shows the figures.').waitFor()
    await page.getByRole('rowheader', { name: 'Memory, resident' }).waitFor()
    await page.context().close()
  })
})

/** Returns what a chart shows. */
function pixelsOf(page: Page, title: string): Promise<string> {
  return page.evaluate(`document.querySelector('[aria-label^="${title}, now "] canvas').toDataURL()`)
}

/** Returns the colours of a chart, as a set. */
async function coloursOf(page: Page, title: string): Promise<readonly string[]> {
  return page.evaluate(`(() => {
    const canvas = document.querySelector('[aria-label^="${title}, now "] canvas')
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    const found = new Set()
    for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) found.add(data.slice(i, i + 3).join())
    return [...found].sort()
  })()`)
}
