import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMINISTRATOR, type Backend, ONE_SERVER } from '../contract/backends.ts'
import { chromiumInstalled } from '../support/chromium.ts'
import type { TestGateway } from '../support/gateway.ts'
import { ADMIN, column, onConsoleStage, TEST_MS } from './console-stage.ts'
import { accessibilityViolations, type ReaderPage } from './reader-page.ts'

/** Numbers of the columns. */
const DIRECTION = 1
const NAME = 2
const SIZE = 4
const PASSWORD = 'Not-The-Right-One'
/** The number of lines that a trace keeps. */
const MAX_LINES = 1000

describe.skipIf(!chromiumInstalled() && !process.env.CI).each(ONE_SERVER)('a trace in the console, on $name', (of) => {
  const stage = onConsoleStage()
  let backend: Backend
  beforeAll(async () => {
    backend = await of.start()
  })
  afterAll(() => backend?.stop())

  const table = (page: Page): Locator => page.getByRole('table')
  const names = (page: Page): Promise<string[]> => column(table(page), NAME)

  /** Opens a session, and its trace by the list of sessions. */
  async function trace(): Promise<ReaderPage & { gateway: TestGateway; id: string; whoAmI: () => Promise<unknown> }> {
    const { host, port } = backend
    const gateway = await stage.start({}, [{ id: 'kom', host, port }])
    const id = await gateway.open()
    const opened = await stage.enter(gateway.url, '#/sessions')
    await opened.page.getByRole('link', { name: /^Trace session [0-9a-f]{12}$/ }).click()
    await opened.page.getByText('Running. Nothing has happened yet.').waitFor()
    const whoAmI = () => gateway.send('POST', '/kom/calls/who-am-i', { id, json: {} })
    return { ...opened, gateway, id, whoAmI }
  }

  const logIn = (gateway: TestGateway, id: string, passwd: string) =>
    gateway.send('POST', '/kom/sessions/current/login', { id, json: { pers_no: ADMINISTRATOR.no, passwd } })

  it('shows calls, replies and errors as they happen, and no password', { timeout: TEST_MS }, async () => {
    const { page, gateway, id, close } = await trace()
    await logIn(gateway, id, PASSWORD)
    await page.getByText('invalid-password').waitFor()
    // The newest line is first.
    expect((await column(table(page), DIRECTION)).slice(0, 2)).toEqual(['← error', '→ call'])
    await logIn(gateway, id, ADMINISTRATOR.passwd)
    await expect.poll(async () => (await names(page)).filter((name) => name === 'login').length).toBe(4)
    const sizes = await table(page).locator('tr').filter({ hasText: '→ call' }).filter({ hasText: 'login' })
    // The size of a login would reveal the length of its password.
    for (const line of await sizes.all()) expect(await line.locator('td').nth(SIZE).textContent()).toBe('')
    const content = await page.content()
    for (const secret of [PASSWORD, ADMINISTRATOR.passwd, id]) expect(content).not.toContain(secret)
    expect(await accessibilityViolations(page)).toEqual([])
    await close()
  })

  it('is paused, continued, cleared and filtered', { timeout: TEST_MS }, async () => {
    const { page, gateway, id, whoAmI, close } = await trace()
    await whoAmI()
    await expect.poll(() => names(page)).toEqual(['who-am-i', 'who-am-i'])
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByText('Paused').waitFor()
    await gateway.send('POST', '/kom/calls/get-time', { id, json: {} })
    expect(await names(page)).toEqual(['who-am-i', 'who-am-i'])
    await page.getByRole('button', { name: 'Continue' }).click()
    // Nothing is missing from the time of the pause.
    await expect.poll(() => names(page)).toEqual(['get-time', 'get-time', 'who-am-i', 'who-am-i'])
    await page.getByLabel('Filter').fill('TIME')
    await expect.poll(() => names(page)).toEqual(['get-time', 'get-time'])
    await page.getByLabel('Filter').fill('reply')
    await expect.poll(() => names(page)).toEqual(['get-time', 'who-am-i'])
    await page.getByLabel('Filter').fill('nothing of the kind')
    await page.getByText('No line matches.').waitFor()
    await page.getByLabel('Filter').fill('')
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.getByText('Running. Nothing has happened yet.').waitFor()
    await whoAmI()
    await expect.poll(() => names(page)).toEqual(['who-am-i', 'who-am-i'])
    await close()
  })

  it('keeps a bounded number of lines', { timeout: TEST_MS }, async () => {
    const { page, whoAmI, close } = await trace()
    const rows = table(page).locator('tbody tr')
    for (let n = 0; n < 60; n++) await Promise.all(Array.from({ length: 10 }, whoAmI))
    await page.getByText(`Only the newest ${MAX_LINES} lines are kept.`).waitFor()
    expect(await rows.count()).toBe(MAX_LINES)
    await whoAmI()
    await page.getByRole('button', { name: 'Pause' }).click()
    expect(await rows.count()).toBe(MAX_LINES)
    await close()
  })

  it('ends with its session, which the operator can end here', { timeout: TEST_MS }, async () => {
    const { page, gateway, close } = await trace()
    await page.getByRole('button', { name: 'End session' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText(/^End session [0-9a-f]{12}\?/).waitFor()
    await dialog.getByRole('button', { name: 'End session' }).click()
    await page.getByText('The trace has ended: connection-closed.').waitFor()
    expect((await gateway.send('GET', '/admin/sessions', ADMIN)).json.sessions).toEqual([])
    expect(await page.getByRole('button', { name: 'End session' }).count()).toBe(0)
    await page.reload()
    await page.getByLabel('Admin key').waitFor()
    await close()
  })

  it('of a session that does not exist says so', { timeout: TEST_MS }, async () => {
    const gateway = await stage.start()
    const { page, close } = await stage.enter(gateway.url, '#/sessions/0123456789ab')
    await page.getByText('There is no such session, or it has ended.').waitFor()
    await page.getByRole('link', { name: 'All sessions' }).click()
    await page.getByText('No client has a session.').waitFor()
    await close()
  })
})
