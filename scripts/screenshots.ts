/**
 * Takes the pictures of docs/images from the demo server: the reader and the console, light, dark and on a phone. Run it
 * when their look changes: `npm run screenshots`.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { startChromium } from '../test/support/chromium.ts'
import { startTestGateway } from '../test/support/gateway.ts'

const FOLDER = join(import.meta.dirname, '../docs/images')
const ADMIN_KEY = 'only-for-this-script'
const DESKTOP = { viewport: { width: 1440, height: 810 } }
const PHONE = { viewport: { width: 390, height: 780 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true }

mkdirSync(FOLDER, { recursive: true })
const servers = [{ id: 'demo', name: 'Demo LysKOM', demo: true }]
const gateway = await startTestGateway(servers, { adminKey: ADMIN_KEY })
const browser = await startChromium()

await picture(browser, 'reader.png', DESKTOP, read)
await picture(browser, 'reader-dark.png', { ...DESKTOP, colorScheme: 'dark' }, read)
await picture(browser, 'reader-phone.png', PHONE, read)
await picture(browser, 'console.png', DESKTOP, observe)

await browser.close()
await gateway.close()

/** Saves what a page shows after some steps. */
async function picture(
  { newContext }: Browser,
  file: string,
  options: BrowserContextOptions,
  steps: (page: Page) => Promise<void>,
): Promise<void> {
  const context = await newContext.call(browser, { locale: 'en-GB', ...options })
  const page = await context.newPage()
  await steps(page)
  await page.screenshot({ path: join(FOLDER, file) })
  await context.close()
}

async function read(page: Page): Promise<void> {
  await page.goto(`${gateway.url}/app/#/demo/texts/39`)
  await page.getByRole('button', { name: 'Fill in' }).click()
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'Kanelbullar (cinnamon buns), about 40' }).waitFor()
  await page.getByText('wheat flour').waitFor()
}

async function observe(page: Page): Promise<void> {
  await page.goto(`${gateway.url}/app/console#/figures`)
  await page.getByLabel('Admin key').fill(ADMIN_KEY)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Figures' }).waitFor()
  await page.getByRole('img').first().waitFor()
}
