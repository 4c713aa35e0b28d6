import { describe, expect, it } from 'vitest'
import { BACKENDS } from '../contract/backends.ts'
import { chromiumInstalled } from '../support/chromium.ts'
import { onReaderStage } from './reader-stage.ts'

const TEST_MS = 90_000

describe.skipIf(!chromiumInstalled() && !process.env.CI).each(BACKENDS)('a presentation on $name', ({ start }) => {
  const on = onReaderStage(start)

  it('that is being written outlives a reload and the end of the session', { timeout: TEST_MS }, async () => {
    const { alice } = on.stage.cast
    const reader = await on.open({ fragment: `#/kom/persons/${alice.no}` })
    const { page } = reader
    await reader.logIn(alice.name, alice.passwd)
    const field = page.getByLabel('Text', { exact: true })
    await page.getByRole('button', { name: 'Write a presentation' }).click()
    await field.fill('I am half')
    await page.reload()
    await expect.poll(() => field.inputValue()).toBe('I am half')

    await field.fill('I am half a sent')
    await (await on.stage.fresh('alice')).delete('/sessions/mine')
    on.stage.forgetClients()
    await page.getByText('Your session has ended.').waitFor()
    await page.getByLabel('Password').fill(alice.passwd)
    await page.getByRole('button', { name: 'Log in' }).click()
    await expect.poll(() => field.inputValue()).toBe('I am half a sent')

    await field.fill('I am all of it.')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('The presentation is saved.').waitFor()
    await page.getByText('I am all of it.').waitFor()
    await page.getByRole('button', { name: 'Change the presentation' }).click()
    expect(await field.inputValue()).toBe('I am all of it.')
    await field.fill('Dropped.')
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.reload()
    await page.getByRole('button', { name: 'Change the presentation' }).waitFor()
    expect(await page.getByText('Dropped.').count()).toBe(0)
    await reader.close()
  })

  it('cannot be changed while it is being saved', { timeout: TEST_MS }, async () => {
    const { bob } = on.stage.cast
    const reader = await on.open({ fragment: `#/kom/persons/${bob.no}` })
    const { page } = reader
    await reader.logIn(bob.name, bob.passwd)
    const field = page.getByLabel('Text', { exact: true })
    await page.getByRole('button', { name: 'Write a presentation' }).click()
    await field.fill('All of it.')
    let release: () => void = () => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    await page.route('**/batch', async (route) => {
      await released
      await route.continue()
    })
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('button', { name: 'Saving' }).waitFor()
    await field.press('End')
    await page.keyboard.type(' And more.')
    expect(await field.inputValue()).toBe('All of it.')
    release()
    await page.getByText('The presentation is saved.').waitFor()
    await page.getByText('All of it.').waitFor()
    await reader.close()
  })
})
