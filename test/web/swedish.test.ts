import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { BACKENDS } from '../contract/backends.ts'
import { chromiumInstalled } from '../support/chromium.ts'
import { onReaderStage } from './reader-stage.ts'

const TEST_MS = 90_000
const DAY_MS = 86_400_000
const SWEDISH = { locale: 'sv-SE', timezoneId: 'Europe/Stockholm' }
const WEEKDAY = '(?:måndag|tisdag|onsdag|torsdag|fredag|lördag|söndag)'
const MONTH = '(?:januari|februari|mars|april|maj|juni|juli|augusti|september|oktober|november|december)'
/** English words that the reader uses, and that are not Swedish ones. */
const ENGLISH =
  /\b(?:and|are|bytes|close|colours|comments?|conferences?|from|keys|language|log|marked|messages?|new|next|no|now|of|password|persons|read|recipients?|send|sent|settings|subject|texts|this|unread|who|with|write|yes|you|your)\b/i

/** Returns what a page says: its text, and what is said of its elements. */
const wordsOf = (page: Page): Promise<string> =>
  page.evaluate(`[
    document.title,
    document.body.innerText,
    ...[...document.querySelectorAll('[aria-label], [title], [placeholder]')].map(
      (each) => [each.ariaLabel, each.title, each.getAttribute('placeholder')].join(' '),
    ),
  ].join('\\n')`)

