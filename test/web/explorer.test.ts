import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Backend, ONE_SERVER } from '../contract/backends.ts'
import { type Cast, makeCast } from '../contract/cast.ts'
import { chromiumInstalled } from '../support/chromium.ts'
import type { TestGateway } from '../support/gateway.ts'
import { ADMIN, onConsoleStage, TEST_MS } from './console-stage.ts'
import { type ExplorerPage, openExplorer } from './explorer-stage.ts'
import { accessibilityViolations } from './reader-page.ts'

describe.skipIf(!chromiumInstalled() && !process.env.CI).each(ONE_SERVER)('the call explorer on $name', (of) => {
  const stage = onConsoleStage()
  let backend: Backend
  let cast: Cast
  let gateway: TestGateway
  beforeAll(async () => {
    backend = await of.start()
    cast = await makeCast(backend)
  })
  afterAll(() => backend?.stop())

  /** Starts a gateway, and opens the explorer at an operation. */
  async function open(operation: string): Promise<ExplorerPage> {
    const { host, port } = backend
    gateway = await stage.start({}, [{ id: 'kom', host, port }, { id: 'away' }])
    return openExplorer(stage, gateway.url, operation)
  }

  /** Opens a session of another client, as bob. */
  async function other(): Promise<string> {
    const id = await gateway.open()
    const { no: pers_no, passwd } = cast.bob
    await gateway.send('POST', '/kom/sessions/current/login', { id, json: { pers_no, passwd } })
    return id
  }

  it('makes a call with a session, which it ends when it is left', { timeout: TEST_MS }, async () => {
    const { page, answer, openSession, send, close } = await open('callGetTime')
    await page.getByRole('heading', { level: 2, name: 'get-time' }).waitFor()
    await send()
    await page.getByText('This request needs a session: open one above.').waitFor()
    await openSession()
    await send()
    await answer.getByText('200 OK').waitFor()
    expect(await answer.textContent()).toMatch(/reply: "\d{4}-\d\d-\d\dT[\d:]+Z"/)
    await answer.getByText(/^\d+ headers$/).click()
    await answer.getByText('x-request-id', { exact: true }).waitFor()
    expect(await page.getByRole('region', { name: 'As a curl line' }).textContent()).toContain('$KOMGATE_CONNECTION')
    expect(await accessibilityViolations(page)).toEqual([])
    const sessions = async () => (await gateway.send('GET', '/admin/sessions', ADMIN)).json.sessions.length
    expect(await sessions()).toBe(1)
    await page.getByRole('link', { name: 'Servers', exact: true }).click()
    await expect.poll(sessions).toBe(0)
    await close()
  })

  it('makes a call with nested parameters, and asks before it changes something', { timeout: TEST_MS }, async () => {
    const { page, requests, answer, logInAs, send, close } = await open('callCreateText')
    await logInAs(cast.alice)
    const text = 'Räksmörgås "quoted" \\ ☃\nIt\'s a text.'
    await page.getByLabel('text', { exact: true }).fill(text)
    await page.getByRole('button', { name: 'Add an item to misc_info' }).click()
    const first = page.getByRole('group', { name: 'misc_info 1' })
    await expect.poll(() => page.evaluate('document.activeElement.matches("select, input")')).toBe(true)
    await first.getByLabel('value').fill('70000')
    await page.getByRole('button', { name: 'Add an item to misc_info' }).click()
    await page.getByLabel('Kind of misc_info 2').selectOption('comm_to')
    await page.getByRole('group', { name: 'misc_info 2' }).getByLabel('value').fill(String(cast.texts.root))
    await page.getByRole('button', { name: 'Add an item to aux_items' }).click()
    const item = page.getByRole('group', { name: 'aux_items 1' })
    await item.getByLabel('tag').fill('1')
    await item.getByLabel('inherit_limit').fill('0')
    await item.getByLabel('data', { exact: true }).fill('text/plain;charset=utf-8')
    await send()
    await first.getByText('The greatest value is 65535.').waitFor()
    expect(await first.getByLabel('value').getAttribute('aria-invalid')).toBe('true')
    expect(requests.filter((each) => each.endsWith('/create-text'))).toEqual([])
    expect(await accessibilityViolations(page)).toEqual([])
    await first.getByLabel('value').fill(String(cast.club.no))
    await send()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('create-text changes something on the server.').waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    expect(requests.filter((each) => each.endsWith('/create-text'))).toEqual([])
    await page.keyboard.press('Control+Enter')
    await page.getByRole('button', { name: 'Send create-text' }).click()
    await answer.getByText('200 OK').waitFor()
    const [, no] = /reply: (\d+)/.exec((await answer.textContent()) ?? '') ?? []
    const id = await other()
    const created = await gateway.send('GET', `/kom/texts/${no}`, { id })
    expect(`${created.json.subject}\n${created.json.body}`).toBe(text)
    expect(created.json.comment_to_list).toMatchObject([{ text_no: cast.texts.root }])
    await close()
  })

  it('shows the events of a stream as they arrive, until it is stopped', { timeout: TEST_MS }, async () => {
    const { page, answer, logInAs, send, close } = await open('streamEvents')
    await logInAs(cast.alice)
    await send()
    await answer.getByText('The stream is open.').waitFor()
    const id = await other()
    const recipient_list = [{ type: 'to', recpt: { conf_no: cast.club.no } }]
    const json = { subject: 'News', body: 'It happens.', content_type: 'text/plain', recipient_list }
    const { text_no } = (await gateway.send('POST', '/kom/texts/', { id, json })).json
    const events = page.getByRole('list', { name: 'Events' })
    await events
      .getByText(new RegExp(`"text_no":${text_no}\\b`))
      .first()
      .waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
    await page.getByRole('button', { name: 'Stop' }).click()
    await answer.getByText('The stream has ended.').waitFor()
    await page.getByRole('button', { name: 'Stop' }).waitFor({ state: 'hidden' })
    await close()
  })

  it('opens a WebSocket and shows its messages', { timeout: TEST_MS }, async () => {
    const { page, openSession, close } = await open('openWebsocket')
    await page.getByRole('button', { name: 'Connect' }).click()
    await page.getByText('This request needs a session: open one above.').waitFor()
    await openSession()
    await page.getByRole('button', { name: 'Connect' }).click()
    const sendMessage = () => page.getByRole('button', { name: 'Send message' }).click()
    await sendMessage()
    await page.getByText(/^{"protocol":"calls","ref_no":1,"reply":"\d{4}-\d\d-\d\dT[\d:]+Z"}$/).waitFor()
    await page.getByLabel('Message in JSON').fill('{"protocol":"echo","ref_no":1,"request":"hello ☃"}')
    await sendMessage()
    await page.getByText('{"protocol":"echo","ref_no":1,"reply":"hello ☃"}').waitFor()
    await page.getByRole('button', { name: 'Disconnect' }).click()
    await page.getByText('The WebSocket is closed').waitFor()
    await close()
  })

  it('says that the session has ended, and opens another one', { timeout: TEST_MS }, async () => {
    const { page, answer, openSession, send, close } = await open('whoAmI')
    await openSession()
    const { sessions } = (await gateway.send('GET', '/admin/sessions', ADMIN)).json
    await gateway.send('DELETE', `/admin/sessions/${sessions[0].handle}`, ADMIN)
    await send()
    await answer.getByText('403 Forbidden').waitFor()
    await page.getByText('The session has ended.').waitFor()
    await openSession()
    await send()
    await answer.getByText('200 OK').waitFor()
    await page.getByLabel('Server').selectOption('away')
    await page.getByText('No session is open.').waitFor()
    await page.getByRole('button', { name: 'Open a session' }).click()
    await page.getByText('No session: ').waitFor()
    await close()
  })
})
