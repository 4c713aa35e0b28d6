import { afterEach, describe, expect, it } from 'vitest'
import { ONE_SERVER } from '../contract/backends.ts'
import { chromiumInstalled } from '../support/chromium.ts'
import { type Lyskomd, lyskomdInstalled, startLyskomd } from '../support/lyskomd.ts'
import { startProxy } from '../support/proxy.ts'
import { openReader, type ReaderPage } from './reader-page.ts'
import { onReaderStage, type ReaderStage } from './reader-stage.ts'

const TEST_MS = 60_000
const OFFLINE = 'This device is offline.'
const INTERRUPTED = 'The connection is interrupted.'

/** A reader that reaches the gateway of a stage through a proxy, also after the gateway has been restarted. */
interface Connected extends ReaderPage {
  /** Resets all connections. @param isCut whether later ones are reset as well */
  cut(isCut: boolean): void
}

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Opens the reader on a stage and logs in as alice. */
async function connect({ browser, stage }: ReaderStage): Promise<Connected> {
  const address = {
    host: '127.0.0.1',
    get port() {
      return Number(new URL(stage.gateway.url).port)
    },
  }
  let isReset = false
  const proxy = await startProxy(address, (line) => {
    if (isReset) line.reset()
  })
  closing.push(proxy.close)
  const reader = await openReader(browser, `http://${proxy.host}:${proxy.port}`)
  await reader.logIn(stage.cast.alice.name, stage.cast.alice.passwd)
  return {
    ...reader,
    cut(isCut) {
      isReset = isCut
      for (const line of proxy.lines) line.reset()
    },
  }
}

/** Writes two texts, reads the first one and begins a comment on the second one. */
async function beginComment(on: ReaderStage, { page }: ReaderPage): Promise<{ read: number; commented: number }> {
  await page.getByRole('heading', { level: 1, name: 'All read' }).waitFor()
  const read = await on.write('Read\nThis one is read.')
  const commented = await on.write('Question\nWhich day?')
  await page.getByRole('heading', { level: 1, name: 'Read' }).waitFor()
  await page.getByRole('button', { name: /^Next unread/ }).click()
  await page.getByRole('heading', { level: 1, name: 'Question' }).waitFor()
  await page.getByRole('button', { name: 'Comment' }).click()
  await page.getByLabel('Your comment').pressSequentially('På tors')
  return { read, commented }
}

/** Expects the unread texts of alice in the club, in the reader and on the server. */
async function expectUnread(on: ReaderStage, { page }: ReaderPage, textNos: readonly number[]): Promise<void> {
  const items = page.getByRole('list', { name: 'Unread' }).getByRole('listitem')
  await expect.poll(() => items.allTextContents()).toEqual([`${on.stage.cast.club.name}${textNos.length}`])
  await expect.poll(() => on.unreadOfAlice()).toEqual(textNos)
}

/** Completes the comment and sends it. Expects that it has been written once. */
async function sendComment(on: ReaderStage, { page }: ReaderPage, commented: number): Promise<void> {
  const field = page.getByLabel('Your comment')
  await expect.poll(() => field.inputValue()).toBe('På torsdag')
  await field.press('Control+Enter')
  await page.getByText(/Your comment was sent as text \d+/).waitFor()
  const alice = await on.stage.as('alice')
  const { comment_in_list } = (await alice.get(`/texts/${commented}`)).json
  expect(comment_in_list).toHaveLength(1)
  expect((await alice.get(`/texts/${comment_in_list[0].text_no}`)).json.body).toBe('På torsdag')
}

