import { describe, expect, it } from 'vitest'
import { chromiumInstalled } from '../support/chromium.ts'
import type { TestGateway } from '../support/gateway.ts'
import { enterKey, KEY, onConsoleStage, TEST_MS } from './console-stage.ts'
import { accessibilityViolations } from './reader-page.ts'

const OTHER_KEY = 'another-key-of-the-operator'
const AWAY = 'The gateway does not respond. This page tries again until it does.'

describe.skipIf(!chromiumInstalled() && !process.env.CI)('the console, when something is wrong', () => {
  const stage = onConsoleStage()
  const portOf = ({ url }: TestGateway): number => Number(new URL(url).port)

  it('asks for the key when the gateway has another one, and continues at the same place', {
    timeout: TEST_MS,
  }, async () => {
    const first = await stage.start()
    const { page, requests, close } = await stage.enter(first.url, '#/figures')
    await page.getByRole('heading', { level: 1, name: 'Figures' }).waitFor()
    await page.locator('canvas').first().waitFor()
    await first.close()
    await page.getByText(AWAY).waitFor()
    await stage.start({ port: portOf(first), adminKey: OTHER_KEY })
    await page.getByText('The gateway does not accept the key any more. Log in again.').waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
    const { length } = requests
    await enterKey(page, KEY)
    await page.getByText('That is not the admin key of this gateway.').waitFor()
    // The console does not go on trying the old key.
    expect(requests).toHaveLength(length + 1)
    await enterKey(page, OTHER_KEY)
    await page.getByRole('heading', { level: 1, name: 'Figures' }).waitFor()
    await close()
  })

  it('says how to set an admin key when there is none, at login and later', { timeout: TEST_MS }, async () => {
    const first = await stage.start({ adminKey: '' })
    const { page, close } = await stage.open(first.url)
    await enterKey(page, KEY)
    await page.getByText('This gateway has no admin key.').waitFor()
    await page.getByText('KOMGATE_ADMIN_KEY=… npm start').waitFor()
    expect(await page.getByLabel('Admin key').inputValue()).toBe(KEY)
    expect(await accessibilityViolations(page)).toEqual([])
    await first.close()
    const second = await stage.start({ port: portOf(first) })
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('link', { name: 'Figures' }).click()
    await page.getByRole('heading', { level: 1, name: 'Figures' }).waitFor()
    // The charts are drawn by a module that is loaded with them.
    await page.locator('canvas').first().waitFor()
    await second.close()
    await stage.start({ port: portOf(first), adminKey: '' })
    await page.getByText('The gateway does not accept the key any more.').waitFor()
    await enterKey(page, KEY)
    await page.getByText('This gateway has no admin key.').waitFor()
    await close()
  })

  it('says how long to wait after too many wrong keys, and keeps what was typed', { timeout: TEST_MS }, async () => {
    const gateway = await stage.start()
    const { page, close } = await stage.open(gateway.url)
    const field = page.getByLabel('Admin key')
    await field.fill('a-key-that-is-wrong')
    // Each failure doubles the delay, so that one of the attempts comes too early.
    const guess = async (button: string): Promise<string | null> => {
      await page.getByRole('button', { name: button, exact: true }).click()
      return await page.getByRole('alert').textContent()
    }
    await expect.poll(() => guess('Log in'), { timeout: 30_000 }).toMatch(/^Too many attempts\. Try again in \d+ s\.$/)
    expect(await field.getAttribute('aria-invalid')).toBe('true')
    expect(await field.inputValue()).toBe('a-key-that-is-wrong')
    await page.getByLabel('Language').selectOption('sv')
    await expect
      .poll(() => guess('Logga in'), { timeout: 30_000 })
      .toMatch(/^För många försök\. Försök igen om \d+ s\.$/)
    await close()
  })

  it('says at login that the gateway does not respond', { timeout: TEST_MS }, async () => {
    const first = await stage.start()
    const { page, close } = await stage.open(first.url)
    // Chromium logs an error if the icon, which it asks for last, is missing.
    await expect.poll(() => first.log.some((line) => line.includes('/app/assets/icon-'))).toBe(true)
    await first.close()
    await enterKey(page, KEY)
    await page.getByRole('alert').getByText(AWAY).waitFor()
    expect(await page.getByLabel('Admin key').inputValue()).toBe(KEY)
    await stage.start({ port: portOf(first) })
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('heading', { level: 1, name: 'Servers' }).waitFor()
    await close()
  })

  it('keeps what it shows while the gateway is away, and continues by itself', { timeout: TEST_MS }, async () => {
    const first = await stage.start()
    await first.open()
    const { page, close } = await stage.enter(first.url, '#/sessions')
    const rows = page.getByRole('table').locator('tbody tr')
    await expect.poll(() => rows.count()).toBe(1)
    await page.getByLabel('Filter').fill('test 1.0')
    await first.close()
    const banner = page.getByRole('status').getByText(AWAY)
    await banner.waitFor()
    expect(await rows.count()).toBe(1)
    expect(await accessibilityViolations(page)).toEqual([])
    const second = await stage.start({ port: portOf(first) })
    await banner.waitFor({ state: 'detached' })
    await page.getByText('No client has a session.').waitFor()
    await second.open()
    await expect.poll(() => rows.count(), { timeout: 10_000 }).toBe(1)
    expect(await page.getByLabel('Filter').inputValue()).toBe('test 1.0')
    await close()
  })

  it('says that the gateway is away behind a proxy that answers for it', { timeout: TEST_MS }, async () => {
    const gateway = await stage.start()
    const { page, close } = await stage.enter(gateway.url, '#/figures')
    await page.getByRole('heading', { level: 1, name: 'Figures' }).waitFor()
    await page.route('**/admin/**', (route) =>
      route.fulfill({ status: 502, contentType: 'text/html', body: '<h1>Bad Gateway</h1>' }),
    )
    await page.getByRole('status').getByText(AWAY).waitFor()
    await page.unroute('**/admin/**')
    await page.getByRole('status').getByText(AWAY).waitFor({ state: 'detached' })
    await close()
  })

  it('asks for nothing while its tab is hidden', { timeout: TEST_MS }, async () => {
    const gateway = await stage.start()
    const { page, requests, close } = await stage.enter(gateway.url)
    await page.clock.install()
    const listed = () => requests.filter((each) => each === 'GET /admin/sessions').length
    await page.getByRole('link', { name: 'Sessions' }).click()
    await page.getByText('No client has a session.').waitFor()
    const become = (state: string) =>
      page.evaluate(`Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true }),
        document.dispatchEvent(new Event('visibilitychange'))`)
    await become('hidden')
    await page.clock.runFor(60_000)
    expect(listed()).toBe(1)
    const answered = page.waitForResponse('**/admin/sessions')
    await become('visible')
    // The clock stands still until the answer is there: the pause after it depends on its duration.
    await (await answered).finished()
    expect(listed()).toBe(2)
    await expect
      .poll(async () => {
        await page.clock.runFor(5000)
        return listed()
      })
      .toBeGreaterThan(2)
    await close()
  })
})
