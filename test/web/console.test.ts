import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { build } from '../support/built-command.ts'
import { chromiumInstalled, startChromium } from '../support/chromium.ts'
import type { TestSettings } from '../support/config.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { accessibilityViolations, type OpenOptions, openReader, type ReaderPage } from './reader-page.ts'

const START_MS = 60_000
const TEST_MS = 90_000
const KEY = 'let-me-in-if-you-please'

describe.skipIf(!chromiumInstalled() && !process.env.CI)('the console', () => {
  let browser: Browser
  const closing: (() => Promise<void>)[] = []
  beforeAll(async () => {
    await build()
    browser = await startChromium()
  }, START_MS)
  beforeEach(() => async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })
  afterAll(() => browser.close())

  async function start(settings: TestSettings = {}): Promise<TestGateway> {
    const gateway = await startTestGateway(
      [
        { id: 'demo', name: 'Demo LysKOM', demo: true },
        { id: 'away', name: 'Away LysKOM' },
      ],
      { adminKey: KEY, ...settings },
    )
    closing.push(() => gateway.close())
    return gateway
  }

  const open = (url: string, options: OpenOptions = {}): Promise<ReaderPage> =>
    openReader(browser, url, { app: 'console', ...options })

  async function enter(url: string, options: OpenOptions = {}): Promise<ReaderPage> {
    const console = await open(url, options)
    await console.page.getByLabel('Admin key').fill(KEY)
    await console.page.keyboard.press('Enter')
    await console.page.getByRole('navigation', { name: 'Views' }).waitFor()
    return console
  }

  it('asks for the admin key, and again after a reload', { timeout: TEST_MS }, async () => {
    const gateway = await start()
    const { page, close } = await open(gateway.url)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByText('Enter the admin key of the gateway.').waitFor()
    await page.getByLabel('Admin key').fill('a-key-that-is-not-the-right-one')
    await page.keyboard.press('Enter')
    await page.getByText('That is not the admin key of this gateway.').waitFor()
    expect(await page.getByLabel('Admin key').getAttribute('aria-invalid')).toBe('true')
    expect(await accessibilityViolations(page)).toEqual([])
    await page.getByLabel('Admin key').fill(KEY)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Servers' }).waitFor()
    expect(await page.evaluate('JSON.stringify([localStorage, sessionStorage, document.cookie])')).not.toContain(KEY)
    await page.reload()
    await page.getByLabel('Admin key').waitFor()
    await close()
  })

  it('lists the LysKOM servers and whether they are up', { timeout: TEST_MS }, async () => {
    const gateway = await start()
    await gateway.open()
    await gateway.send('POST', '/away/sessions/', { json: { client: { name: 'test', version: '1' } } })
    const { page, close } = await enter(gateway.url)
    const row = (name: string) => page.getByRole('row').filter({ has: page.getByRole('rowheader', { name }) })
    await row('Demo LysKOM').getByText('Up').waitFor()
    await row('Away LysKOM').getByText('Down').waitFor()
    await row('Away LysKOM').getByText('unreachable').waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
    await close()
  })
})