describe.skipIf(!chromiumInstalled() && !process.env.CI).each(ONE_SERVER)('the reader on $name', ({ start }) => {
  const on = onReaderStage(start)
  const { stage } = on

  it('says that the connection is interrupted, and goes on by itself', { timeout: TEST_MS }, async () => {
    await on.readAll()
    const reader = await connect(on)
    const { page } = reader
    await page.getByRole('heading', { level: 1, name: 'All read' }).waitFor()
    reader.cut(true)
    await page.getByText(INTERRUPTED).waitFor()
    await on.write('Meanwhile\nWritten during the outage.')
    reader.cut(false)
    await page.getByRole('heading', { level: 1, name: 'Meanwhile' }).waitFor()
    await page.getByText(INTERRUPTED).waitFor({ state: 'detached' })
    await reader.close()
  })

  it('keeps the session when a proxy answers in place of the gateway', { timeout: TEST_MS }, async () => {
    await on.readAll()
    const reader = await connect(on)
    const { page } = reader
    const { commented } = await beginComment(on, reader)
    await page.getByLabel('Your comment').pressSequentially('dag')
    await page.route('**/kom/sessions/current/events*', (route) =>
      route.fulfill({ status: 404, contentType: 'text/html', body: '<h1>404 page not found</h1>' }),
    )
    reader.cut(false)
    const again = page.getByRole('button', { name: 'Try again' })
    await again.waitFor()
    await page.unroute('**/kom/sessions/current/events*')
    await again.click()
    await page.getByRole('heading', { level: 1, name: 'Question' }).waitFor()
    await expectUnread(on, reader, [commented])
    // The conference that is read already: no new entry in the history.
    const length = await page.evaluate('history.length')
    await page.getByRole('list', { name: 'Unread' }).getByRole('listitem').locator('a, button').first().click()
    expect(await page.evaluate('history.length')).toBe(length)
    await sendComment(on, reader, commented)
    await reader.close()
  })

  it('loses nothing when the network is cut while one types', { timeout: TEST_MS }, async () => {
    await on.readAll()
    const reader = await connect(on)
    const { page } = reader
    const { commented } = await beginComment(on, reader)
    await page.context().setOffline(true)
    // Chromium keeps open connections.
    reader.cut(true)
    await page.getByText(OFFLINE).waitFor()
    await page.getByLabel('Your comment').pressSequentially('dag')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByRole('form', { name: 'Comment' }).getByRole('alert').waitFor()
    const meanwhile = await on.write('Meanwhile\nWritten during the outage.')
    reader.cut(false)
    await page.context().setOffline(false)
    // The device is online before the page has its connection again.
    for (const text of [OFFLINE, INTERRUPTED]) await page.getByText(text).waitFor({ state: 'detached' })
    await expectUnread(on, reader, [commented, meanwhile])
    await sendComment(on, reader, commented)
    await reader.close()
  })

  it('loses nothing when the gateway is restarted while one types', { timeout: TEST_MS }, async () => {
    await on.readAll()
    const reader = await connect(on)
    const { page, logIn } = reader
    const { commented } = await beginComment(on, reader)
    const { hash } = new URL(page.url())
    reader.cut(true)
    await stage.restartGateway(async () => {
      await page.getByText(INTERRUPTED).waitFor()
      await page.getByLabel('Your comment').pressSequentially('dag')
    })
    reader.cut(false)
    await page.getByText('Your session has ended.').waitFor()
    expect(await page.getByLabel('Name').inputValue()).toBe(stage.cast.alice.name)
    await logIn(stage.cast.alice.name, stage.cast.alice.passwd)
    await page.getByRole('heading', { level: 1, name: 'Question' }).waitFor()
    expect(new URL(page.url()).hash).toBe(hash)
    await expectUnread(on, reader, [commented])
    await sendComment(on, reader, commented)
    await reader.close()
  })

  it('asks for the password when the session has ended, and keeps the place and the draft', {
    timeout: TEST_MS,
  }, async () => {
    await on.readAll()
    await on.write('Ending\nThe session ends.')
    await on.asPerson('alice', async ({ page, logIn }) => {
      await page.getByRole('heading', { level: 1, name: 'Ending' }).waitFor()
      const { hash } = new URL(page.url())
      await page.getByRole('button', { name: 'Comment' }).click()
      await page.getByLabel('Your comment').fill('Half a sent')
      const alice = await stage.as('alice')
      await alice.delete('/sessions/mine?except=current')
      await page.getByText('Your session has ended.').waitFor()
      expect(await page.getByLabel('Name').inputValue()).toBe(stage.cast.alice.name)
      await logIn(stage.cast.alice.name, stage.cast.alice.passwd)
      await page.getByRole('heading', { level: 1, name: 'Ending' }).waitFor()
      expect(new URL(page.url()).hash).toBe(hash)
      expect(await page.getByLabel('Your comment').inputValue()).toBe('Half a sent')
    })
  })
})

describe.skipIf(!(chromiumInstalled() && lyskomdInstalled()) && !process.env.CI)('the reader on lyskomd', () => {
  let lyskomd: Lyskomd
  const on = onReaderStage(async () => {
    lyskomd = await startLyskomd()
    return lyskomd
  })

  it('loses nothing when the LysKOM server is restarted while one types', { timeout: TEST_MS }, async () => {
    await on.readAll()
    const reader = await connect(on)
    const { page, logIn } = reader
    const { alice } = on.stage.cast
    const { commented } = await beginComment(on, reader)
    const { hash } = new URL(page.url())
    await page.getByLabel('Your comment').pressSequentially('dag')
    lyskomd.kill('SIGTERM')
    await page.getByText('Your session has ended.').waitFor()
    await page.getByLabel('Password').fill(alice.passwd)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByText('The server does not answer at the moment.').waitFor()
    await lyskomd.restart()
    on.stage.forgetClients()
    await logIn(alice.name, alice.passwd)
    await page.getByRole('heading', { level: 1, name: 'Question' }).waitFor()
    expect(new URL(page.url()).hash).toBe(hash)
    await expectUnread(on, reader, [commented])
    await sendComment(on, reader, commented)
    await reader.close()
  })
})
