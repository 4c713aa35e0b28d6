import { beforeEach, describe, expect, it } from 'vitest'
import { chromiumInstalled } from '../support/chromium.ts'
import type { TestGateway } from '../support/gateway.ts'
import { ADMIN, KEY, onConsoleStage, openDemoReader, TEST_MS } from './console-stage.ts'
import { type ExplorerPage, openExplorer } from './explorer-stage.ts'
import { accessibilityViolations, type OpenOptions } from './reader-page.ts'

const PERSON = { name: 'demo reader', passwd: 'demo' }
/** A PNG image of one pixel. */
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

describe.skipIf(!chromiumInstalled() && !process.env.CI)('the call explorer', () => {
  const stage = onConsoleStage()
  let gateway: TestGateway
  beforeEach(async () => {
    gateway = await stage.start()
  })

  const open = (operation: string, options: OpenOptions = {}, url = gateway.url): Promise<ExplorerPage> =>
    openExplorer(stage, url, operation, options)

  it('ends the session when the page is closed', { timeout: TEST_MS }, async () => {
    const { page, openSession, close } = await open('callGetTime')
    await openSession()
    await page.goto('about:blank')
    await expect.poll(async () => (await gateway.send('GET', '/admin/sessions', ADMIN)).json.sessions).toEqual([])
    await close()
  })

  it('asks before it removes something, with Cancel first', { timeout: TEST_MS }, async () => {
    const { page, requests, openSession, send, close } = await open('callDeleteConf')
    await openSession()
    await page.getByLabel('conf', { exact: true }).fill('9')
    await send()
    await page.getByRole('dialog').getByText('delete-conf removes or ends something.').waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    expect(requests.filter((each) => each.endsWith('/delete-conf'))).toEqual([])
    await close()
  })

  it('shows beside a field what the gateway says of it', { timeout: TEST_MS }, async () => {
    const { page, answer, logInAs, send, close } = await open('listConferenceTexts')
    await logInAs(PERSON)
    await page.getByLabel('conf_no').fill('9')
    for (const name of ['no-of-texts', 'subjects']) await page.getByRole('button', { name: `Add ${name}` }).click()
    await page.getByLabel('no-of-texts', { exact: true }).fill('1000')
    await page.getByLabel('subjects', { exact: true }).selectOption('true')
    await send()
    await answer.getByText('400 Bad Request').waitFor()
    const field = page.getByLabel('no-of-texts', { exact: true })
    expect(await field.getAttribute('aria-invalid')).toBe('true')
    await page.getByRole('alert').getByText('"no-of-texts" must be a whole number from 1 to 255.').waitFor()
    await page.getByRole('button', { name: 'Remove no-of-texts' }).click()
    await send()
    await answer.getByText('200 OK').waitFor()
    await close()
  })

  it('uses the admin key, which the curl line has on request', { timeout: TEST_MS }, async () => {
    const { page, answer, send, close } = await open('listAllSessions')
    await send()
    await answer.getByText('200 OK').waitFor()
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
    const separate = await stage.start({ adminPort: 0 })
    const { page, answer, send, close } = await open('listAllSessions', {}, separate.adminUrl)
    await page.getByText('This port has the routes of the operator alone.').waitFor()
    await send()
    await answer.getByText('200 OK').waitFor()
    expect(await page.getByRole('navigation', { name: 'Calls and routes' }).getByRole('link').count()).toBeLessThan(15)
    expect(await accessibilityViolations(page)).toEqual([])
    await close()
  })

  it('finds calls and routes, and shows again what was sent', { timeout: TEST_MS }, async () => {
    const { page, answer, openSession, send, close } = await open('noSuchCall')
    await page.getByText('This gateway has no call or route noSuchCall.').waitFor()
    const list = page.getByRole('navigation', { name: 'Calls and routes' })
    expect(await list.getByRole('link').count()).toBeGreaterThan(150)
    await list.getByLabel('Search').fill('lookup z')
    await list.getByText('2 matches').waitFor()
    await list.getByRole('link', { name: 'lookup-z-name' }).click()
    await expect.poll(() => page.url()).toContain('#/explorer/callLookupZName')
    await openSession()
    await page.getByLabel('name', { exact: true }).fill('d r')
    await page.getByLabel('want_pers').selectOption('true')
    await send()
    await answer.getByText('Demo Reader').waitFor()
    await list.getByLabel('Search').fill('who-am-i')
    await list.getByRole('link', { name: 'who-am-i', exact: true }).click()
    await page.getByRole('heading', { level: 2, name: 'who-am-i' }).waitFor()
    await page.getByRole('link', { name: 'Fill in again: callLookupZName' }).click()
    const name = page.getByLabel('name', { exact: true })
    expect(await name.inputValue()).toBe('d r')
    await name.fill('changed')
    await page.getByRole('link', { name: 'Fill in again: callLookupZName' }).click()
    await expect.poll(() => name.inputValue()).toBe('d r')
    await page.getByRole('button', { name: 'JSON', exact: true }).click()
    const json = page.getByLabel('Body in JSON')
    expect(JSON.parse(await json.inputValue())).toEqual({ name: 'd r', want_pers: true, want_confs: false })
    await json.fill('{"name": "x", "want_pers": true')
    await send()
    await page.getByText('This is not JSON:').waitFor()
    await json.fill('{"name": "x", "want_pers": "yes", "want_confs": true}')
    await send()
    await page.getByText('want_pers: This must be true or false.').waitFor()
    await json.fill('{"name": "test", "want_pers": false, "want_confs": true}')
    await send()
    await answer.getByText('Testing (is) allowed').waitFor()
    await close()
  })

  it('shows images, and megabytes of text without freezing', { timeout: TEST_MS }, async () => {
    const id = await openDemoReader(gateway)
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
    const { page, answer, logInAs, send, show, close } = await open('getTextBody')
    await logInAs(PERSON)
    await page.getByLabel('text_no').fill(image)
    await send()
    const shown = answer.getByRole('img')
    await shown.waitFor()
    await expect.poll(() => shown.evaluate((image: { naturalWidth?: number }) => image.naturalWidth)).toBe(1)
    await page.getByLabel('text_no').fill(long)
    await send()
    await answer.getByRole('button', { name: 'Show all (115 kB)' }).waitFor()
    expect((await answer.locator('pre').textContent())?.length).toBe(100_000)
    const rows = Array.from({ length: 200_000 }, (_, i) => ({ number: i, text: 'a row of a long list' }))
    await page.route('**/stats', (route) => route.fulfill({ json: { rows } }))
    await show('getStats')
    await send()
    await answer.getByText(/ms, [\d.]+ MB$/).waitFor()
    await answer.getByText('[200000]').click()
    await answer.getByRole('button', { name: 'Show 100 more' }).click()
    await expect.poll(() => answer.getByText(/^19\d: /).count()).toBe(10)
    await answer.getByRole('button', { name: 'As text' }).click()
    expect((await answer.locator('pre').textContent())?.length).toBe(100_000)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      answer.getByRole('link', { name: 'Download' }).click(),
    ])
    expect(download.suggestedFilename()).toBe('getStats.json')
    await close()
  })

  it('says that there is no answer, and stops waiting for one', { timeout: TEST_MS }, async () => {
    const { page, answer, send, close } = await open('getStats')
    await page.route('**/stats', (route) => route.abort())
    await send()
    await answer.getByText('The gateway did not answer.').waitFor()
    await page.unroute('**/stats')
    // This request is never answered.
    await page.route('**/stats', () => undefined)
    await send()
    await answer.getByText('Waiting for the answer…').waitFor()
    await page.getByRole('button', { name: 'Stop' }).click()
    await answer.getByText('Stopped before an answer.').waitFor()
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

  it('has the compatibility APIs that are enabled, with their keys', { timeout: TEST_MS }, async () => {
    const key = 'key-of-the-shop'
    const compat = await stage.start({ compat: ['sessman', 'microapp'], appKeys: [{ app: '*', key }] })
    const { page, answer, send, show, close } = await open('sessmanCreate', {}, compat.url)
    const field = page.getByLabel('Key of the application')
    await page.getByRole('button', { name: 'Add user', exact: true }).click()
    await page.getByLabel('user', { exact: true }).fill('the user')
    await field.fill('another-key')
    await send()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('sessmanCreate changes something on the server.').waitFor()
    await dialog.getByRole('button', { name: 'Send sessmanCreate' }).click()
    await answer.getByText('401 Unauthorized').waitFor()
    await field.fill(key)
    const curl = page.getByRole('region', { name: 'As a curl line' })
    await curl.getByText('Set these shell variables first: KOMGATE_APP_KEY').waitFor()
    expect(await curl.textContent()).not.toContain(key)
    await send()
    await dialog.getByRole('button', { name: 'Send sessmanCreate' }).click()
    await answer.getByText('200 OK').waitFor()
    const [, id = ''] = /session_id: "([^"]+)"/.exec((await answer.textContent()) ?? '') ?? []
    await show('sessmanGet')
    await page.getByRole('heading', { level: 2, name: 'sessmanGet' }).waitFor()
    await page.getByRole('button', { name: 'Add session_id' }).click()
    await page.getByLabel('session_id', { exact: true }).fill(id)
    await send()
    await answer.getByText('200 OK').waitFor()
    expect(await answer.textContent()).toContain(id)
    expect(await accessibilityViolations(page)).toEqual([])
    const list = page.getByRole('navigation', { name: 'Calls and routes' })
    await list.getByLabel('Search').fill('microapp')
    await list
      .getByRole('link', { name: /add_session\.cgi/ })
      .first()
      .waitFor()
    await list.getByLabel('Search').fill('rest-sessions')
    await list.getByText('No call and no route has all of these words.').waitFor()
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
