import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { ONE_SERVER } from '../contract/backends.ts'
import { chromiumInstalled } from '../support/chromium.ts'
import { accessibilityViolations } from './reader-page.ts'
import { onReaderStage } from './reader-stage.ts'

const TEST_MS = 90_000
/** A name that no LysKOM server with its usual limits has, and that a hostile one may send. */
const hostile = (name: string): string =>
  `<img src=x onerror="document.title=1"> ${name} \u202edesrever\u2066 \u0007 &amp; ${'W'.repeat(920)}`
/** Controls, and what changes the direction of the text around it. */
const UNWANTED = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u

describe.skipIf(!chromiumInstalled() && !process.env.CI).each(ONE_SERVER)('hostile names on $name', ({ start }) => {
  const on = onReaderStage(start)
  const { stage } = on

  /** Makes the names of the club and of bob hostile in all responses. */
  async function makeNamesHostile(page: Page): Promise<void> {
    await page.route(/\/kom\/(?!.*\/events$)/, async (route) => {
      const response = await route.fetch()
      let body = await response.text()
      for (const { name } of [stage.cast.club, stage.cast.bob]) {
        body = body.replaceAll(JSON.stringify(name), JSON.stringify(hostile(name)))
      }
      await route.fulfill({ response, body })
    })
  }

  it.each([1280, 320])(
    'are harmless in lists, chips, titles and sentences, %i pixels wide',
    {
      timeout: TEST_MS,
    },
    async (width) => {
      const { alice, bob, club } = stage.cast
      await on.readAll()
      const root = await on.write('Root\nBy bob.', { to: [club.no, bob.no] })
      await on.write('Comment\nBy bob.', { commentTo: [root] })
      const reader = await on.open({ viewport: { width, height: 720 } })
      const { page } = reader
      await makeNamesHostile(page)
      await reader.logIn(alice.name, alice.passwd)
      const found: Record<string, unknown> = {}
      const check = async (view: string): Promise<void> => {
        const [images, scripts, fits] = (await page.evaluate(
          '[document.images.length, document.scripts.length, document.documentElement.scrollWidth <= innerWidth]',
        )) as [number, number, boolean]
        const title = await page.title()
        // What isolates no direction must have none.
        const sentences = (await page.evaluate(`
        [...document.querySelectorAll('[aria-label], [title], [role=status], [role=alert]')].flatMap((each) => [
          each.ariaLabel ?? '', each.title, each.matches('[role=status], [role=alert]') ? each.textContent : ''])
      `)) as string[]
        const wrong = {
          ...(images > 0 && { images }),
          ...(scripts > 1 && { scripts }),
          ...(!fits && { fits }),
          ...((UNWANTED.test(title) || title === '1') && { title }),
          ...(sentences.some((each) => UNWANTED.test(each)) && { said: sentences.find((each) => UNWANTED.test(each)) }),
        }
        if (Object.keys(wrong).length > 0) found[view] = wrong
      }
      const show = (fragment: string) => page.evaluate(`location.hash = '#/kom/${fragment}'`)
      const nameOf = ({ name }: { name: string }) =>
        page.getByRole('main').getByText(hostile(name).slice(0, 60)).first()

      await page.getByRole('heading', { level: 1, name: 'Root' }).waitFor()
      await nameOf(club).waitFor()
      await nameOf(bob).waitFor()
      await check('text')
      await page.keyboard.press('c')
      await page.getByRole('list', { name: 'Goes to' }).getByRole('listitem').first().waitFor()
      await check('comment')
      await page.getByRole('button', { name: 'Discard' }).click()
      await page.keyboard.press('u')
      await page.getByText('The text is unread again.').waitFor()
      await show(`conferences/${club.no}`)
      await page.getByRole('heading', { level: 1 }).getByText(club.name).waitFor()
      await page.getByRole('list', { name: 'Texts' }).getByRole('listitem').first().waitFor()
      await check('conference')
      await page.getByRole('button', { name: 'Membership', exact: true }).click()
      await page.getByRole('button', { name: 'Catch up' }).click()
      await page.getByText('is caught up.').waitFor()
      await check('a notice')
      await page.getByRole('button', { name: 'Leave the conference' }).click()
      await page.getByRole('button', { name: 'Stay' }).waitFor()
      await check('a question')
      await show(`persons/${bob.no}`)
      await page.getByRole('heading', { level: 1 }).getByText(bob.name).waitFor()
      await page.getByRole('list', { name: 'Written texts' }).getByRole('listitem').first().waitFor()
      await check('person')
      await show('conferences')
      await page.getByRole('list', { name: 'Your conferences' }).getByText(club.name).waitFor()
      await check('conferences')
      await show('online')
      await page.getByRole('heading', { level: 1, name: 'Who is on' }).waitFor()
      await check('online')
      await show(`new/${club.no}`)
      await nameOf(club).waitFor()
      await page.getByLabel('Add a recipient').pressSequentially('c b')
      await page.getByRole('listbox').getByRole('option').first().waitFor()
      await check('new text')
      expect(await accessibilityViolations(page)).toEqual([])
      await page.getByRole('listbox').getByRole('option').first().click()
      await page.getByRole('list', { name: 'Goes to' }).getByText(bob.name).waitFor()
      await check('recipients')
      expect(found).toEqual({})
      await reader.close()
    },
  )
})
