import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { BACKENDS } from '../contract/backends.ts'
import { CHROMIUM, CHROMIUM_ARGS, chromiumInstalled } from '../support/chromium.ts'
import { onReaderStage } from './reader-stage.ts'

const TEST_MS = 90_000

describe.skipIf(!chromiumInstalled() && !process.env.CI).each(BACKENDS)('the session on $name', ({ start }) => {
  const on = onReaderStage(start)

  it('ends in two tabs: each keeps what was being written, and asks for the password', {
    timeout: TEST_MS,
  }, async () => {
    const { alice, bob, club } = on.stage.cast
    const reader = await on.open({ fragment: '#/kom/online' })
    await reader.page.getByLabel('Stay logged in').check()
    await reader.logIn(alice.name, alice.passwd)
    const tab = await reader.page.context().newPage()
    await tab.goto(`${on.stage.gateway.url}/app/#/kom/new/${club.no}`)
    await tab.getByLabel('Add a recipient').fill(bob.name)
    await tab.getByLabel('Add a recipient').press('Enter')
    await tab.getByLabel('Subject').fill('Not sent yet')
    await tab.getByLabel('Text', { exact: true }).fill('A new text.')
    const names = () => tab.getByRole('list', { name: 'Goes to' }).locator('bdi').allTextContents()
    await expect.poll(names).toEqual([club.name, bob.name])

    await (await on.stage.as('alice')).delete('/sessions/mine?except=current')
    await reader.page.getByText('Your session has ended.').waitFor()
    await tab.getByText('Your session has ended.').waitFor()
    expect(await tab.getByLabel('Name').inputValue()).toBe(alice.name)
    await tab.getByLabel('Password').fill(alice.passwd)
    await tab.getByRole('button', { name: 'Log in' }).click()
    await expect.poll(names).toEqual([club.name, bob.name])
    expect(await tab.getByLabel('Subject').inputValue()).toBe('Not sent yet')
    await tab.getByRole('button', { name: 'Send', exact: true }).click()
    await tab.getByRole('heading', { level: 1, name: 'Not sent yet' }).waitFor()
    await reader.close()
  })

  it.each([
    ['lasts over a restart of the browser when asked for', true],
    ['is forgotten with the browser otherwise', false],
  ])('%s', { timeout: TEST_MS }, async (_, isKept) => {
    const { alice } = on.stage.cast
    const profile = await mkdtemp(join(tmpdir(), 'komgate-profile-'))
    /** Runs the browser with the same profile. */
    const browse = async (use: (page: Page) => Promise<void>): Promise<void> => {
      const options = { executablePath: CHROMIUM, args: CHROMIUM_ARGS, locale: 'en-GB' }
      const context = await chromium.launchPersistentContext(profile, options)
      const page = await context.newPage()
      await page.goto(`${on.stage.gateway.url}/app/#/kom/online`)
      await use(page)
      await context.close()
    }
    await browse(async (page) => {
      if (isKept) await page.getByLabel('Stay logged in').check()
      await page.getByLabel('Name').fill(alice.name)
      await page.getByLabel('Password').fill(alice.passwd)
      await page.getByRole('button', { name: 'Log in' }).click()
      await page.getByRole('button', { name: 'Log out' }).waitFor()
    })
    await browse(async (page) => {
      if (isKept) await page.getByText(`Logged in as ${alice.name}`).waitFor()
      else await page.getByLabel('Password').waitFor()
    })
    await rm(profile, { recursive: true })
  })
})
