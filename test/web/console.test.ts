import { describe, expect, it } from 'vitest'
import { chromiumInstalled } from '../support/chromium.ts'
import { startFakeServer } from '../support/fake-server.ts'
import { enterKey, KEY, onConsoleStage, TEST_MS } from './console-stage.ts'
import { accessibilityViolations } from './reader-page.ts'

describe.skipIf(!chromiumInstalled() && !process.env.CI)('the console', () => {
  const stage = onConsoleStage()

  it('asks for the admin key, keeps it in memory alone, and asks again after a reload', {
    timeout: TEST_MS,
  }, async () => {
    const gateway = await stage.start()
    const { page, requests, close } = await stage.open(gateway.url)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByText('Enter the admin key of the gateway.').waitFor()
    const field = page.getByLabel('Admin key')
    await field.fill('å-key-that-no-header-can-hold')
    await page.keyboard.press('Enter')
    await page.getByText('That is not the admin key of this gateway.').waitFor()
    expect(requests).toEqual([])
    await field.fill('a-key-that-is-not-the-right-one')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').getByText('That is not the admin key of this gateway.').waitFor()
    expect(await field.getAttribute('aria-invalid')).toBe('true')
    expect(await field.inputValue()).toBe('a-key-that-is-not-the-right-one')
    expect(await accessibilityViolations(page)).toEqual([])
    await enterKey(page, KEY)
    await page.getByRole('heading', { level: 1, name: 'Servers' }).waitFor()
    const stored = 'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href])'
    expect(await page.evaluate(stored)).not.toContain(KEY)
    expect(await page.evaluate('indexedDB.databases()')).toEqual([])
    await page.reload()
    await field.waitFor()
    expect(await field.inputValue()).toBe('')
    await close()
  })

  it('forgets the key when the operator logs out', { timeout: TEST_MS }, async () => {
    const gateway = await stage.start()
    const { page, requests, close } = await stage.enter(gateway.url)
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByLabel('Admin key').waitFor()
    expect(await page.getByLabel('Admin key').inputValue()).toBe('')
    const { length } = requests
    await page.goBack().catch(() => undefined)
    await page.goto(`${gateway.url}/app/console#/sessions`)
    await page.getByLabel('Admin key').waitFor()
    expect(requests).toHaveLength(length)
    await close()
  })

  it('lists the LysKOM servers, whether they are up and since when', { timeout: TEST_MS }, async () => {
    const gateway = await stage.start()
    await gateway.open()
    await gateway.send('POST', '/away/sessions/', { json: { client: { name: 'test', version: '1' } } })
    const { page, close } = await stage.enter(gateway.url)
    const row = (name: string) => page.getByRole('row').filter({ has: page.getByRole('rowheader', { name }) })
    await row('Demo LysKOM').getByText('Up', { exact: true }).waitFor()
    expect(await row('Demo LysKOM').textContent()).toMatch(/since \d\d:\d\d1[\d.]+ ms–/)
    await row('Away LysKOM').getByText('Down', { exact: true }).waitFor()
    await row('Away LysKOM').getByText('unreachable').waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
    await gateway.open()
    await expect.poll(() => row('Demo LysKOM').getByRole('cell').nth(1).textContent(), { timeout: 10_000 }).toBe('2')
    await close()
  })

  it('checks a server on request, and says what it replied or why it did not', { timeout: TEST_MS }, async () => {
    const server = await startFakeServer()
    const gateway = await stage.start({}, [{ id: 'kom', name: 'Far LysKOM', port: server.port }])
    const { page, close } = await stage.enter(gateway.url)
    const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'Far LysKOM' }) })
    await row.getByText('Unknown').waitFor()
    await page.getByRole('button', { name: 'Check Far LysKOM' }).click()
    await row.getByText(/Replied in [\d.]+ ms, its clock: \d\d:\d\d:\d\d/).waitFor()
    await row.getByText('Up', { exact: true }).waitFor()
    await server.close()
    await page.getByRole('button', { name: 'Check Far LysKOM' }).click()
    await row.getByText('No reply: cannot connect to the LysKOM server').waitFor()
    await row.getByText('Down', { exact: true }).waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
    await close()
  })

  it('shows the settings in force with secrets masked, and the version', { timeout: TEST_MS }, async () => {
    const appKey = 'the-key-of-an-application'
    const gateway = await stage.start({ appKeys: [{ app: 'shop', key: appKey }], maxSessions: 77 })
    const { page, close } = await stage.enter(gateway.url, '#/settings')
    const row = (flag: string) => page.getByRole('row').filter({ has: page.getByText(flag, { exact: true }) })
    await row('--admin-key').getByText('…', { exact: true }).waitFor()
    await row('--app-keys').getByText('shop:…', { exact: true }).waitFor()
    await row('--max-sessions').getByText('77', { exact: true }).waitFor()
    await row('--max-sessions').getByText('default: 20000').waitFor()
    const { version, node } = (
      await gateway.send('GET', '/admin/settings', { headers: { authorization: `Bearer ${KEY}` } })
    ).json
    const facts = await page.locator('dl').textContent()
    expect(facts).toContain(`komgate${version}`)
    expect(facts).toContain(`Node${node}`)
    expect(facts).toMatch(/Uptime\d+ sec/)
    const content = await page.content()
    for (const secret of [KEY, appKey]) expect(content).not.toContain(secret)
    await page.getByText('Secrets are left out.').waitFor()
    const rows = page.getByRole('rowheader')
    const all = await rows.count()
    await page.getByLabel('Only those that are not defaults').check()
    await expect.poll(() => rows.count()).toBeLessThan(all / 2)
    await page.getByLabel('Filter').fill('MAX-sessions')
    await expect.poll(() => rows.count()).toBe(1)
    await page.getByLabel('Filter').fill('no such setting')
    await page.getByText('No setting matches.').waitFor()
    await page.getByLabel('Filter').fill('')
    expect(await accessibilityViolations(page)).toEqual([])
    await close()
  })

  it('speaks Swedish to a Swedish browser, and any language on request', { timeout: TEST_MS }, async () => {
    const gateway = await stage.start()
    const { page, close } = await stage.open(gateway.url, { locale: 'sv-SE' })
    await page.getByLabel('Administrationsnyckel').fill('fel-nyckel-som-inte-passar')
    await page.getByRole('button', { name: 'Logga in' }).click()
    await page.getByText('Det är inte den här gatewayens administrationsnyckel.').waitFor()
    await enterKey(page, KEY)
    await page.getByRole('heading', { level: 1, name: 'Servrar' }).waitFor()
    expect(await page.locator('html').getAttribute('lang')).toBe('sv')
    await page.getByRole('button', { name: 'Kontrollera Demo LysKOM' }).click()
    await page.getByText(/Svarade på [\d,]+ ms, dess klocka: \d\d:\d\d:\d\d/).waitFor()
    await page.getByText('Uppe', { exact: true }).waitFor()
    const tabs = await page.getByRole('navigation', { name: 'Vyer' }).getByRole('link').allTextContents()
    expect(tabs).toEqual(['Servrar', 'Sessioner', 'Mätvärden', 'Inställningar', 'API-utforskare'])
    expect(await accessibilityViolations(page)).toEqual([])
    await page.getByLabel('Språk').selectOption('en')
    await page.getByRole('heading', { level: 1, name: 'Servers' }).waitFor()
    await close()
  })

  it('fits on a phone', { timeout: TEST_MS }, async () => {
    const gateway = await stage.start()
    await gateway.open()
    const { page, close } = await stage.enter(gateway.url, '', {
      viewport: { width: 320, height: 700 },
      hasTouch: true,
    })
    for (const name of ['Servers', 'Sessions', 'Figures', 'Settings', 'Explorer']) {
      await page.getByRole('link', { name, exact: true }).click()
      await page.getByRole('heading', { level: 1, name }).waitFor()
      await page.getByText('Loading…').waitFor({ state: 'detached' })
      expect([name, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([name, 320])
      expect(await accessibilityViolations(page)).toEqual([])
    }
    await close()
  })
})
