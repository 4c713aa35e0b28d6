import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { build } from '../support/built-command.ts'
import { chromiumInstalled, startChromium } from '../support/chromium.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { accessibilityViolations, type OpenOptions, openReader, type ReaderPage } from './reader-page.ts'

const START_MS = 60_000
const TEST_MS = 90_000
const KEY = 'let-me-in-if-you-please'
/** A PNG image of one pixel. */
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

describe.skipIf(!chromiumInstalled() && !process.env.CI)('the call explorer', () => {
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
      { adminKey: KEY },
    )
    return () => gateway.close()
  })
  afterAll(() => browser.close())

  /** Opens the explorer at an operation. */
  async function open(operation: string, options: OpenOptions = {}, url = gateway.url): Promise<ReaderPage> {
    const opened = await openReader(browser, url, {
      app: 'console',
      fragment: `#/explorer/${operation}`,
      ...options,
    })
    const { page } = opened
    await page.locator('input[type=password]').fill(KEY)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 2 }).first().waitFor()
    return opened
  }

  async function openSession(page: Page): Promise<void> {
    await page.getByRole('button', { name: 'Open a session' }).click()
    await page.getByText('A session is open, not logged in.').waitFor()
  }

  async function logIn(page: Page): Promise<void> {
    await openSession(page)
    const session = page.getByRole('region', { name: 'Session' })
    await session.locator('summary').click()
    await session.getByLabel('Name').fill('demo reader')
    await session.getByLabel('Password').fill('demo')
    await session.getByRole('button', { name: 'Log in' }).click()
    await session.getByText('Demo Reader').waitFor()
  }

  /** Opens a session of another client, as Demo Reader. */
  async function other(): Promise<string> {
    const id = await gateway.open()
    await gateway.send('POST', '/demo/sessions/current/login', { id, json: { pers_name: 'd r', passwd: 'demo' } })
    return id
  }

  const sendRequest = (page: Page) => page.getByRole('button', { name: 'Send', exact: true }).click()
  const answerOf = (page: Page) => page.getByRole('region', { name: 'Answer' })
  const show = (page: Page, operation: string) => page.evaluate(`location.hash = '#/explorer/${operation}'`)
  const admin = { headers: { authorization: `Bearer ${KEY}` } }

  it('makes a call with a session, which it ends when it is left', { timeout: TEST_MS }, async () => {
    const { page, close } = await open('callGetTime')
    await page.getByRole('heading', { level: 2, name: 'get-time' }).waitFor()
    await sendRequest(page)
    await page.getByText('This request needs a session: open one above.').waitFor()
    await openSession(page)
    await sendRequest(page)
    await answerOf(page).getByText('200 OK').waitFor()
    expect(await answerOf(page).textContent()).toMatch(/reply: "\d{4}-\d\d-\d\dT[\d:]+Z"/)
    await answerOf(page)
      .getByText(/^\d+ headers$/)
      .click()
    await answerOf(page).getByText('x-request-id', { exact: true }).waitFor()
    expect(await page.getByRole('region', { name: 'As a curl line' }).textContent()).toContain('$KOMGATE_CONNECTION')
    expect(await accessibilityViolations(page)).toEqual([])
    const sessions = async () => (await gateway.send('GET', '/admin/sessions', admin)).json.sessions.length
    expect(await sessions()).toBe(1)
    await page.getByRole('link', { name: 'Servers', exact: true }).click()
    await expect.poll(sessions).toBe(0)
    await close()
  })

  it('ends the session when the page is closed', { timeout: TEST_MS }, async () => {
    const { page, close } = await open('callGetTime')
    await openSession(page)
    await page.goto('about:blank')
    await expect.poll(async () => (await gateway.send('GET', '/admin/sessions', admin)).json.sessions).toEqual([])
    await close()
  })

  it('makes a call with nested parameters, and asks before it changes something', { timeout: TEST_MS }, async () => {
    const { page, requests, close } = await open('callCreateText')
    await logIn(page)
    const text = 'Räksmörgås "quoted" \\ ☃\nIt\'s a text.'
    await page.getByLabel('text', { exact: true }).fill(text)
    await page.getByRole('button', { name: 'Add an item to misc_info' }).click()
    const first = page.getByRole('group', { name: 'misc_info 1' })
    await expect.poll(() => page.evaluate('document.activeElement.matches("select, input")')).toBe(true)
    await first.getByLabel('value').fill('70000')
    await page.getByRole('button', { name: 'Add an item to misc_info' }).click()
    await page.getByLabel('Kind of misc_info 2').selectOption('comm_to')
    await page.getByRole('group', { name: 'misc_info 2' }).getByLabel('value').fill('36')
    await page.getByRole('button', { name: 'Add an item to aux_items' }).click()
    const item = page.getByRole('group', { name: 'aux_items 1' })
    await item.getByLabel('tag').fill('1')
    await item.getByLabel('inherit_limit').fill('0')
    await item.getByLabel('data', { exact: true }).fill('text/plain;charset=utf-8')
    await sendRequest(page)
    await first.getByText('The greatest value is 65535.').waitFor()
    expect(await first.getByLabel('value').getAttribute('aria-invalid')).toBe('true')
    expect(requests.filter((each) => each.endsWith('/create-text'))).toEqual([])
    expect(await accessibilityViolations(page)).toEqual([])
    await first.getByLabel('value').fill('9')
    await sendRequest(page)
    const dialog = page.getByRole('dialog')
    await dialog.getByText('create-text changes something on the server.').waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    expect(requests.filter((each) => each.endsWith('/create-text'))).toEqual([])
    await page.keyboard.press('Control+Enter')
    await page.getByRole('button', { name: 'Send create-text' }).click()
    await answerOf(page).getByText('200 OK').waitFor()
    const [, no] = /reply: (\d+)/.exec((await answerOf(page).textContent()) ?? '') ?? []
    const id = await other()
    const created = await gateway.send('GET', `/demo/texts/${no}`, { id })
    expect(`${created.json.subject}\n${created.json.body}`).toBe(text)
    expect(created.json.comment_to_list).toMatchObject([{ text_no: 36 }])
    await close()
  })

  it('asks before it removes something, with Cancel first', { timeout: TEST_MS }, async () => {
    const { page, requests, close } = await open('callDeleteConf')
    await openSession(page)
    await page.getByLabel('conf', { exact: true }).fill('9')
    await sendRequest(page)
    await page.getByRole('dialog').getByText('delete-conf removes or ends something.').waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    expect(requests.filter((each) => each.endsWith('/delete-conf'))).toEqual([])
    await close()
  })

  it('shows beside a field what the gateway says of it', { timeout: TEST_MS }, async () => {
    const { page, close } = await open('listConferenceTexts')
    await logIn(page)
    await page.getByLabel('conf_no').fill('9')
    for (const name of ['no-of-texts', 'subjects']) await page.getByRole('button', { name: `Add ${name}` }).click()
    await page.getByLabel('no-of-texts', { exact: true }).fill('1000')
    await page.getByLabel('subjects', { exact: true }).selectOption('true')
    await sendRequest(page)
    await answerOf(page).getByText('400 Bad Request').waitFor()
    const field = page.getByLabel('no-of-texts', { exact: true })
    expect(await field.getAttribute('aria-invalid')).toBe('true')
    await page.getByRole('alert').getByText('"no-of-texts" must be a whole number from 1 to 255.').waitFor()
    await page.getByRole('button', { name: 'Remove no-of-texts' }).click()
    await sendRequest(page)
    await answerOf(page).getByText('200 OK').waitFor()
    await close()
  })

  it('uses the admin key, which the curl line has on request', { timeout: TEST_MS }, async () => {
    const { page, close } = await open('listAllSessions')
    await sendRequest(page)
    await answerOf(page).getByText('200 OK').waitFor()
    const curl = page.getByRole('region', { name: 'As a curl line' })
    expect(await curl.locator('pre').textContent()).toBe(
      `curl ${gateway.url}/admin/sessions \\\n  -H "Authorization: Bearer $KOMGATE_ADMIN_KEY"`,
    )
    await curl.getByText('Set these shell variables first: KOMGATE_ADMIN_KEY').waitFor()
    await curl.getByLabel('With secrets').check()
    expect(await curl.locator('pre').textContent()).toContain(`-H 'Authorization: Bearer ${KEY}'`)
    await close()
  })

  it('has the routes of the admin port on that port', { timeout: TEST_MS }, async () => {
    const separate = await startTestGateway([{ id: 'demo', demo: true }], { adminKey: KEY, adminPort: 0 })
    const { page, close } = await open('listAllSessions', {}, separate.adminUrl)
    await page.getByText('This port has the routes of the operator alone.').waitFor()
    await sendRequest(page)
    await answerOf(page).getByText('200 OK').waitFor()
    expect(await page.getByRole('navigation', { name: 'Calls and routes' }).getByRole('link').count()).toBeLessThan(15)
    expect(await accessibilityViolations(page)).toEqual([])
    await close()
    await separate.close()
  })

  it('shows the events of a stream as they arrive, until it is stopped', { timeout: TEST_MS }, async () => {
    const { page, close } = await open('streamEvents')
    await logIn(page)
    await sendRequest(page)
    await answerOf(page).getByText('The stream is open.').waitFor()
    const id = await other()
    const recipient_list = [{ type: 'to', recpt: { conf_no: 9 } }]
    const json = { subject: 'News', body: 'It happens.', content_type: 'text/plain', recipient_list }
    const { text_no } = (await gateway.send('POST', '/demo/texts/', { id, json })).json
    const events = page.getByRole('list', { name: 'Events' })
    await events
      .getByText(new RegExp(`"text_no":${text_no}\\b`))
      .first()
      .waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
    await page.getByRole('button', { name: 'Stop' }).click()
    await answerOf(page).getByText('The stream has ended.').waitFor()
    await page.getByRole('button', { name: 'Stop' }).waitFor({ state: 'hidden' })
    await close()
  })

  it('opens a WebSocket and shows its messages', { timeout: TEST_MS }, async () => {
    const { page, close } = await open('openWebsocket')
    await page.getByRole('button', { name: 'Connect' }).click()
    await page.getByText('This request needs a session: open one above.').waitFor()
    await openSession(page)
    await page.getByRole('button', { name: 'Connect' }).click()
    await page.getByLabel('Message in JSON').fill('{"protocol":"echo","ref_no":1,"request":"hello ☃"}')
    await page.getByRole('button', { name: 'Send message' }).click()
    await page.getByText('{"protocol":"echo","ref_no":1,"reply":"hello ☃"}').waitFor()
    await page.getByRole('button', { name: 'Disconnect' }).click()
    await page.getByText('The WebSocket is closed').waitFor()
    await close()
  })

  it('finds calls and routes, and shows again what was sent', { timeout: TEST_MS }, async () => {
    const { page, close } = await open('noSuchCall')
    await page.getByText('This gateway has no call or route noSuchCall.').waitFor()
    const list = page.getByRole('navigation', { name: 'Calls and routes' })
    expect(await list.getByRole('link').count()).toBeGreaterThan(150)
    await list.getByLabel('Search').fill('lookup z')
    await list.getByText('2 matches').waitFor()
    await list.getByRole('link', { name: 'lookup-z-name' }).click()
    await expect.poll(() => page.url()).toContain('#/explorer/callLookupZName')
    await openSession(page)
    await page.getByLabel('name', { exact: true }).fill('d r')
    await page.getByLabel('want_pers').selectOption('true')
    await sendRequest(page)
    await answerOf(page).getByText('Demo Reader').waitFor()
    await list.getByLabel('Search').fill('who-am-i')
    await list.getByRole('link', { name: 'who-am-i', exact: true }).click()
    await page.getByRole('heading', { level: 2, name: 'who-am-i' }).waitFor()
    await page.getByRole('link', { name: 'Fill in again: callLookupZName' }).click()
    expect(await page.getByLabel('name', { exact: true }).inputValue()).toBe('d r')
    await page.getByRole('button', { name: 'JSON', exact: true }).click()
    const json = page.getByLabel('Body in JSON')
    expect(JSON.parse(await json.inputValue())).toEqual({ name: 'd r', want_pers: true, want_confs: false })
    await json.fill('{"name": "x", "want_pers": true')
    await sendRequest(page)
    await page.getByText('This is not JSON:').waitFor()
    await json.fill('{"name": "x", "want_pers": "yes", "want_confs": true}')
    await sendRequest(page)
    await page.getByText('want_pers: This must be true or false.').waitFor()
    await json.fill('{"name": "test", "want_pers": false, "want_confs": true}')
    await sendRequest(page)
    await answerOf(page).getByText('Testing (is) allowed').waitFor()
    await close()
  })

  it('shows images, and megabytes of text without freezing', { timeout: TEST_MS }, async () => {
    const id = await other()
    const write = async (body: object) => {
      const recipient_list = [{ type: 'to', recpt: { conf_no: 9 } }]
      const { json, text } = await gateway.send('POST', '/demo/texts/', {
        id,
        json: { subject: 'x', recipient_list, ...body },
      })
      expect(json, text).toHaveProperty('text_no')
      return String(json.text_no)
    }
    const image = await write({ body: PIXEL, content_type: 'image/png', content_encoding: 'base64' })
    const long = await write({ body: 'A line of a long text.\n'.repeat(5000), content_type: 'text/plain' })
    const { page, close } = await open('getTextBody')
    await logIn(page)
    await page.getByLabel('text_no').fill(image)
    await sendRequest(page)
    const shown = answerOf(page).getByRole('img')
    await shown.waitFor()
    await expect.poll(() => shown.evaluate((image: { naturalWidth?: number }) => image.naturalWidth)).toBe(1)
    await page.getByLabel('text_no').fill(long)
    await sendRequest(page)
    await answerOf(page).getByRole('button', { name: 'Show all (115 kB)' }).waitFor()
    expect((await answerOf(page).locator('pre').textContent())?.length).toBe(100_000)
    const rows = Array.from({ length: 200_000 }, (_, i) => ({ number: i, text: 'a row of a long list' }))
    await page.route('**/stats', (route) => route.fulfill({ json: { rows } }))
    await show(page, 'getStats')
    await sendRequest(page)
    await answerOf(page)
      .getByText(/ms, [\d.]+ MB$/)
      .waitFor()
    await answerOf(page).getByText('[200000]').click()
    await answerOf(page).getByRole('button', { name: 'Show 100 more' }).click()
    await expect
      .poll(() =>
        answerOf(page)
          .getByText(/^19\d: /)
          .count(),
      )
      .toBe(10)
    await answerOf(page).getByRole('button', { name: 'As text' }).click()
    expect((await answerOf(page).locator('pre').textContent())?.length).toBe(100_000)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      answerOf(page).getByRole('link', { name: 'Download' }).click(),
    ])
    expect(download.suggestedFilename()).toBe('getStats.json')
    await close()
  })

  it('says that there is no answer, and stops waiting for one', { timeout: TEST_MS }, async () => {
    const { page, close } = await open('getStats')
    await page.route('**/stats', (route) => route.abort())
    await sendRequest(page)
    await answerOf(page).getByText('The gateway did not answer.').waitFor()
    await page.unroute('**/stats')
    // This request is never answered.
    await page.route('**/stats', () => undefined)
    await sendRequest(page)
    await answerOf(page).getByText('Waiting for the answer…').waitFor()
    await page.getByRole('button', { name: 'Stop' }).click()
    await answerOf(page).getByText('Stopped before an answer.').waitFor()
    await close()
  })

  it('says that the session has ended, and opens another one', { timeout: TEST_MS }, async () => {
    const { page, close } = await open('whoAmI')
    await openSession(page)
    const { sessions } = (await gateway.send('GET', '/admin/sessions', admin)).json
    await gateway.send('DELETE', `/admin/sessions/${sessions[0].handle}`, admin)
    await sendRequest(page)
    await answerOf(page).getByText('403 Forbidden').waitFor()
    await page.getByText('The session has ended.').waitFor()
    await openSession(page)
    await sendRequest(page)
    await answerOf(page).getByText('200 OK').waitFor()
    await page.getByLabel('Server').selectOption('away')
    await page.getByText('No session is open.').waitFor()
    await page.getByRole('button', { name: 'Open a session' }).click()
    await page.getByText('No session: ').waitFor()
    await close()
  })

  it('has a form for every call and route, in Swedish and on a phone', { timeout: TEST_MS }, async () => {
    const { page, offences, close } = await open('', { locale: 'sv-SE', viewport: { width: 320, height: 700 } })
    await page.getByText('Välj ett anrop eller en rutt.').waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
    const width = () => page.evaluate('document.documentElement.scrollWidth')
    expect(await width()).toBe(320)
    const ids: string[] = await page.evaluate(
      "[...document.querySelectorAll('nav a[href^=\"#/explorer/\"]')].map((link) => link.hash.split('/').pop())",
    )
    expect(ids.length).toBeGreaterThan(150)
    expect(await page.evaluate(`(${String(visitAll)})(${JSON.stringify(ids)})`)).toEqual([])
    expect(offences.errors).toEqual([])
    await close()
  })
})

/**
 * Shows each operation with its example. Runs in the page.
 * @returns the ids of those that are wider than the page, or have no curl line
 */
async function visitAll(ids: readonly string[]): Promise<string[]> {
  // biome-ignore lint/suspicious/noExplicitAny: the types of the page are not those of Node
  const { document, location, requestAnimationFrame } = globalThis as any
  const until = async (condition: () => boolean): Promise<boolean> => {
    for (let frames = 0; frames < 100 && !condition(); frames++) await new Promise(requestAnimationFrame)
    return condition()
  }
  const failed: string[] = []
  for (const id of ids) {
    const before = document.querySelector('article h2')
    location.hash = `#/explorer/${id}`
    await until(() => ![null, before].includes(document.querySelector('article h2')))
    for (const button of document.querySelectorAll('article button')) {
      if (button.textContent === 'Fyll i ett exempel') button.click()
    }
    const isShown = await until(() => document.querySelector('section.curl pre')?.textContent.startsWith('curl'))
    if (!isShown || document.documentElement.scrollWidth > 320) failed.push(id)
  }
  return failed
}
