import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { build } from '../support/built-command.ts'
import { chromiumInstalled, startChromium } from '../support/chromium.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { startWebFront, type WebFront } from '../support/web-front.ts'
import { accessibilityViolations, openReader, type ReaderPage } from './reader-page.ts'

const START_MS = 60_000
const TEST_MS = 60_000
const BASE_PATH = '/kom'
const WAIT = { timeout: 20_000 }
const AWAY = 'The connection is interrupted. Trying again…'

describe.skipIf(!chromiumInstalled() && !process.env.CI)('the installed reader', () => {
  let browser: Browser
  let gateway: TestGateway
  let front: WebFront
  beforeAll(async () => {
    await build()
    browser = await startChromium()
  }, START_MS)
  beforeEach(async () => {
    gateway = await startTestGateway([{ id: 'demo', name: 'Demo LysKOM', demo: true }], { basePath: BASE_PATH })
    front = await startWebFront(new URL(gateway.url).origin)
    return async () => {
      await front.close()
      await gateway.close()
    }
  })
  afterAll(() => browser.close())

  /** Opens the reader, and waits until its service worker is active. */
  async function open(): Promise<ReaderPage> {
    const reader = await openReader(browser, front.url + BASE_PATH, { serviceWorkers: 'allow' })
    await untilActive(reader.page)
    return reader
  }

  const untilActive = (page: Page) => page.evaluate('navigator.serviceWorker.ready.then(() => undefined)')
  const logIn = async ({ page, logIn }: ReaderPage) => {
    await logIn('Demo Reader', 'demo')
    await page.getByRole('heading', { level: 1, name: 'A letter for you' }).waitFor()
  }
  /** Returns the URLs in all caches. */
  const cached = (page: Page) =>
    page.evaluate(`(async () => {
      const caches = await Promise.all((await globalThis.caches.keys()).map((name) => globalThis.caches.open(name)))
      return (await Promise.all(caches.map((cache) => cache.keys()))).flat().map(({ url }) => url)
    })()`) as Promise<string[]>
  const scriptOf = (page: Page) => page.evaluate('document.scripts[0].src.split("/").pop()')

  it('can be installed', { timeout: TEST_MS }, async () => {
    const { page, ...reader } = await open()
    const devtools = await page.context().newCDPSession(page)
    const { errors, data } = await devtools.send('Page.getAppManifest')
    expect(errors).toEqual([])
    expect(JSON.parse(data ?? '')).toMatchObject({ name: 'komgate', display: 'standalone' })
    const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors')
    // The contexts of tests are incognito.
    expect(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito')).toEqual([])
    await reader.close()
  })

  it.each(['away', 'bad-gateway'] as const)(
    'opens while the gateway is %s, says so, and goes on by itself',
    {
      timeout: TEST_MS,
    },
    async (mode) => {
      const reader = await open()
      const { page } = reader
      await logIn(reader)
      await page.keyboard.press('c')
      await page.getByLabel('Your comment').fill('Half a sent')
      const { hash } = new URL(page.url())
      front.become(mode)
      await page.reload()
      await page.getByText(AWAY).waitFor()
      await page.getByText('What you have written is kept on this device.').waitFor()
      expect(await accessibilityViolations(page)).toEqual([])
      front.become('there')
      await page.getByRole('heading', { level: 1, name: 'A letter for you' }).waitFor()
      expect(new URL(page.url()).hash).toBe(hash)
      await expect.poll(() => page.getByLabel('Your comment').inputValue()).toBe('Half a sent')
      await page.context().close()
    },
  )

  it('keeps the page and its assets, and nothing else', { timeout: TEST_MS }, async () => {
    const reader = await open()
    await reader.page.reload()
    await logIn(reader)
    const app = `${front.url}${BASE_PATH}/app/`
    const paths = (await cached(reader.page)).map((url) => url.replace(app, ''))
    expect(new Set(paths.map((path) => path.replace(/-[A-Z0-9]{8}(?=\.)/, '')))).toEqual(
      new Set(['', 'assets/icon-192.png', 'assets/icon.svg', 'assets/reader.css', 'assets/reader.js']),
    )
    await reader.close()
  })

  it('shows a new version on the next load, and does not disturb a page of the version before', {
    timeout: TEST_MS,
  }, async () => {
    const reader = await open()
    const { page } = reader
    await logIn(reader)
    const oldScript = await scriptOf(page)
    front.become('new-version')
    const other = await page.context().newPage()
    await other.goto(page.url().replace(/#.*/, ''))
    await other.getByLabel('Password').waitFor()
    expect(await scriptOf(other)).toBe('reader-NEWSCRPT.js')
    expect(await scriptOf(page)).toBe(oldScript)
    await page.keyboard.press('n')
    await page.getByRole('heading', { level: 1, name: 'Welcome! / Välkommen!' }).waitFor()
    const assets = `${front.url}${BASE_PATH}/app/assets/`
    await expect.poll(() => cached(page), WAIT).toContain(`${assets}reader-NEWSCRPT.js`)
    expect(await cached(page)).toContain(assets + oldScript)

    // The new worker takes over when no page of the old one is open.
    const context: BrowserContext = page.context()
    await page.close()
    await other.close()
    const next = await context.newPage()
    await next.goto(`${front.url}${BASE_PATH}/stats`)
    await expect.poll(() => cached(next), WAIT).not.toContain(assets + oldScript)
    front.become('away')
    await next.goto(`${front.url}${BASE_PATH}/app/`)
    await next.getByText(AWAY).waitFor()
    expect(await scriptOf(next)).toBe('reader-NEWSCRPT.js')
    await context.close()
  })

  it('shows notifications by its worker where pages may not, and opens what they are about', {
    timeout: TEST_MS,
  }, async () => {
    const reader = await open()
    const { page } = reader
    await page.context().grantPermissions(['notifications'])
    // As in Chromium on phones. The page is not looked at.
    await page.addInitScript(`
      Notification = class {
        static permission = 'granted'
        constructor() {
          throw new TypeError('Illegal constructor')
        }
      }
      document.hasFocus = () => false
    `)
    await page.reload()
    await logIn(reader)
    await page.getByLabel('Notify me of letters and messages').check()
    const id = await gateway.open()
    const writer = { id, json: { pers_no: 7, passwd: 'demo' } }
    expect((await gateway.send('POST', '/demo/sessions/current/login', writer)).status).toBe(201)
    const letter = { subject: 'By the worker', body: 'Text.', recipient_list: [{ type: 'to', recpt: { conf_no: 6 } }] }
    const sent = await gateway.send('POST', '/demo/texts/', {
      id,
      json: { ...letter, content_type: 'text/x-kom-basic' },
    })
    expect(sent.status).toBe(201)
    const shown = () =>
      page.evaluate(`(async () => {
        const registration = await navigator.serviceWorker.ready
        const notifications = await registration.getNotifications()
        return notifications.map(({ title, body, data }) => [title, body, data])
      })()`)
    const fragment = `#/demo/texts/${sent.json.text_no}`
    await expect.poll(shown).toEqual([['Letter from Demo Writer', 'By the worker', fragment]])

    // What the worker says to the page on a click.
    const [worker] = page.context().serviceWorkers()
    await worker?.evaluate(`(async () => {
      for (const client of await clients.matchAll()) client.postMessage({ fragment: '${fragment}' })
    })()`)
    await page.getByRole('heading', { level: 1, name: 'By the worker' }).waitFor()
    await reader.close()
  })

  it('leaves the console and the API as they are', { timeout: TEST_MS }, async () => {
    const { page } = await open()
    await page.reload()
    const app = `${front.url}${BASE_PATH}/app/`
    await page.goto(`${app}console`)
    await page.getByLabel('Admin key').waitFor()
    expect((await cached(page)).filter((url) => url.includes('console'))).toEqual([])
    expect(await page.evaluate('document.scripts[0].src')).toContain('/console-')
    const kept: string[] = []
    page.on('response', (response) => response.fromServiceWorker() && kept.push(response.url()))
    await page.reload()
    await page.getByLabel('Admin key').waitFor()
    // The applications share the icon.
    expect(kept.filter((url) => !url.includes('/assets/icon-'))).toEqual([])

    // The browser says itself that the gateway is away.
    front.become('away')
    for (const url of [`${app}console`, `${front.url}${BASE_PATH}/stats`]) {
      const tab = await page.context().newPage()
      await expect(tab.goto(url)).rejects.toThrow('net::ERR')
    }
    const tab = await page.context().newPage()
    await tab.goto(app)
    await tab.getByText(AWAY).waitFor()
    await page.context().close()
  })

  it('removes itself when the gateway does not serve it any more', { timeout: TEST_MS }, async () => {
    const { page } = await open()
    await page.reload()
    front.become('web-off')
    await page.reload()
    await page.getByText('gone').waitFor()
    await expect.poll(() => cached(page)).toEqual([])
    expect(await page.evaluate('navigator.serviceWorker.getRegistrations().then(({ length }) => length)')).toBe(0)
    await page.context().close()
  })
})
