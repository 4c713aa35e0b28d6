import { describe, expect, it } from 'vitest'
import { BACKENDS } from '../contract/backends.ts'
import { chromiumInstalled } from '../support/chromium.ts'
import type { ReaderPage } from './reader-page.ts'
import { onReaderStage } from './reader-stage.ts'

const TEST_MS = 90_000

describe.skipIf(!chromiumInstalled() && !process.env.CI).each(BACKENDS)('two browsers on $name', ({ start }) => {
  const on = onReaderStage(start)
  const { stage } = on

  const unread = ({ page }: ReaderPage) => page.getByRole('list', { name: 'Unread' }).getByRole('listitem')
  const heading = ({ page }: ReaderPage, name: string) => page.getByRole('heading', { level: 1, name })
  const open = async ({ page }: ReaderPage, path: string): Promise<void> => {
    await page.evaluate(`location.hash = '#/kom/${path}'`)
  }

  /** Expects that both browsers list these conferences with these numbers of unread texts. */
  async function expectUnread(readers: readonly ReaderPage[], counts: Record<string, number>): Promise<void> {
    const expected = Object.entries(counts).map(([name, count]) => `${name}${count}`)
    for (const reader of readers) await expect.poll(() => unread(reader).allTextContents()).toEqual(expected)
  }

  it('show the same reading state', { timeout: TEST_MS }, async () => {
    const { alice, club, other } = stage.cast
    await on.readAll()
    const [first, second] = [await on.open(), await on.open()]
    for (const reader of [first, second]) {
      await reader.logIn(alice.name, alice.passwd)
      await heading(reader, 'All read').waitFor()
    }
    const both = [first, second]
    const one = await on.write('One\nThe first text.')
    const two = await on.write('Two\nThe second text.')
    // Each shows the first text at once.
    for (const reader of both) await heading(reader, 'One').waitFor()
    await expectUnread(both, { [club.name]: 2 })

    await first.page.keyboard.press('n')
    await heading(first, 'Two').waitFor()
    await expectUnread(both, { [club.name]: 1 })
    await expect.poll(() => on.unreadOfAlice()).toEqual([two])

    await open(second, `texts/${one}`)
    await second.page.keyboard.press('u')
    await second.page.getByText('The text is unread again.').waitFor()
    await expectUnread(both, { [club.name]: 2 })

    await first.page.getByRole('button', { name: 'Comment' }).click()
    await first.page.getByLabel('Your comment').fill('Seen.')
    await first.page.getByRole('button', { name: 'Send' }).click()
    await first.page.getByText(/Your comment was sent as text \d+/).waitFor()
    await open(second, `texts/${two}`)
    await second.page.getByRole('link', { name: `Comment by ${alice.name}` }).waitFor()
    // One's own comment is read.
    await expectUnread(both, { [club.name]: 2 })

    // Another program joins a conference, where a text is unread.
    const client = await stage.as('alice')
    await client.put(`/persons/${alice.no}/memberships/${other.no}`, { priority: 50, where: 9 })
    await client.post(`/persons/current/memberships/${other.no}/unread`, { no_of_unread: 0 })
    await (await stage.author('bob')).write({ text: 'Elsewhere\nIn another conference.', to: [other.no] })
    await expectUnread(both, { [club.name]: 2, [other.name]: 1 })
    await client.delete(`/persons/${alice.no}/memberships/${other.no}`)
    await expectUnread(both, { [club.name]: 2 })
    await client.post(`/persons/current/memberships/${club.no}/unread`, { no_of_unread: 1 })
    // The newest text of the conference is one's own comment.
    await expectUnread(both, { [club.name]: 1 })

    for (const reader of both) await reader.close()
  })

  it('agree on which texts are kept as unread', { timeout: TEST_MS }, async () => {
    const { alice, club, texts } = stage.cast
    await on.readAll()
    const [first, second] = [await on.open(), await on.open()]
    const both = [first, second]
    for (const reader of both) await reader.logIn(alice.name, alice.passwd)
    const badge = ({ page }: ReaderPage) => page.locator('.badge', { hasText: 'Unread' })
    await on.write('Kept\nThe text.')
    for (const reader of both) await heading(reader, 'Kept').waitFor()
    for (const reader of both) await badge(reader).waitFor()
    await first.page.keyboard.press('u')
    await first.page.getByRole('button', { name: 'Mark as read' }).waitFor()
    await second.page.keyboard.press('r')
    await expectUnread(both, {})
    expect(await badge(first).count()).toBe(0)
    await first.page.keyboard.press('u')
    await expectUnread(both, { [club.name]: 1 })
    await badge(first).waitFor()
    await open(first, '')
    await first.page.getByText('One text is kept as unread.').waitFor()
    await second.page.keyboard.press('r')
    await first.page.getByText('One text is kept as unread.').waitFor({ state: 'detached' })
    expect(await on.unreadOfAlice()).toEqual([])

    // A text of which no recipient has the person as member.
    await open(first, `texts/${texts.anonymous}`)
    await first.page.getByText(`Text ${texts.anonymous}`).waitFor()
    await first.page.keyboard.press('u')
    await first.page.keyboard.press('m')
    await first.page.locator('.badge', { hasText: 'Marked' }).waitFor()
    expect(await badge(first).count()).toBe(0)
    await first.page.keyboard.press('r')
    expect(await first.page.getByText('The text is marked as read.').count()).toBe(0)
    await first.page.keyboard.press('m')
    await first.page.locator('.badge', { hasText: 'Marked' }).waitFor({ state: 'detached' })
    for (const reader of both) await reader.close()
  })
})
