import { describe, expect, it } from 'vitest'
import { ONE_SERVER } from '../contract/backends.ts'
import { chromiumInstalled } from '../support/chromium.ts'
import { accessibilityViolations, heading, type ReaderPage } from './reader-page.ts'
import { onReaderStage } from './reader-stage.ts'

const TEST_MS = 60_000
const NARROW = { viewport: { width: 900, height: 700 } }

type Page = ReaderPage['page']

const titled = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
const treesOf = (requests: readonly string[]) => requests.filter((each) => each.endsWith('/tree'))

describe.skipIf(!chromiumInstalled() && !process.env.CI).each(ONE_SERVER)('reading on $name', ({ start }) => {
  const on = onReaderStage(start)

  /** The thread of the shown text. */
  const threadOf = (page: Page) => page.getByRole('complementary', { name: 'Thread' })
  /** The texts of the thread: authors, times left out, and subjects. */
  const rowsOf = async (page: Page) =>
    (await threadOf(page).getByRole('link').allTextContents()).map((each) =>
      each.replace(on.stage.cast.bob.name, 'bob'),
    )

  /** Opens a text as alice, who has not read it. */
  const opened = (no: number, options = {}) => ({ fragment: `#/kom/texts/${no}`, ...options })

  it('shows the thread beside the text: authors, subjects, the shown and the unread texts', {
    timeout: TEST_MS,
  }, async () => {
    await on.readAll()
    const root = await on.write('Buns\nWho bakes?')
    const comment = await on.write('Buns\nI do.', { commentTo: [root] })
    const other = await on.write('Cakes\nI bake cakes.', { commentTo: [root] })
    const deep = await on.write('Buns\nThank you.', { commentTo: [comment] })
    const note = await on.write('Buns\nOn Friday.', { footnoteTo: [root] })
    await on.asPerson(
      'alice',
      async ({ page }) => {
        await titled(page, 'Buns')
        const thread = threadOf(page)
        await thread.getByText('5 texts').waitFor()
        const links = thread.getByRole('link')
        const hrefs = await links.evaluateAll((all) => all.map((each) => each.getAttribute('href')))
        expect(hrefs).toEqual([root, note, comment, deep, other].map((no) => `#/kom/texts/${no}`))
        const current = thread.locator('[aria-current=true]')
        expect(await current.getAttribute('href')).toBe(`#/kom/texts/${deep}`)
        expect((await rowsOf(page)).every((row) => row.startsWith('bob') && row.includes('Unread'))).toBe(true)
        expect((await rowsOf(page)).at(-1)).toMatch(/Cakes$/)
        // The depth is that of the lists.
        expect(await thread.getByRole('list').count()).toBe(3)

        await links.last().click()
        await titled(page, 'Cakes')
        expect(await current.getAttribute('href')).toBe(`#/kom/texts/${other}`)
        await expect.poll(async () => (await rowsOf(page))[3]).not.toContain('Unread')
        expect(await accessibilityViolations(page)).toEqual([])
      },
      opened(deep),
    )
  })

  it('shows a part of a thread of hundreds of texts in a chain, around the shown one', {
    timeout: TEST_MS,
  }, async () => {
    await on.readAll()
    const nos: number[] = []
    for (let i = 0; i < 700; i++) nos.push(await on.write(`Chain ${i}\nNext.`, { commentTo: nos.slice(-1) }))
    const at = (i: number): string => `#/kom/texts/${nos[i]}`
    await on.asPerson(
      'alice',
      async ({ page }) => {
        await titled(page, 'Chain 100')
        // Each adds the texts around it to the thread.
        for (const i of [250, 400, 550]) {
          await page.evaluate(`location.hash = '${at(i)}'`)
          await titled(page, `Chain ${i}`)
          await threadOf(page).locator('[aria-current=true]').waitFor()
        }
        await threadOf(page)
          .getByText(/^\d+ texts above$/)
          .waitFor()
        expect(await threadOf(page).getByRole('link').count()).toBe(200)
        await page.keyboard.press('n')
        await titled(page, 'Chain 551')
        expect(await threadOf(page).locator('[aria-current=true]').getAttribute('href')).toBe(at(551))
      },
      opened(nos[100] ?? 0),
    )
  })

  it('shows new comments in the thread, also on texts that have not been read, and removes deleted ones', {
    timeout: TEST_MS,
  }, async () => {
    await on.readAll()
    const root = await on.write('Live\nOne.')
    const comment = await on.write('Live\nTwo.', { commentTo: [root] })
    await on.asPerson(
      'alice',
      async ({ page, requests }) => {
        await titled(page, 'Live')
        await threadOf(page).getByText('2 texts').waitFor()
        const fresh = await on.write('Fresh news\nThree.', { commentTo: [comment] })
        await threadOf(page)
          .getByRole('link', { name: /Fresh news/ })
          .waitFor()
        await (await on.stage.author('bob')).delete(fresh)
        await threadOf(page).getByText('2 texts').waitFor()
        expect(treesOf(requests).length).toBeLessThanOrEqual(1)
      },
      opened(root),
    )
  })

  it('requests a thread once, and none where it is not shown', { timeout: TEST_MS }, async () => {
    await on.readAll()
    const root = await on.write('Once\n1')
    let last = root
    for (let i = 2; i <= 6; i++) last = await on.write(`Once\n${i}`, { commentTo: [last] })
    await on.asPerson(
      'alice',
      async ({ page, requests }) => {
        await titled(page, 'Once')
        await threadOf(page).getByText('6 texts').waitFor()
        for (let i = 0; i < 5; i++) {
          const before = page.url()
          await page.keyboard.press('n')
          await expect.poll(() => page.url()).not.toBe(before)
        }
        expect(new URL(page.url()).hash).toBe(`#/kom/texts/${last}`)
        await threadOf(page).locator(`[aria-current][href$="${last}"]`).waitFor()
        expect(treesOf(requests).length).toBeLessThanOrEqual(1)
      },
      opened(root),
    )
    await on.asPerson(
      'alice',
      async ({ page, requests }) => {
        await titled(page, 'Once')
        expect(treesOf(requests)).toEqual([])
        expect(await threadOf(page).count()).toBe(0)
        await page.getByRole('button', { name: 'Thread' }).click()
        await threadOf(page).getByText('6 texts').waitFor()
        await expect.poll(() => page.evaluate('document.activeElement.getAttribute("aria-current")')).toBe('true')
        expect(await accessibilityViolations(page)).toEqual([])
        await page.keyboard.press('Escape')
        await threadOf(page).waitFor({ state: 'detached' })
        await page.keyboard.press('t')
        await threadOf(page).waitFor()
        await threadOf(page).getByRole('button', { name: 'Close' }).click()
        await threadOf(page).waitFor({ state: 'detached' })
      },
      opened(last, NARROW),
    )
  })

  it('opens what a text comments in place', { timeout: TEST_MS }, async () => {
    await on.readAll()
    const question = await on.write('Question\nWhat time is it?')
    const answer = await on.write('Answer\nLate.', { commentTo: [question] })
    await on.asPerson(
      'alice',
      async ({ page }) => {
        await titled(page, 'Answer')
        await page.getByRole('button', { name: `Show text ${question} here` }).click()
        await page.getByText('What time is it?').waitFor()
        await titled(page, 'Answer')
        await page.getByRole('button', { name: `Hide text ${question}` }).click()
        await page.getByText('What time is it?').waitFor({ state: 'hidden' })
        await page.getByRole('link', { name: `Comment to text ${question} by ${on.stage.cast.bob.name}` }).click()
        await titled(page, 'Question')
        const comments = page.getByRole('region', { name: 'Comments' })
        await comments.getByText('Answer').waitFor()
      },
      opened(answer),
    )
  })

  it('lists the texts of a conference and of a person in pages, with new ones at the top', {
    timeout: TEST_MS,
  }, async () => {
    await on.readAll()
    const { club, bob } = on.stage.cast
    for (let i = 1; i <= 30; i++) await on.write(`Number ${i}\n.`)
    await on.asPerson(
      'alice',
      async ({ page, requests }) => {
        const rows = page.getByRole('list', { name: 'Texts', exact: true }).getByRole('listitem')
        await expect.poll(() => rows.count()).toBe(25)
        expect(await rows.first().textContent()).toMatch(/^Number 30.*Unread/)
        expect(await rows.first().textContent()).toContain(bob.name)
        await page.getByRole('button', { name: 'Older texts' }).click()
        await page.getByRole('link', { name: 'Number 1', exact: true }).waitFor()

        const before = requests.length
        const fresh = await on.write('Just written\n.')
        await expect.poll(() => rows.first().textContent()).toMatch(/^Just written.*Unread/)
        expect(requests.slice(before).filter((each) => each.endsWith('/texts/'))).toEqual([])
        await (await on.stage.author('bob')).delete(fresh)
        await expect.poll(() => rows.first().textContent()).toMatch(/^Number 30/)

        await page.evaluate(`location.hash = '#/kom/persons/${bob.no}'`)
        const written = page.getByRole('list', { name: 'Written texts' }).getByRole('listitem')
        await expect.poll(() => written.count()).toBe(25)
        await on.write('Again\n.')
        await expect.poll(() => written.first().textContent()).toMatch(/^Again/)
      },
      { fragment: `#/kom/conferences/${club.no}` },
    )
  })

  it('says what comes next', { timeout: TEST_MS }, async () => {
    await on.readAll()
    const { club, secret } = on.stage.cast
    const root = await on.write('Start\n.')
    const comment = await on.write('Comment\n.', { commentTo: [root] })
    await on.write('Second comment\n.', { commentTo: [comment] })
    await on.write('Other\n.')
    await (await on.stage.author('alice')).write({ text: 'Hidden\n.', to: [secret.no] })
    await on.asPerson('alice', async ({ page }) => {
      const next = page.getByRole('button', { name: /^Next unread/ })
      for (const [title, sentence] of [
        ['Hidden', `Next conference: ${club.name}, 4`],
        ['Start', `2 comments in ${club.name}`],
        ['Comment', `1 comment in ${club.name}`],
        ['Second comment', `1 text in ${club.name}`],
      ] as const) {
        await titled(page, title)
        await next.getByText(sentence).waitFor()
        await next.click()
      }
      await titled(page, 'Other')
      await page.getByText('All read').waitFor()
      await page.getByRole('button', { name: 'Back' }).click()
      await titled(page, 'Second comment')
    })
  })

  it('takes at most 1.2 requests for each text that is read slowly', { timeout: TEST_MS }, async () => {
    await on.readAll()
    // The last text of each thread remains unread.
    for (let thread = 0; thread < 4; thread++) {
      const root = await on.write(`Slow ${thread}\n.`)
      await on.write(`Slow ${thread}\n.`, { commentTo: [root] })
      await on.write(`Slow ${thread}\n.`, { commentTo: [root] })
    }
    const alice = await on.stage.as('alice')
    const unread = async () => {
      const { cast } = on.stage
      return (await alice.get(`/persons/${cast.alice.no}/memberships/${cast.club.no}/unread`)).json.unread_texts.length
    }
    await on.asPerson('alice', async ({ page, requests }) => {
      await titled(page, 'Slow 0')
      const before = requests.length
      for (let left = 11; left > 0; left--) {
        const last = page.url()
        await page.keyboard.press('n')
        await expect.poll(() => page.url()).not.toBe(last)
        // The text before is marked as read, so its marking has been sent on its own.
        await expect.poll(unread).toBe(left)
      }
      expect(requests.length - before).toBeLessThanOrEqual(1.2 * 12)
    })
  })

  it('moves in lists and threads by j and k', { timeout: TEST_MS }, async () => {
    await on.readAll()
    const { club } = on.stage.cast
    const root = await on.write('Top\n.')
    await on.write('Below\n.', { commentTo: [root] })
    await on.asPerson(
      'alice',
      async ({ page }) => {
        await page.getByRole('list', { name: 'Texts', exact: true }).getByRole('listitem').first().waitFor()
        await page.keyboard.press('j')
        await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('Below')
        await page.keyboard.press('j')
        await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('Top')
        await page.keyboard.press('k')
        await page.keyboard.press('Enter')
        await titled(page, 'Below')
        await threadOf(page).getByText('2 texts').waitFor()
        await page.keyboard.press('k')
        expect(await page.evaluate('document.activeElement.getAttribute("href")')).toBe(`#/kom/texts/${root}`)
        await page.keyboard.press('Enter')
        await expect.poll(() => heading(page).textContent()).toBe('Top')
      },
      { fragment: `#/kom/conferences/${club.no}` },
    )
  })
})
