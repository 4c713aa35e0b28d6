import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { BACKENDS } from '../contract/backends.ts'
import { chromiumInstalled } from '../support/chromium.ts'
import { noisePng } from './png.ts'
import { onReaderStage } from './reader-stage.ts'

const TEST_MS = 90_000
const MAX_TABS = 60

describe.skipIf(!chromiumInstalled() && !process.env.CI).each(BACKENDS)('the keyboard alone on $name', ({ start }) => {
  const on = onReaderStage(start)
  const { stage } = on

  const titled = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
  /** Returns what has the focus: the name of the element in the page. */
  const focused = (page: Page): Promise<string> =>
    page.evaluate(`{
      const { tagName, id, ariaLabel, textContent, labels } = document.activeElement
      tagName === 'BODY' ? 'nothing' : (ariaLabel ?? labels?.[0]?.textContent ?? textContent ?? id).trim()
    }`)
  /** Waits until an element has the focus. */
  const expectFocus = async (page: Page, name: string | RegExp): Promise<void> => {
    await expect.poll(() => focused(page)).toMatch(name)
  }
  /** Presses Tab until an element has the focus. */
  const tabTo = async (page: Page, name: string | RegExp): Promise<void> => {
    const seen: string[] = []
    for (let i = 0; i < MAX_TABS; i++) {
      await page.keyboard.press('Tab')
      const now = await focused(page)
      if (typeof name === 'string' ? now === name : name.test(now)) return
      seen.push(now)
    }
    throw new Error(`${name} is not reached by Tab: ${seen.join(', ')}`)
  }

  it('is enough to log in, read, comment, choose recipients, send and log out', { timeout: TEST_MS }, async () => {
    const { alice, bob, carol, club } = stage.cast
    await on.readAll()
    const first = await on.write('First\nThe first text.')
    await on.write('Second\nThe second text.')
    const reader = await on.open()
    const { page } = reader
    const { keyboard } = page
    await expectFocus(page, 'Name')
    await keyboard.type('c ali')
    await page.getByRole('option', { name: alice.name }).waitFor()
    await keyboard.press('ArrowDown')
    await keyboard.press('Enter')
    await keyboard.press('Tab')
    await expectFocus(page, 'Password')
    await keyboard.type('wrong')
    await keyboard.press('Enter')
    await page.getByText('That is not the password of this person.').waitFor()
    await expectFocus(page, 'Password')
    await keyboard.press('Control+a')
    await keyboard.type(alice.passwd)
    await keyboard.press('Enter')
    await titled(page, 'First')
    await expectFocus(page, 'First')
    await keyboard.press('Space')
    await titled(page, 'Second')
    await expectFocus(page, 'Second')
    await keyboard.press('p')
    await titled(page, 'First')
    await expectFocus(page, 'First')

    await keyboard.press('c')
    await expectFocus(page, 'Your comment')
    await page.getByRole('list', { name: 'Goes to' }).getByText(club.name).waitFor()
    await keyboard.press('Control+Enter')
    await page.getByText('Write something first.').waitFor()
    await expectFocus(page, 'Your comment')
    await keyboard.type('By keys alone.')
    await keyboard.press('Shift+Tab')
    await expectFocus(page, 'Subject')
    await keyboard.press('Shift+Tab')
    await expectFocus(page, 'Add a recipient')
    for (const { typed, name } of [
      { typed: 'c car', name: carol.name },
      { typed: 'c b', name: bob.name },
    ]) {
      await keyboard.type(typed)
      await page.getByRole('option', { name }).waitFor()
      await keyboard.press('ArrowDown')
      await keyboard.press('Enter')
      await page.getByRole('button', { name: `Remove ${name}` }).waitFor()
      await expectFocus(page, 'Add a recipient')
    }
    await keyboard.press('Shift+Tab')
    await expectFocus(page, `Remove ${bob.name}`)
    await keyboard.press('Enter')
    await page.getByRole('button', { name: `Remove ${bob.name}` }).waitFor({ state: 'detached' })
    await expectFocus(page, 'Add a recipient')
    await keyboard.press('Shift+Tab')
    await keyboard.press('Shift+Tab')
    await expectFocus(page, `How ${carol.name} receives it`)
    await keyboard.press('ArrowDown')
    await tabTo(page, 'Send')
    await keyboard.press('Enter')
    await page.getByText(/Your comment was sent as text \d+/).waitFor()
    await expectFocus(page, 'First')
    await tabTo(page, 'Log out')
    await keyboard.press('Enter')
    await expectFocus(page, 'Name')
    await reader.close()

    const client = await stage.as('alice')
    const { comment_in_list } = (await client.get(`/texts/${first}`)).json
    const { recipient_list } = (await client.get(`/texts/${comment_in_list[0].text_no}`)).json
    expect(
      recipient_list.map((each: { type: string; recpt: { conf_no: number } }) => [each.type, each.recpt.conf_no]),
    ).toEqual([
      ['to', club.no],
      ['cc', carol.no],
    ])
  })

  it('keeps the focus in dialogs and menus, and where they were opened', { timeout: TEST_MS }, async () => {
    const { club, other } = stage.cast
    await on.readAll()
    const textNo = await on.write('Focus\nWhere is it?')
    await on.asPerson(
      'alice',
      async ({ page }) => {
        const { keyboard } = page
        await titled(page, 'Focus')
        await keyboard.press('?')
        await expectFocus(page, 'Use single keys as shortcuts')
        await keyboard.press('Escape')
        await expectFocus(page, 'Focus')
        await keyboard.press('/')
        await expectFocus(page, /Text number|Go to|name/i)
        await keyboard.press('Enter')
        await page.getByRole('alert').waitFor()
        expect(await focused(page)).not.toBe('nothing')
        await keyboard.press('Escape')
        await expectFocus(page, 'Focus')

        await tabTo(page, 'More')
        await keyboard.press('Enter')
        await tabTo(page, 'Recipients…')
        await keyboard.press('Enter')
        const dialog = page.getByRole('dialog', { name: `Recipients of text ${textNo}` })
        await dialog.waitFor()
        expect(await focused(page)).not.toBe('nothing')
        await tabTo(page, 'Add a recipient')
        await keyboard.type(other.name)
        await keyboard.press('Enter')
        await dialog.getByRole('button', { name: `Remove ${other.name}` }).waitFor()
        await expectFocus(page, 'Add a recipient')
        await tabTo(page, `Remove ${other.name}`)
        await keyboard.press('Enter')
        await dialog.getByRole('button', { name: `Remove ${other.name}` }).waitFor({ state: 'detached' })
        await expectFocus(page, `Recipients of text ${textNo}`)
        await keyboard.press('Escape')
        await dialog.waitFor({ state: 'detached' })
        await expect.poll(() => focused(page)).not.toBe('nothing')

        // What has the focus goes away.
        await page.evaluate(`location.hash = '#/kom/conferences/${other.no}'`)
        await titled(page, other.name)
        await tabTo(page, 'Join')
        await keyboard.press('Enter')
        await page.getByRole('button', { name: 'Membership', exact: true }).waitFor()
        await expectFocus(page, other.name)
        await tabTo(page, 'Membership')
        await keyboard.press('Enter')
        await tabTo(page, /^Passive/)
        await keyboard.press('Space')
        await expect
          .poll(async () => {
            const client = await stage.as('alice')
            const { json } = await client.post('/sessions/current/start', { include: ['memberships'], texts: 0 })
            const all: { conference: { conf_no: number }; type: { passive: number } }[] = json.memberships
            return all.find(({ conference }) => conference.conf_no === other.no)?.type.passive
          })
          .toBe(1)
        await expectFocus(page, /^Passive/)
        await tabTo(page, 'Leave the conference')
        await keyboard.press('Enter')
        await expectFocus(page, 'Stay')
        await keyboard.press('Enter')
        await expectFocus(page, 'Leave the conference')
        await keyboard.press('Enter')
        await expectFocus(page, 'Stay')
        await keyboard.press('Shift+Tab')
        await keyboard.press('Enter')
        await page.getByRole('button', { name: 'Join', exact: true }).waitFor()
        await expectFocus(page, other.name)

        await page.evaluate(`location.hash = '#/kom/new/${club.no}'`)
        await titled(page, 'Write a text')
        await page.locator('input[type=file]').setInputFiles({
          name: 'garden.png',
          mimeType: 'image/png',
          buffer: noisePng(40, 30),
        })
        await page.getByLabel('Description of image 1').waitFor()
        await tabTo(page, 'Remove image 1')
        await keyboard.press('Enter')
        await page.getByLabel('Description of image 1').waitFor({ state: 'detached' })
        await expectFocus(page, 'Add images')
      },
      { fragment: `#/kom/texts/${textNo}` },
    )
  })
})
