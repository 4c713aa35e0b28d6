import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { build } from '../support/built-command.ts'
import { startChromium } from '../support/chromium.ts'
import type { TestServer, TestSettings } from '../support/config.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { type OpenOptions, openReader, type ReaderPage } from './reader-page.ts'

const START_MS = 60_000
/** The time that a test in Chromium may take. */
export const TEST_MS = 90_000
/** The admin key of the gateways. */
export const KEY = 'let-me-in-if-you-please'
/** The header with the admin key. */
export const ADMIN = { headers: { authorization: `Bearer ${KEY}` } }

const SERVERS: readonly TestServer[] = [
  { id: 'demo', name: 'Demo LysKOM', demo: true },
  { id: 'away', name: 'Away LysKOM' },
]

/** Gateways and pages of the console, for the tests of one `describe` block. */
export class ConsoleStage {
  browser!: Browser
  readonly closing: (() => Promise<void>)[] = []

  /** Starts a gateway for one test: by default with the demo server and a server that cannot be reached. */
  async start(settings: TestSettings = {}, servers = SERVERS): Promise<TestGateway> {
    const gateway = await startAdminGateway(settings, servers)
    this.closing.push(() => gateway.close())
    return gateway
  }

  /** Opens the console, which asks for the key. */
  open(url: string, options: OpenOptions = {}): Promise<ReaderPage> {
    return openReader(this.browser, url, { app: 'console', ...options })
  }

  /** Opens the console and logs in. @param fragment names a view */
  async enter(url: string, fragment = '', options: OpenOptions = {}): Promise<ReaderPage> {
    const console = await this.open(url, { fragment, ...options })
    await enterKey(console.page, KEY)
    await console.page.getByRole('navigation').first().waitFor()
    return console
  }
}

/** Starts a gateway with an admin key. */
export function startAdminGateway(settings: TestSettings = {}, servers = SERVERS): Promise<TestGateway> {
  return startTestGateway(servers, { adminKey: KEY, ...settings })
}

/** Starts Chromium before the tests of the enclosing `describe` block; closes gateways after each. */
export function onConsoleStage(): ConsoleStage {
  const stage = new ConsoleStage()
  beforeAll(async () => {
    await build()
    stage.browser = await startChromium()
  }, START_MS)
  afterEach(async () => {
    for (const close of stage.closing.splice(0).reverse()) await close()
  })
  afterAll(() => stage.browser?.close())
  return stage
}

/** Types a key into the login form of any language and submits it. */
export async function enterKey(page: Page, key: string): Promise<void> {
  await page.locator('input[type=password]').fill(key)
  await page.keyboard.press('Enter')
}

/** Opens a session on a gateway and logs Demo Reader in. */
export async function openDemoReader(gateway: TestGateway): Promise<string> {
  const id = await gateway.open('demo')
  const json = { pers_name: 'demo reader', passwd: 'demo' }
  const { status } = await gateway.send('POST', '/demo/sessions/current/login', { id, json })
  if (status !== 201) throw new Error(`cannot log in: ${status}`)
  return id
}

/** Returns the cells of a column of a table, by its number from 0. */
export function column(table: Locator, index: number): Promise<string[]> {
  return table.locator(`tbody tr > :nth-child(${index + 1})`).allTextContents()
}
