import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chromiumInstalled, startChromium } from '../support/chromium.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const START_MS = 60_000
const STEP_MS = 60_000
const TEST_MS = 180_000

/** What a page does that the reference must not do. */
interface Offences {
  violations: string[]
  errors: string[]
  foreign: string[]
}

/** Opens a page that records errors, violations of its Content-Security-Policy and requests to other origins. */
async function recordingPage(browser: Browser, origin: string): Promise<{ page: Page; offences: Offences }> {
  const page = await browser.newPage()
  page.setDefaultTimeout(STEP_MS)
  const offences: Offences = { violations: [], errors: [], foreign: [] }
  page.on('pageerror', (error) => offences.errors.push(String(error)))
  page.on('console', (message) => void (message.type() === 'error' && offences.errors.push(message.text())))
  page.on('request', (request) => {
    const { protocol, origin: other } = new URL(request.url())
    if (protocol !== 'data:' && other !== origin) offences.foreign.push(request.url())
  })
  await page.exposeFunction('violated', (directive: string) => offences.violations.push(directive))
  await page.addInitScript(
    "addEventListener('securitypolicyviolation', (event) => violated(event.effectiveDirective + ' ' + event.blockedURI))",
  )
  return { page, offences }
}

/** Opens the reference at an operation. Waits until the page has read the description. */
async function openAt(page: Page, url: string, operation: string): Promise<void> {
  // A change of the fragment alone does not load the page.
  await page.goto('about:blank')
  await page.goto(`${url}/docs#/sessions/${operation}`)
  await page.getByRole('button', { name: 'Execute' }).waitFor()
}

/** Sends the request of the open operation, with its examples. Resolves with the response that the page shows. */
async function execute(page: Page) {
  await page.getByRole('button', { name: 'Execute' }).press('Enter')
  const response = page.locator('.live-responses-table .response')
  return {
    status: await response.locator('.response-col_status').textContent(),
    body: JSON.parse((await response.locator('pre').first().textContent()) ?? ''),
  }
}

describe.skipIf(!chromiumInstalled() && !process.env.CI)('the reference in Chromium', () => {
  let browser: Browser
  let gateway: TestGateway
  beforeAll(async () => {
    browser = await startChromium()
    gateway = await startTestGateway([{ id: 'demo', demo: true }], { basePath: '/kom' })
  }, START_MS)
  afterAll(async () => {
    await browser.close()
    await gateway.close()
  })

  it('opens a session and calls who-am-i with its id, without violations of its policy', {
    timeout: TEST_MS,
  }, async () => {
    const { page, offences } = await recordingPage(browser, new URL(gateway.url).origin)
    await openAt(page, gateway.url, 'openSession')
    const opened = await execute(page)
    expect(opened).toMatchObject({ status: '201', body: { connection_id: expect.any(String) } })
    const { connection_id: id, session_no: sessionNo } = opened.body

    await openAt(page, gateway.url, 'whoAmI')
    await page.getByRole('button', { name: 'Authorize' }).press('Enter')
    await page.getByRole('textbox', { name: 'Value:' }).first().fill(id)
    await page.getByRole('button', { name: 'Apply credentials' }).first().press('Enter')
    await page.getByRole('button', { name: 'Close', exact: true }).first().press('Enter')
    expect(await execute(page)).toEqual({ status: '200', body: { person: null, session_no: sessionNo } })

    expect(offences).toEqual({ violations: [], errors: [], foreign: [] })
    expect(await page.evaluate('JSON.stringify(localStorage)')).not.toContain(id)
    await page.close()
  })
})
