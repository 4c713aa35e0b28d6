import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { build } from '../support/built-command.ts'
import { chromiumInstalled, startChromium } from '../support/chromium.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { accessibilityViolations, heading, openReader, type ReaderPage } from './reader-page.ts'

const START_MS = 60_000
const TEST_MS = 90_000
const BASE_PATH = '/kom'

describe.skipIf(!chromiumInstalled() && !process.env.CI)('the reader on the demo server', () => {
  let browser: Browser
  let gateway: TestGateway
  beforeAll(async () => {
    await build()
    browser = await startChromium()
  }, START_MS)
  beforeEach(async () => {
    gateway = await startTestGateway(
      [
        { id: 'demo', name: 'Demo LysKOM', demo: true },
        { id: 'away', name: 'Away LysKOM' },
      ],
      { basePath: BASE_PATH },
    )
    return () => gateway.close()
  })
  afterAll(() => browser.close())

  const open = (options: Parameters<typeof openReader>[2] = {}): Promise<ReaderPage> =>
    openReader(browser, gateway.url, options)

  /** Logs in with the account that the form suggests. */
  async function enter(page: Page): Promise<void> {
    await page.getByRole('button', { name: 'Fill in' }).click()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'A letter for you' }).waitFor()
  }

  const show = (page: Page, fragment: string) => page.evaluate(`location.hash = '#/demo/${fragment}'`)

  it('leads from the root of the gateway to the first unread text', { timeout: TEST_MS }, async () => {
    const reader = await open()
    const { page } = reader
    await page.goto(gateway.url)
    await enter(page)
    expect(page.url()).toBe(`${gateway.url}/app/#/demo/texts/44`)
    const items = page.getByRole('list', { name: 'Unread' }).getByRole('listitem')
    expect(await items.allTextContents()).toEqual([
      'Demo Reader1',
      'Welcome (to) komgate3',
      'Frågor och svar om LysKOM4',
      'Fika och prat6',
      'Birds (and other) Wildlife2',
      'Cooking (and) Recipes1',
      'Testing (is) allowed2',
    ])
    await reader.close()
  })

  it('follows an address on a server that does not exist to one that does', { timeout: TEST_MS }, async () => {
    const reader = await open({ fragment: '#/nowhere/texts/1' })
    await enter(reader.page)
    expect(new URL(reader.page.url()).hash).toBe('#/demo/texts/44')
    await reader.page.evaluate("location.hash = '#/nowhere/texts/1'")
    await reader.page.getByRole('heading', { level: 1, name: 'Welcome! / Välkommen!' }).waitFor()
    await expect.poll(() => new URL(reader.page.url()).hash).toBe('#/demo/texts/6')
    await reader.close()
  })

  it('reads everything to the end with one key', { timeout: TEST_MS }, async () => {
    const reader = await open()
    const { page, requests } = reader
    await enter(page)
    const before = requests.length
    const seen = new Set([page.url()])
    // Texts that are unread in two conferences are shown once.
    for (let i = 1; i < 16; i++) {
      const last = page.url()
      await page.keyboard.press('Space')
      await expect.poll(() => page.url()).not.toBe(last)
      seen.add(page.url())
    }
    await page.getByText('All read').waitFor()
    expect(seen.size).toBe(16)
    const made = requests.slice(before)
    expect(made.filter((each) => !/\/(?:events|batch)$/.test(each) && !/GET .*\/texts\/\d+$/.test(each))).toEqual([])
    expect(made.length).toBeLessThanOrEqual(1.2 * 16)
    await reader.close()
  })

  it.each([320, 390])('fits a screen of %i pixels, with everything in reach', { timeout: TEST_MS }, async (width) => {
    const reader = await open({ viewport: { width, height: 640 }, hasTouch: true, isMobile: true })
    const { page } = reader
    const fits = () => page.evaluate('document.documentElement.scrollWidth <= innerWidth')
    await page.getByRole('button', { name: 'Fill in' }).waitFor()
    expect(await fits()).toBe(true)
    await enter(page)
    await page.getByRole('button', { name: /^Next unread/ }).tap()
    await page.getByRole('heading', { level: 1, name: 'Welcome! / Välkommen!' }).waitFor()
    expect(await fits()).toBe(true)
    await page.getByRole('button', { name: /^Conferences/ }).tap()
    await page
      .getByRole('list', { name: 'Unread' })
      .getByRole('button', { name: /^Cooking/ })
      .tap()
    await page.getByRole('heading', { level: 1, name: 'Kanelbullar' }).waitFor()
    await show(page, 'texts/39')
    await page.getByText('wheat flour').waitFor()
    expect(await fits()).toBe(true)
    expect(await accessibilityViolations(page)).toEqual([])
    await reader.close()
  })

  it('speaks Swedish to a Swedish browser, and the language that is chosen', { timeout: TEST_MS }, async () => {
    const reader = await open({ locale: 'sv-SE' })
    const { page } = reader
    await page.getByRole('button', { name: 'Logga in' }).waitFor()
    expect(await page.evaluate('document.documentElement.lang')).toBe('sv')
    await page.getByLabel('Språk').selectOption('English')
    await page.getByRole('button', { name: 'Log in' }).waitFor()
    await page.reload()
    await page.getByRole('button', { name: 'Log in' }).waitFor()
    await page.getByLabel('Colours').selectOption('Dark')
    expect(await page.evaluate('getComputedStyle(document.documentElement).colorScheme')).toBe('dark')
    await reader.close()
  })

  it('sends comments on original texts to the super conference, and answers letters to their author', {
    timeout: TEST_MS,
  }, async () => {
    const reader = await open()
    const { page } = reader
    await enter(page)
    await page.keyboard.press('c')
    const form = page.getByRole('form', { name: 'Comment' })
    await form.getByText('Demo Writer').waitFor()
    await page.getByRole('button', { name: 'Discard' }).click()
    await show(page, 'texts/6')
    await page.getByRole('heading', { level: 1, name: 'Welcome! / Välkommen!' }).waitFor()
    await page.keyboard.press('c')
    await form.getByText('Frågor och svar om LysKOM').waitFor()
    expect(await form.getByText('Welcome (to) komgate').count()).toBe(0)
    await reader.close()
  })

  it('says that a server is away, and offers the others', { timeout: TEST_MS }, async () => {
    const reader = await open()
    const { page } = reader
    await page.getByLabel('Server').selectOption('Away LysKOM')
    await page.getByLabel('Name').fill('anna')
    await page.getByLabel('Password').fill('demo')
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByText('The server does not answer at the moment.').waitFor({ timeout: 60_000 })
    expect(await page.getByLabel('Name').inputValue()).toBe('anna')
    await page.getByLabel('Server').selectOption('Demo LysKOM')
    await enter(page)
    await reader.close()
  })

  it('is used by the keyboard alone', { timeout: TEST_MS }, async () => {
    const reader = await open()
    const { page } = reader
    await page.getByRole('button', { name: 'Fill in' }).waitFor()
    await page.keyboard.type('demo r')
    await page.getByRole('option', { name: 'Demo Reader' }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    await page.keyboard.type('demo')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'A letter for you' }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('c')
    await expect.poll(() => page.evaluate('document.activeElement.textContent')).toContain('Demo Reader')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await expect.poll(() => heading(page).textContent()).toBe('Welcome! / Välkommen!')
    await page.keyboard.press('?')
    // Before the dialog is open, its checkbox cannot have the focus, and the key would mean the next text.
    await page.getByRole('dialog').waitFor()
    await page.getByLabel('Use single keys as shortcuts').press('Space')
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.keyboard.press('n')
    await page.getByRole('button', { name: /^Next unread/ }).press('Enter')
    await expect.poll(() => heading(page).textContent()).toBe('komgate in six curl commands')
    await reader.close()
  })
})
