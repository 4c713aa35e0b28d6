import axe, { type AxeResults } from 'axe-core'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { expect } from 'vitest'

const STEP_MS = 20_000
/** The options of contexts. `page.route` does not see the requests of a page that has a service worker. */
export const DEFAULTS = { locale: 'en-GB', colorScheme: 'light', serviceWorkers: 'block' } as const

/** What a page does that the reader must not do. */
export interface Offences {
  /** violations of its Content-Security-Policy */
  violations: string[]
  /** uncaught errors, and errors in the console except those for responses */
  errors: string[]
  /** requests to other origins */
  foreign: string[]
}

/** A page of the reader. */
export interface ReaderPage {
  page: Page
  offences: Offences
  /** the requests of the API that the page has made: method and path */
  requests: string[]
  /** Logs in by name and waits for the first text or the end of reading. */
  logIn(name: string, password: string): Promise<void>
  close(): Promise<void>
}

/** Options of `openReader`. */
export interface OpenOptions extends BrowserContextOptions {
  /** with its number sign */
  fragment?: string
  /** the path of the application in /app/; default: that of the reader */
  app?: string
}

/** Opens an application in a new context, in English and with a light theme by default. */
export async function openReader(
  browser: Browser,
  url: string,
  { fragment = '', app = '', ...options }: OpenOptions = {},
): Promise<ReaderPage> {
  return await openIn(await browser.newContext({ ...DEFAULTS, ...options }), `${url}/app/${app}${fragment}`)
}

/** Opens a page of an application in a context. */
export async function openIn(context: BrowserContext, url: string): Promise<ReaderPage> {
  const page = await context.newPage()
  page.setDefaultTimeout(STEP_MS)
  const offences: Offences = { violations: [], errors: [], foreign: [] }
  const requests: string[] = []
  page.on('pageerror', (error) => offences.errors.push(String(error)))
  page.on('console', (message) => {
    const { url: source } = message.location()
    // Chromium logs each response with an error status.
    if (message.type() === 'error' && source.includes('/app/')) offences.errors.push(`${message.text()} ${source}`)
  })
  page.on('request', (request) => {
    const { protocol, origin, pathname } = new URL(request.url())
    if (!['data:', 'blob:'].includes(protocol) && origin !== new URL(url).origin) offences.foreign.push(request.url())
    if (!pathname.includes('/app/')) requests.push(`${request.method()} ${pathname}`)
  })
  await page.exposeFunction('violated', (directive: string) => offences.violations.push(directive))
  await page.addInitScript(
    "addEventListener('securitypolicyviolation', (event) => violated(event.effectiveDirective + ' ' + event.blockedURI))",
  )
  await page.goto(url)
  return {
    page,
    offences,
    requests,
    async logIn(name, password) {
      await page.getByLabel('Name').fill(name)
      await page.getByLabel('Password').fill(password)
      await page.getByRole('button', { name: 'Log in' }).click()
      await page.getByRole('button', { name: 'Log out' }).waitFor()
    },
    async close() {
      await context.close()
      expect(offences).toEqual({ violations: [], errors: [], foreign: [] })
    },
  }
}

/** Returns the violations of WCAG 2.2 AA and the best practices of axe on a page, in the light and the dark theme. */
export async function accessibilityViolations(page: Page): Promise<string[]> {
  // `evaluate` adds no script element, which the Content-Security-Policy would block.
  await page.evaluate(axe.source)
  const found: string[] = []
  for (const [colorScheme, options] of [
    ['light', {}],
    // The themes differ in colours alone.
    ['dark', { runOnly: ['color-contrast'] }],
  ] as const) {
    await page.emulateMedia({ colorScheme })
    const { violations } = (await page.evaluate(`axe.run(${JSON.stringify(options)})`)) as AxeResults
    for (const { id, nodes } of violations) {
      found.push(...nodes.map(({ html, failureSummary }) => `${colorScheme}: ${id}: ${html}: ${failureSummary}`))
    }
  }
  return found
}

/** Returns the heading of the page: the subject of the shown text. */
export function heading(page: Page) {
  return page.getByRole('heading', { level: 1 })
}