describe.skipIf(!chromiumInstalled() && !process.env.CI).each(BACKENDS)(
  'the reader in Swedish and without motion on $name',
  ({ start }) => {
    const on = onReaderStage(start)
    const { stage } = on

    /** Opens the reader in a Swedish browser, and logs in. @param daysLater what its clock is ahead */
    async function enter(daysLater = 0, fragment = '') {
      const reader = await on.open({ ...SWEDISH, fragment })
      const { page } = reader
      if (daysLater > 0) await page.clock.setFixedTime(Date.now() + daysLater * DAY_MS)
      const { alice } = stage.cast
      await page.getByLabel('Namn').fill(alice.name)
      await page.getByLabel('Lösenord').fill('fel')
      await page.getByRole('button', { name: 'Logga in' }).click()
      await page.getByText('Det är inte den personens lösenord.').waitFor()
      await page.getByLabel('Lösenord').fill(alice.passwd)
      await page.getByRole('button', { name: 'Logga in' }).click()
      await page.getByRole('button', { name: 'Logga ut' }).waitFor()
      return reader
    }

    const titled = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor()

    it('reads from the login to a comment', { timeout: TEST_MS }, async () => {
      const { alice, bob, club } = stage.cast
      await on.readAll()
      const root = await on.write('Fika\nNär?')
      for (const time of ['Klockan tre', 'Klockan fyra']) await on.write(`Fika\n${time}.`, { commentTo: [root] })
      const reader = await enter()
      const { page } = reader
      await titled(page, 'Fika')
      const unread = page.getByRole('list', { name: 'Olästa' }).getByRole('listitem')
      expect(await unread.allTextContents()).toEqual([`${club.name}3`])
      await page.getByRole('button', { name: `Nästa olästa 2 kommentarer i ${club.name}` }).waitFor()
      await page.keyboard.press('Space')
      await page.getByRole('link', { name: `Kommentar till inlägg ${root} av ${bob.name}` }).waitFor()
      await page.getByRole('button', { name: `Nästa olästa 1 kommentar i ${club.name}` }).waitFor()

      await page.getByRole('button', { name: 'Kommentera' }).click()
      await page.getByRole('list', { name: 'Skickas till' }).getByText(club.name).waitFor()
      await page.getByLabel('Din kommentar').press('Control+Enter')
      await page.getByText('Skriv något först.').waitFor()
      await page.getByLabel('Din kommentar').fill('Jag är där.')
      await page.getByRole('button', { name: 'Skicka' }).click()
      await page.getByText(/Din kommentar skickades som inlägg \d+\./).waitFor()
      await page.getByRole('link', { name: `Kommentar av ${alice.name}` }).waitFor()
      await page.keyboard.press('u')
      await page.getByText('Inlägget är oläst igen.').waitFor()
      await reader.close()
    })

    it('says dates as Swedes do', { timeout: TEST_MS }, async () => {
      await on.readAll()
      const textNo = await on.write('Datum\nNär skrevs det?')
      for (const [daysLater, said] of [
        [0, /^\d\d:\d\d$/],
        [3, new RegExp(`^${WEEKDAY} \\d\\d:\\d\\d$`)],
        [20, new RegExp(`^\\d+ ${MONTH}(?: kl\\.)? \\d\\d:\\d\\d$|^\\d+ ${MONTH} \\d{4}$`)],
        [400, new RegExp(`^\\d+ ${MONTH} \\d{4}$`)],
      ] as const) {
        const reader = await enter(daysLater, `#/kom/texts/${textNo}`)
        const time = reader.page.getByRole('article').locator('time').first()
        expect(await time.textContent()).toMatch(said)
        expect(await time.getAttribute('title')).toMatch(new RegExp(`^${WEEKDAY}(?:en)?(?: den)? \\d+ ${MONTH} \\d{4}`))
        await reader.close()
      }
    })

    it('has no English words in any view, and keeps the language that is chosen', { timeout: TEST_MS }, async () => {
      const { alice, club, carol, texts } = stage.cast
      const reader = await enter()
      const { page } = reader
      const names = Object.values(stage.cast).flatMap((each) => ('name' in each ? [each.name as string] : []))
      const found: Record<string, string> = {}
      const check = async (view: string): Promise<void> => {
        const words = names.reduce((text, name) => text.replaceAll(name, ''), await wordsOf(page))
        const english = ENGLISH.exec(words.replaceAll('komgate reader', ''))
        if (english !== null) found[view] = words.slice(Math.max(0, english.index - 60), english.index + 60)
      }
      await on.write('Ett ärende\nEn text.')
      for (const [fragment, heading] of [
        ['conferences', 'Alla möten'],
        [`conferences/${club.no}`, club.name],
        [`persons/${carol.no}`, carol.name],
        ['marks', 'Markerade inlägg'],
        ['online', 'Vilka är inne'],
        ['messages', 'Meddelanden'],
        ['new', 'Skriv ett inlägg'],
        ['settings', 'Inställningar'],
        [`texts/${texts.deleted}`, 'Inget sådant inlägg'],
      ] as const) {
        await page.evaluate(`location.hash = '#/kom/${fragment}'`)
        await titled(page, heading)
        // The texts of the cast are in English.
        if (!/^(?:conferences|persons)\//.test(fragment)) await check(fragment)
      }
      await page.keyboard.press('?')
      await page.getByRole('dialog').waitFor()
      await check('keys')
      await page.keyboard.press('Escape')
      await page.keyboard.press('/')
      await page.getByRole('dialog', { name: 'Gå till' }).waitFor()
      await check('go to')
      await page.keyboard.press('Escape')
      expect(found).toEqual({})

      await page.evaluate("location.hash = '#/kom/settings'")
      await page.getByLabel('Språk').selectOption('English')
      await titled(page, 'Settings')
      await page.reload()
      await titled(page, 'Settings')
      await page.getByText(`Logged in as ${alice.name}`).waitFor()
      await page.getByRole('button', { name: 'Log out', exact: true }).click()
      await page.getByRole('button', { name: 'Log in' }).waitFor()
      expect(await page.evaluate('document.documentElement.lang')).toBe('en')
      await reader.close()
    })

    it('moves nothing for persons who prefer that', { timeout: TEST_MS }, async () => {
      const { club } = stage.cast
      for (const reducedMotion of ['no-preference', 'reduce'] as const) {
        await on.asPerson(
          'alice',
          async ({ page }) => {
            let answer = () => {}
            const wanted = new Promise<void>((resolve) => {
              answer = resolve
            })
            await page.route(/\/batch$|\/conferences\//, async (route) => {
              await wanted
              await route.continue()
            })
            await page.evaluate(`location.hash = '#/kom/conferences/${club.no}'`)
            await page.getByText('Loading…').waitFor()
            const moving = `[...document.querySelectorAll('*')].filter((each) => {
            const { transitionDuration, animationDuration } = getComputedStyle(each)
            return /[1-9]/.test(transitionDuration + animationDuration)
          }).length`
            expect((await page.evaluate(moving)) === 0).toBe(reducedMotion === 'reduce')
            answer()
            await titled(page, club.name)
          },
          { reducedMotion },
        )
      }
    })
  },
)
