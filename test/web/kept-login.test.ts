import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ONE_SERVER } from '../contract/backends.ts'
import { chromiumInstalled, startChromiumIn } from '../support/chromium.ts'
import { noisePng } from './png.ts'
import { DEFAULTS, heading, openIn, type ReaderPage } from './reader-page.ts'
import { onReaderStage } from './reader-stage.ts'

const TEST_MS = 90_000

describe.skipIf(!chromiumInstalled() && !process.env.CI).each(ONE_SERVER)(
  'a login that is kept on $name',
  ({ start }) => {
    const on = onReaderStage(start)
    const { stage } = on

    /** Returns a function that starts a browser with the same profile each time, and opens the reader in it. */
    async function profile(): Promise<() => Promise<ReaderPage>> {
      const dir = await mkdtemp(join(tmpdir(), 'komgate-chromium-'))
      onTestFinished(() => rm(dir, { recursive: true, force: true }))
      return async () => await openIn(await startChromiumIn(dir, DEFAULTS), `${stage.gateway.url}/app/`)
    }

    it('outlives a restart of the browser when that was asked for', { timeout: TEST_MS }, async () => {
      const { alice } = stage.cast
      const open = await profile()
      const first = await open()
      await first.page.getByLabel('Stay logged in').check()
      await first.logIn(alice.name, alice.passwd)
      await first.close()

      const second = await open()
      await second.page.getByText(`Logged in as ${alice.name}`).waitFor()
      expect(second.requests).not.toContain('POST /kom/sessions/current/login')

      // Another browser ends all sessions.
      const other = await on.open()
      await other.logIn(alice.name, alice.passwd)
      await other.page.getByRole('link', { name: 'Settings' }).click()
      await other.page.getByRole('button', { name: 'Log out everywhere', exact: true }).click()
      await other.page.getByRole('button', { name: 'Log out everywhere now' }).click()
      await second.page.getByText('Your session has ended.').waitFor()
      expect(await second.page.getByLabel('Name').inputValue()).toBe(alice.name)
      await expect.poll(() => second.page.evaluate('document.activeElement.type')).toBe('password')
      await other.close()
      await second.close()

      const third = await open()
      await third.page.getByLabel('Password').waitFor()
      await third.close()
      stage.forgetClients()
    })

    it('ends with the browser otherwise', { timeout: TEST_MS }, async () => {
      const { alice } = stage.cast
      const open = await profile()
      const first = await open()
      await first.logIn(alice.name, alice.passwd)
      await first.page.reload()
      await first.page.getByText(`Logged in as ${alice.name}`).waitFor()
      await first.close()
      const second = await open()
      await second.page.getByLabel('Password').waitFor()
      await second.close()
    })

    it('that ends while a new text is written in two tabs asks for the password once', {
      timeout: TEST_MS,
    }, async () => {
      const { alice, club, carol } = stage.cast
      const fragment = `#/kom/new/${club.no}`
      const reader = await on.open({ fragment })
      const { page } = reader
      await page.getByLabel('Stay logged in').check()
      await reader.logIn(alice.name, alice.passwd)
      const recipients = (each = page) =>
        each.getByRole('list', { name: 'Goes to' }).getByRole('listitem').locator('bdi').allTextContents()
      await expect.poll(() => recipients()).toEqual([club.name])
      await page.getByLabel('Add a recipient').fill(carol.name)
      await page.getByLabel('Add a recipient').press('Enter')
      await page.getByLabel('Subject').fill('Interrupted')
      await page.getByLabel('Text', { exact: true }).fill('Half a sent')
      await page.locator('input[type=file]').setInputFiles({
        name: 'garden.png',
        mimeType: 'image/png',
        buffer: noisePng(40, 30),
      })
      await page.getByLabel('Description of image 1').waitFor()

      const other = await page.context().newPage()
      await other.goto(`${stage.gateway.url}/app/${fragment}`)
      await expect.poll(() => other.getByLabel('Subject').inputValue()).toBe('Interrupted')
      await (await stage.fresh('alice')).delete('/sessions/mine')
      stage.forgetClients()
      for (const tab of [page, other]) {
        await tab.getByText('Your session has ended.').waitFor()
        expect(await tab.getByLabel('Name').inputValue()).toBe(alice.name)
        expect(await tab.getByLabel('Stay logged in').isChecked()).toBe(true)
      }
      await page.getByLabel('Password').fill(alice.passwd)
      await page.getByRole('button', { name: 'Log in' }).click()
      for (const tab of [page, other]) {
        await expect.poll(() => tab.getByLabel('Subject').inputValue()).toBe('Interrupted')
        expect(new URL(tab.url()).hash).toBe(fragment)
        expect(await tab.getByLabel('Text', { exact: true }).inputValue()).toBe('Half a sent')
        expect(await recipients(tab)).toEqual([club.name, carol.name])
        await tab.getByRole('img', { name: 'garden' }).waitFor()
      }
      await other.getByLabel('Text', { exact: true }).fill('A whole sentence.')
      await other.getByRole('button', { name: 'Send', exact: true }).click()
      await expect.poll(() => heading(other).textContent()).toBe('Interrupted')
      const textNo = Number(new URL(other.url()).hash.split('/').at(-1))
      const { body, comment_in_list } = (await (await stage.as('alice')).get(`/texts/${textNo}`)).json
      expect([body, comment_in_list.length]).toEqual(['A whole sentence.', 1])
      await reader.close()
    })

    it('that ends while a message is written does not show it to another person', { timeout: TEST_MS }, async () => {
      const { alice, bob } = stage.cast
      const reader = await on.open({ fragment: '#/kom/messages' })
      const { page } = reader
      await reader.logIn(alice.name, alice.passwd)
      const message = page.getByLabel('Message', { exact: true })
      await message.fill('For Carol alone')
      await (await stage.fresh('alice')).delete('/sessions/mine')
      stage.forgetClients()
      await page.getByText('Your session has ended.').waitFor()
      await reader.logIn(bob.name, bob.passwd)
      expect(await message.inputValue()).toBe('')
      await reader.close()
    })

    it('that has been renewed in one tab is used by a tab that was asleep meanwhile', {
      timeout: TEST_MS,
    }, async () => {
      const { alice } = stage.cast
      const reader = await on.open({ fragment: '#/kom/messages' })
      const { page } = reader
      await page.getByLabel('Stay logged in').check()
      await reader.logIn(alice.name, alice.passwd)
      const late = await page.context().newPage()
      /** the connection ids of its streams */
      const streams: (string | undefined)[] = []
      late.on('request', (request) => {
        if (new URL(request.url()).pathname.endsWith('/events')) streams.push(request.headers()['httpkom-connection'])
      })
      await late.goto(page.url())
      await late.getByText(`Logged in as ${alice.name}`).waitFor()

      const devtools = await page.context().newCDPSession(late)
      await devtools.send('Page.setWebLifecycleState', { state: 'frozen' })
      await (await stage.fresh('alice')).delete('/sessions/mine')
      stage.forgetClients()
      await page.getByText('Your session has ended.').waitFor()
      await page.getByLabel('Password').fill(alice.passwd)
      await page.getByRole('button', { name: 'Log in' }).click()
      await page.getByText(`Logged in as ${alice.name}`).waitFor()
      const kept = 'localStorage.getItem("komgate.session.kom")'
      const renewed = (await page.evaluate(kept)) as string
      await devtools.send('Page.setWebLifecycleState', { state: 'active' })
      await expect.poll(() => streams, { timeout: 20_000 }).toContain(JSON.parse(renewed).connectionId)

      // Both tabs have the same event of a message, so that they list it once in the storage that they share.
      await (await stage.as('bob')).post('/messages', { recipient: alice.no, message: 'Lunch?' })
      for (const tab of [page, late]) {
        const list = tab.getByRole('list', { name: 'Sent and received' })
        await expect.poll(() => list.getByText('Lunch?').count()).toBe(1)
      }
      expect(await page.evaluate(kept)).toBe(renewed)
      await reader.close()
    })
  },
)
