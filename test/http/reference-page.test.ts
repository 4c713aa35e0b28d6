import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chromiumInstalled, startChromium } from '../support/chromium.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const START_MS = 60_000

const server = { name: 'server', in: 'path', required: true, schema: { type: 'string' } }
const connectionId = { type: 'apiKey', in: 'header', name: 'Httpkom-Connection' }
const json = (example?: object) => ({ 'application/json': { schema: { type: 'object' }, ...(example && { example }) } })
const DOCUMENT = {
  openapi: '3.1.0',
  info: { title: 'komgate', version: '0' },
  servers: [{ url: '.' }],
  security: [{ connectionId: [] }],
  paths: {
    '/{server}/sessions/': {
      post: {
        ...{ operationId: 'openSession', tags: ['sessions'], security: [], parameters: [server] },
        requestBody: { content: json({ client: { name: 'reference', version: '1' } }) },
        responses: { 201: { description: 'Created', content: json() } },
      },
    },
    '/{server}/sessions/current/who-am-i': {
      get: {
        ...{ operationId: 'whoAmI', tags: ['sessions'], parameters: [server] },
        responses: { 200: { description: 'OK', content: json() } },
      },
    },
  },
  components: { securitySchemes: { connectionId } },
}

/** What a page does that the reference must not do. */
interface Offences {
  violations: string[]
  errors: string[]
  foreign: string[]
}

/** Opens a page that records errors, violations of its Content-Security-Policy and requests to other origins. */
async function recordingPage(browser: Browser, origin: string): Promise<{ page: Page; offences: Offences }> {
  const page = await browser.newPage()
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

/** Sends the request of an operation to the demo server, as a person does. Resolves with the response that is shown. */
async function execute(operation: Locator) {
  await operation.getByRole('button', { name: '/{server}/', expanded: false }).first().click()
  await operation.getByRole('textbox', { name: 'server' }).fill('demo')
  await operation.getByRole('button', { name: 'Execute' }).click()
  const response = operation.locator('.live-responses-table .response')
  return {
    status: await response.locator('.response-col_status').textContent(),
    body: JSON.parse((await response.locator('pre').first().textContent()) ?? ''),
  }
}

describe.skipIf(!chromiumInstalled() && !process.env.CI)('the reference in Chromium', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await startChromium()
  }, START_MS)
  afterAll(() => browser.close())

  describe.each(['', '/kom'])('below the base path "%s"', (basePath) => {
    let gateway: TestGateway
    beforeAll(async () => {
      gateway = await startTestGateway([{ id: 'demo', demo: true }], { basePath })
    })
    afterAll(() => gateway.close())

    it('opens a session and calls who-am-i with its id, without violations of its policy', async () => {
      const { page, offences } = await recordingPage(browser, new URL(gateway.url).origin)
      await page.route('**/openapi.json', (route) => route.fulfill({ json: DOCUMENT }))
      await page.goto(`${gateway.url}/docs`)
      await page.getByRole('button', { name: 'Expand operation' }).click()
      const opened = await execute(page.locator('#operations-sessions-openSession'))
      expect(opened).toMatchObject({ status: '201', body: { connection_id: expect.any(String) } })
      const { connection_id: id, session_no: sessionNo } = opened.body

      await page.getByRole('button', { name: 'Authorize' }).click()
      await page.getByRole('textbox', { name: 'Value:' }).fill(id)
      await page.getByRole('button', { name: 'Apply credentials' }).click()
      await page.getByRole('button', { name: 'Close', exact: true }).click()
      expect(await execute(page.locator('#operations-sessions-whoAmI'))).toEqual({
        status: '200',
        body: { person: null, session_no: sessionNo },
      })

      expect(offences).toEqual({ violations: [], errors: [], foreign: [] })
      expect(await page.evaluate('JSON.stringify(localStorage)')).not.toContain(id)
      await page.close()
    })
  })
})
