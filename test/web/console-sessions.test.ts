import type { Locator, Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { chromiumInstalled } from '../support/chromium.ts'
import type { TestGateway } from '../support/gateway.ts'
import { type ListedSession, manySessions } from '../support/many-sessions.ts'
import { ADMIN, column, enterKey, KEY, onConsoleStage, openDemoReader, TEST_MS } from './console-stage.ts'
import { accessibilityViolations } from './reader-page.ts'

/** Numbers of the columns. */
const PERSON = 1
const CLIENT = 2
/** Rows of a page. */
const PAGE = 50

describe.skipIf(!chromiumInstalled() && !process.env.CI)('the sessions in the console', () => {
  const stage = onConsoleStage()
  const table = (page: Page): Locator => page.getByRole('table')
  const rows = (page: Page): Locator => table(page).locator('tbody tr')

  /** Opens a session of a client program. */
  async function openAs(gateway: TestGateway, name: string): Promise<string> {
    const json = { client: { name, version: '1' } }
    return (await gateway.send('POST', '/demo/sessions/', { json })).json.connection_id
  }

  const isLive = async (gateway: TestGateway, id: string): Promise<boolean> =>
    (await gateway.send('GET', '/demo/sessions/current/who-am-i', { id })).status === 200

  it('are listed, also new ones, filtered by words and sorted by each column', { timeout: TEST_MS }, async () => {
    const gateway = await stage.start()
    for (const name of ['beta', 'Alpha <b>', 'gamma']) await openAs(gateway, name)
    await openDemoReader(gateway)
    const { page, close } = await stage.enter(gateway.url, '#/sessions')
    await page.getByText('4 sessions').waitFor()
    const opened = ['beta 1', 'Alpha <b> 1', 'gamma 1', 'test 1.0']
    expect(await column(table(page), CLIENT)).toEqual(opened)
    expect(await column(table(page), PERSON)).toEqual(['Anonymous', 'Anonymous', 'Anonymous', 'Person 6'])

    const sort = (name: string) => page.getByRole('button', { name, exact: true }).click()
    const head = (name: string) => page.getByRole('columnheader', { name, exact: true })
    await sort('Client')
    await expect.poll(() => column(table(page), CLIENT)).toEqual(['Alpha <b> 1', 'beta 1', 'gamma 1', 'test 1.0'])
    expect(await head('Client').getAttribute('aria-sort')).toBe('ascending')
    await sort('Client')
    await expect.poll(() => column(table(page), CLIENT)).toEqual(['test 1.0', 'gamma 1', 'beta 1', 'Alpha <b> 1'])
    expect(await head('Client').getAttribute('aria-sort')).toBe('descending')
    await sort('Client')
    await expect.poll(() => column(table(page), CLIENT)).toEqual(opened)
    expect(await head('Client').getAttribute('aria-sort')).toBeNull()
    await sort('Person')
    await expect.poll(async () => (await column(table(page), PERSON))[0]).toBe('Person 6')
    for (const name of ['Server', 'Address', 'Idle', 'Ends in', 'Calls', 'Handle']) {
      await sort(name)
      await expect.poll(() => head(name).getAttribute('aria-sort')).toBe('ascending')
      expect(await rows(page).count()).toBe(4)
    }

    await page.getByLabel('Filter').fill('ALPHA demo')
    await page.getByText('1 of 4 sessions').waitFor()
    expect(await column(table(page), CLIENT)).toEqual(['Alpha <b> 1'])
    await page.getByLabel('Filter').fill('no such client')
    await page.getByText('No session matches.').waitFor()
    await page.getByLabel('Filter').fill('')
    await openAs(gateway, 'delta')
    await page.getByText('5 sessions').waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
    await close()
  })

  it('end one at a time, after a question', { timeout: TEST_MS }, async () => {
    const gateway = await stage.start()
    const [one, other] = [await openAs(gateway, 'one'), await openAs(gateway, 'other')]
    const { page, close } = await stage.enter(gateway.url, '#/sessions')
    const end = rows(page)
      .filter({ hasText: 'one 1' })
      .getByRole('button', { name: /^End session [0-9a-f]{12}$/ })
    await end.click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('End the session of one 1 (Anonymous, demo)? Its client has to open a new one.').waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    expect(await isLive(gateway, one)).toBe(true)
    await end.click()
    await dialog.getByRole('button', { name: 'End', exact: true }).click()
    await page.getByText('1 session', { exact: true }).waitFor()
    expect([await isLive(gateway, one), await isLive(gateway, other)]).toEqual([false, true])
    await close()
  })

  it('of a person end all together, after a question', { timeout: TEST_MS }, async () => {
    const gateway = await stage.start()
    const own = [await openDemoReader(gateway), await openDemoReader(gateway), await openDemoReader(gateway)]
    const other = await openAs(gateway, 'other')
    const { page, close } = await stage.enter(gateway.url, '#/sessions')
    await page.getByRole('link', { name: 'Person 6' }).first().click()
    await page.getByRole('heading', { name: 'Sessions of person 6 on demo' }).waitFor()
    expect(page.url()).toMatch(/#\/sessions\/demo\/6$/)
    await page.getByText('3 sessions', { exact: true }).waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
    await page.getByRole('button', { name: 'End all 3 sessions' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('End all 3 sessions of person 6 on demo?').waitFor()
    for (const id of own) expect(await isLive(gateway, id)).toBe(true)
    await dialog.getByRole('button', { name: 'End all 3 sessions' }).click()
    await page.getByText('No client has a session.').waitFor()
    for (const id of own) expect(await isLive(gateway, id)).toBe(false)
    expect(await isLive(gateway, other)).toBe(true)
    await page.getByRole('link', { name: 'All sessions' }).click()
    await page.getByText('1 session', { exact: true }).waitFor()
    await close()
  })

  it('that cannot be ended stay in the question with the reason', { timeout: TEST_MS }, async () => {
    const gateway = await stage.start()
    await openAs(gateway, 'one')
    const { page, close } = await stage.enter(gateway.url, '#/sessions')
    await page.getByRole('button', { name: /^End session/ }).click()
    await page.route('**/admin/sessions/*', (route) => route.abort())
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'End', exact: true }).click()
    await dialog.getByRole('alert').getByText('The gateway does not respond.').waitFor()
    await page.unroute('**/admin/sessions/*')
    const { sessions } = (await gateway.send('GET', '/admin/sessions', ADMIN)).json
    await gateway.send('DELETE', `/admin/sessions/${sessions[0].handle}`, ADMIN)
    // A session that has ended meanwhile is what the operator wants.
    await dialog.getByRole('button', { name: 'End', exact: true }).click()
    await page.getByText('No client has a session.').waitFor()
    await close()
  })

  it('of nodes that do not answer are reported as missing', { timeout: TEST_MS }, async () => {
    const gateway = await stage.start()
    const { page, close } = await stage.open(gateway.url, { fragment: '#/sessions' })
    let missing: string[] | null = ['http://10.0.0.7:5002', 'http://10.0.0.8:5002']
    await page.route('**/admin/sessions', (route) => route.fulfill({ json: { sessions: [], missing } }))
    await enterKey(page, KEY)
    await page.getByText('Not complete: no answer from http://10.0.0.7:5002, http://10.0.0.8:5002.').waitFor()
    expect(await page.getByText('No client has a session.').count()).toBe(0)
    missing = null
    await page.getByText('Not complete: Redis does not answer').waitFor()
    await close()
  })

  it('are usable when there are 20,000: few elements, sorted and filtered as a whole', {
    timeout: TEST_MS,
  }, async () => {
    const sessions = manySessions(20_000)
    const gateway = await stage.start()
    const { page, close } = await stage.open(gateway.url, { fragment: '#/sessions' })
    await page.route('**/admin/sessions', (route) => route.fulfill({ json: { sessions } }))
    await enterKey(page, KEY)
    await page.getByText('20,000 sessions').waitFor()
    const clients = () => column(table(page), CLIENT)
    const first = (list: readonly ListedSession[]) => list.slice(0, PAGE).map(({ client }) => client)
    expect(await clients()).toEqual(first(sessions))
    expect(await page.locator('*').count()).toBeLessThan(1500)
    await page.getByRole('button', { name: 'Calls', exact: true }).click()
    await page.getByRole('button', { name: 'Calls', exact: true }).click()
    const sorted = sessions.toSorted((a, b) => b.calls - a.calls)
    await expect.poll(clients).toEqual(first(sorted))
    await page.getByLabel('Filter').fill('client-3 lyskom')
    const found = sorted.filter(({ client, server }) => client.startsWith('client-3 ') && server === 'lyskom')
    await page.getByText(`${found.length} of 20,000 sessions`).waitFor()
    expect(await clients()).toEqual(first(found))
    const pages = Math.ceil(found.length / PAGE)
    await page.getByText(`Page 1 of ${pages}`).waitFor()
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText(`Page 2 of ${pages}`).waitFor()
    expect(await clients()).toEqual(first(found.slice(PAGE)))
    await page.getByRole('button', { name: 'Previous' }).click()
    await page.getByText(`Page 1 of ${pages}`).waitFor()
    expect(await page.getByRole('button', { name: 'Previous' }).isDisabled()).toBe(true)
    expect(await accessibilityViolations(page)).toEqual([])
    await close()
  })
})
