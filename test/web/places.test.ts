import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ONE_SERVER } from '../contract/backends.ts'
import { onStage } from '../contract/stage.ts'
import { build } from '../support/built-command.ts'
import { chromiumInstalled, startChromium } from '../support/chromium.ts'
import { accessibilityViolations, openReader, type ReaderPage } from './reader-page.ts'

const START_MS = 60_000
const TEST_MS = 60_000

describe.skipIf(!chromiumInstalled() && !process.env.CI).each(ONE_SERVER)(
  'places of the reader on $name',
  ({ start }) => {
    const stage = onStage(start)
    let browser: Browser
    beforeAll(async () => {
      await build()
      browser = await startChromium()
    }, START_MS)
    afterAll(() => browser.close())

    type Person = { name: string; passwd: string }

    /** Opens a page on which a person is logged in, at an address. */
    async function openAs({ name, passwd }: Person, fragment = ''): Promise<ReaderPage> {
      const reader = await openReader(browser, stage.gateway.url)
      await reader.logIn(name, passwd)
      if (fragment !== '') await show(reader.page, fragment)
      return reader
    }

    const show = (page: Page, fragment: string) => page.evaluate(`location.hash = '#/kom/${fragment}'`)
    const title = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
    const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true })

    /** Returns the conferences with unread texts and their counts, as they are listed. */
    const unread = (page: Page) => page.getByRole('list', { name: 'Unread' }).getByRole('listitem').allTextContents()

    /** Creates a person by the API and logs in on the gateway. */
    async function newPerson(name: string) {
      const client = await stage.fresh()
      const person = { name, passwd: 'pw' }
      const { pers_no } = (await client.post('/persons', person)).json
      const login = await client.post('/sessions/current/login', { pers_no, passwd: 'pw' })
      expect(login.status).toBe(201)
      return { ...person, no: pers_no as number, client }
    }

    /** Returns the memberships of a person in reading order, each as its conference and one of its fields. */
    async function memberships({ client }: Awaited<ReturnType<typeof newPerson>>) {
      const { json } = await client.post('/sessions/current/start', { include: ['memberships'], texts: 0 })
      return json.memberships as {
        conference: { name: string }
        priority: number
        position: number
        type: Record<string, number>
      }[]
    }

    it('creates a person, says beside the field what is wrong, and leads to the conferences to join', {
      timeout: TEST_MS,
    }, async () => {
      const { cast } = stage
      const reader = await openReader(browser, stage.gateway.url)
      const { page } = reader
      await button(page, 'Create a person').click()
      const create = button(page, 'Create and log in')
      const name = page.getByLabel('Your name')
      const [password, again] = [page.getByLabel('Password', { exact: true }), page.getByLabel('Password again')]
      await create.click()
      await page.getByText('Enter your name.').waitFor()
      await name.fill(cast.alice.name.toUpperCase())
      await create.click()
      await page.getByText('Choose a password.').waitFor()
      await password.fill('sesame')
      await again.fill('sesam')
      await create.click()
      await page.getByText('The two passwords differ.').waitFor()
      await again.fill('sesame')
      await create.click()
      await page.getByText('There is a person or conference with that name already').waitFor()
      expect(await name.getAttribute('aria-invalid')).toBe('true')
      await name.fill('日本')
      await create.click()
      await page.getByText('Names in LysKOM hold the letters of Western European languages only').waitFor()
      await name.fill('x'.repeat(61))
      await create.click()
      await page.getByText('The name is too long. It may have 60 characters.').waitFor()
      await name.fill('Nyå Person')
      await password.fill('日本')
      await again.fill('日本')
      await create.click()
      await page.getByText('Passwords in LysKOM hold the letters').waitFor()
      await password.fill('sesame')
      await again.fill('sesame')
      await page.route('**/persons/', async (route) => {
        await route.fulfill({ status: 401, json: { error_type: 'httpkom', error_msg: 'LoginFirst' } })
      })
      await create.click()
      await page.getByText('This server does not let you create a person.').waitFor()
      await page.unroute('**/persons/')
      // The answer is lost.
      await page.route('**/persons/', async (route) => {
        await route.fetch()
        await route.abort()
      })
      await create.click()
      await page.getByText('The server does not answer at the moment.').waitFor()
      await page.unroute('**/persons/')
      await again.press('Enter')

      await title(page, 'All conferences')
      await page.getByText('Which conferences do you want to read?').waitFor()
      await page.getByText('Logged in as Nyå Person').waitFor()
      const others = page.getByRole('list', { name: 'Other conferences' })
      await others.getByRole('link', { name: cast.other.name }).waitFor()
      expect(await others.getByRole('link', { name: cast.secret.name }).count()).toBe(0)
      await button(page, `Join ${cast.closed.name}`).click()
      await page.getByText(`${cast.closed.name} is closed.`).waitFor()
      await button(page, `Join ${cast.club.name}`).click()
      await title(page, cast.club.name)
      await page.getByText(`You are a member of ${cast.club.name} now.`).waitFor()
      await button(page, /^Read unread/).waitFor()
      await button(page, 'Log out').click()
      await reader.logIn('nyå person', 'sesame')
      await reader.close()
    })

    it('joins, catches up and leaves, and keeps the counts true in two browsers', { timeout: TEST_MS }, async () => {
      const { club } = stage.cast
      const person = await newPerson('Two Browsers')
      const [first, second] = [await openAs(person, `conferences/${club.no}`), await openAs(person, 'conferences')]
      const [a, b] = [first.page, second.page]
      await a.getByLabel('Begin with').selectOption('all texts')
      await button(a, 'Join').click()
      await button(a, 'Membership').click()
      const { json } = await person.client.get(`/persons/${person.no}/memberships/${club.no}/unread`)
      expect(json.no_of_unread).toBeGreaterThan(2)
      for (const page of [a, b]) await expect.poll(() => unread(page)).toEqual([`${club.name}${json.no_of_unread}`])
      await b.getByRole('list', { name: 'Your conferences' }).getByText(`${json.no_of_unread} unread`).waitFor()

      const stays = a.getByLabel('Texts that stay unread')
      await stays.fill('-1')
      await button(a, 'Catch up').click()
      await a.getByText('Enter a whole number, 0 or more.').waitFor()
      await stays.fill('2')
      await button(a, 'Catch up').click()
      await a.getByText(`${club.name} is caught up.`).waitFor()
      for (const page of [a, b]) await expect.poll(() => unread(page)).toEqual([`${club.name}2`])
      await button(b, `Membership in ${club.name}`).click()
      await button(b, 'Catch up').click()
      for (const page of [a, b]) await expect.poll(() => unread(page)).toEqual([])

      await button(a, 'Leave the conference').click()
      await a.getByText(`Leave ${club.name}? You get no more texts from it`).waitFor()
      await button(a, 'Stay').click()
      await button(a, 'Leave the conference').click()
      await button(a, 'Leave').click()
      await button(a, 'Join').waitFor()
      await b.getByText('Which conferences do you want to read?').waitFor()
      expect((await memberships(person)).map(({ conference }) => conference.name)).toEqual([person.name])
      await Promise.all([first.close(), second.close()])
    })

    it('orders conferences by priority and position, and keeps the flags of memberships', {
      timeout: TEST_MS,
    }, async () => {
      const { club, other, anonymous } = stage.cast
      const person = await newPerson('Order Liness')
      for (const [i, { no }] of [club, other, anonymous].entries()) {
        await person.client.put(`/persons/${person.no}/memberships/${no}`, { where: i + 1 })
      }
      const reader = await openAs(person, 'conferences')
      const { page } = reader
      const names = () =>
        page.getByRole('list', { name: 'Your conferences' }).getByRole('listitem').getByRole('link').allTextContents()
      const saved = async () =>
        (await memberships(person)).map(({ conference, priority }) => [conference.name, priority])
      await expect.poll(names).toEqual([person.name, club.name, other.name, anonymous.name])

      await button(page, `Membership in ${anonymous.name}`).click()
      await page.getByLabel('Passive').check()
      await page.getByRole('list', { name: 'Your conferences' }).getByText('Passive', { exact: true }).waitFor()
      await button(page, 'Read earlier').click()
      await expect.poll(names).toEqual([person.name, club.name, anonymous.name, other.name])
      await button(page, 'Read earlier').click()
      await expect.poll(names).toEqual([person.name, anonymous.name, club.name, other.name])
      await button(page, 'Read later').click()
      await expect.poll(names).toEqual([person.name, club.name, anonymous.name, other.name])
      const priority = page.getByLabel('Priority')
      await priority.fill('256')
      await priority.press('Enter')
      await page.getByText('Enter a whole number from 0 to 255.').waitFor()
      await priority.fill('120')
      await priority.press('Enter')
      await expect.poll(names).toEqual([person.name, anonymous.name, club.name, other.name])
      expect(await saved()).toEqual([
        [person.name, 255],
        [anonymous.name, 120],
        [club.name, 100],
        [other.name, 100],
      ])
      expect((await memberships(person))[1]?.type).toMatchObject({ passive: 1, secret: 0 })
      await page.getByLabel('Passive').uncheck()
      await page.getByRole('checkbox', { name: 'Secret' }).check()
      await expect
        .poll(async () => (await memberships(person))[1])
        .toMatchObject({ priority: 120, type: { passive: 0, secret: 1 } })

      await page.getByLabel('Find a conference').fill('c oth')
      await expect.poll(names).toEqual([other.name])
      await page.getByLabel('Find a conference').fill('日本')
      await page.getByText('No other conference matches.').waitFor()
      await reader.close()
    })

    it('asks whether to accept a membership that another person has made', { timeout: TEST_MS }, async () => {
      const { club, alice } = stage.cast
      const person = await newPerson('Invited Guest')
      const host = await stage.as('alice')
      await host.put(`/persons/${person.no}/memberships/${club.no}`, {})
      const reader = await openAs(person, `conferences/${club.no}`)
      const { page } = reader
      await page.getByText(`${alice.name} has added you to this conference.`).waitFor()
      await button(page, 'Accept').click()
      await button(page, 'Accept').waitFor({ state: 'detached' })
      const all = await memberships(person)
      expect(all.find(({ conference }) => conference.name === club.name)?.type.invitation).toBe(0)
      await reader.close()
    })

    it('creates conferences of each kind, and says what is wrong with a name', { timeout: TEST_MS }, async () => {
      const { club } = stage.cast
      const person = await newPerson('Founding Mother')
      const reader = await openAs(person, 'conferences')
      const { page } = reader
      await page.getByText('Create a conference').click()
      const form = page.getByRole('form', { name: 'Create a conference' })
      const name = form.getByRole('textbox')
      const create = form.getByRole('button', { name: 'Create' })
      await create.click()
      await form.getByText('Enter a name.').waitFor()
      await name.fill(club.name.toLowerCase())
      await create.click()
      await form.getByText('There is a conference or person with that name').waitFor()
      await name.fill('日本')
      await create.click()
      await form.getByText('Names in LysKOM hold the letters').waitFor()
      expect(await name.inputValue()).toBe('日本')
      await name.fill('Mothers (of) Invention')
      await form.getByLabel('Original texts only').check()
      await create.click()
      await title(page, 'Mothers (of) Invention')
      await page.getByText('Original texts only').waitFor()
      await button(page, 'Membership').waitFor()

      await show(page, 'conferences')
      await page.getByText('Create a conference').click()
      await name.fill('Hidden Mothers')
      await form.getByLabel('Secret').check()
      await create.click()
      await title(page, 'Hidden Mothers')
      await page.getByText('Secret', { exact: true }).waitFor()
      await button(page, 'Write a presentation').click()
      await page.getByLabel('Text', { exact: true }).fill('About hiding.')
      await button(page, 'Save').click()
      await page.getByText('About hiding.').waitFor()
      await reader.close()
    })

    it('lets supervisors change a presentation, and writes it once although the answer is lost', {
      timeout: TEST_MS,
    }, async () => {
      const { alice, bob, club } = stage.cast
      const reader = await openAs(alice, `conferences/${club.no}`)
      const { page } = reader
      await button(page, 'Write a presentation').click()
      await button(page, 'Save').click()
      await page.getByText('Write something first.').waitFor()
      await page.getByLabel('Text', { exact: true }).fill('För alla ☕')
      let isLost = true
      await page.route('**/batch', async (route) => {
        if (!isLost || !route.request().postData()?.includes('set-presentation')) return await route.continue()
        isLost = false
        await route.fetch()
        await route.abort()
      })
      await button(page, 'Save').click()
      await page.getByText('The server does not answer at the moment.').waitFor()
      expect(await page.getByLabel('Text', { exact: true }).inputValue()).toBe('För alla ☕')
      await button(page, 'Save').click()
      await page.getByText('The presentation is saved.').waitFor()
      await page.getByRole('region', { name: 'Presentation' }).getByText('För alla ☕').waitFor()

      const client = await stage.as('alice')
      const { presentation } = (await client.get(`/conferences/${club.no}?micro=false`)).json
      const written = (await client.get(`/persons/${alice.no}/texts/?no-of-texts=5`)).json.texts
      expect(written.filter(({ subject }: { subject: string }) => subject === club.name)).toHaveLength(1)
      expect(presentation).toBe(written[0].text_no)
      await button(page, 'Change the presentation').click()
      await page.getByLabel('Text', { exact: true }).fill('För nästan alla')
      await button(page, 'Save').click()
      await page.getByRole('region', { name: 'Presentation' }).getByText('För nästan alla').waitFor()
      const second = (await client.get(`/conferences/${club.no}?micro=false`)).json.presentation
      expect((await client.get(`/texts/${second}`)).json.comment_to_list[0].text_no).toBe(presentation)
      await reader.close()

      const other = await openAs(bob, `conferences/${club.no}`)
      await other.page.getByRole('region', { name: 'Presentation' }).getByText('För nästan alla').waitFor()
      expect(await button(other.page, 'Change the presentation').count()).toBe(0)
      await other.close()
    })

    it('shows the facts, the notice and the members of a conference', { timeout: TEST_MS }, async () => {
      const { alice, bob, club, closed } = stage.cast
      const author = await stage.author('alice')
      const textNo = await author.write({ text: Buffer.from('Notice\nClosed on Monday.'), to: [club.no] })
      await author.connection.call('set-etc-motd', { confNo: club.no, textNo })
      const reader = await openAs(bob, `conferences/${club.no}`)
      const { page } = reader
      await page.getByRole('region', { name: 'Notice' }).getByText('Closed on Monday.').waitFor()
      await page.getByText(`by ${alice.name}`).first().waitFor()
      await page.getByText(/^Members \(\d+\)$/).click()
      const members = page.getByRole('list', { name: 'Members' })
      await members.getByRole('link', { name: bob.name }).waitFor()
      await members.getByRole('link', { name: alice.name }).click()
      await title(page, alice.name)
      await show(page, `conferences/${closed.no}`)
      await page.getByText('Closed', { exact: true }).waitFor()
      await button(page, 'Join').click()
      await page.getByText(`${closed.name} is closed. Ask its supervisor`).waitFor()
      // The letterbox of another person is that person.
      await show(page, `conferences/${alice.no}`)
      await expect.poll(() => new URL(page.url()).hash).toBe(`#/kom/persons/${alice.no}`)
      await reader.close()
    })

    it('shows a person: whether they are on, their presentation and their memberships', {
      timeout: TEST_MS,
    }, async () => {
      const { club, carol } = stage.cast
      const person = await newPerson('Self Made')
      await person.client.put(`/persons/${person.no}/memberships/${club.no}`, {})
      const own = await openAs(person, 'settings')
      await own.page.getByRole('region', { name: 'Your page' }).getByRole('link', { name: person.name }).click()
      await title(own.page, person.name)
      await button(own.page, 'Write a presentation').click()
      await own.page.getByLabel('Text', { exact: true }).fill('I made myself.')
      await button(own.page, 'Save').click()
      await own.page.getByText('I made myself.').waitFor()

      const reader = await openAs(carol, `persons/${person.no}`)
      const { page } = reader
      await title(page, person.name)
      await page.getByText('On now').waitFor()
      await page.getByText('I made myself.').waitFor()
      await page.getByText('Last login').waitFor()
      await page.getByText('Memberships').click()
      await page.getByRole('list', { name: 'Memberships' }).getByRole('link', { name: club.name }).waitFor()
      await own.close()
      await person.client.delete('/sessions/mine')
      await show(page, `persons/${carol.no}`)
      await title(page, carol.name)
      await show(page, `persons/${person.no}`)
      await page.getByText('Not logged in').waitFor()
      await reader.close()
    })

    it('changes the password, and says beside the field what is wrong', { timeout: TEST_MS }, async () => {
      const person = await newPerson('Key Changer')
      const reader = await openAs(person, 'settings')
      const { page } = reader
      const change = button(page, 'Change the password')
      const [old, next, again] = [
        page.getByLabel('Present password'),
        page.getByLabel('New password', { exact: true }),
        page.getByLabel('New password again'),
      ]
      const fill = async (values: [string, string, string]) => {
        for (const [i, field] of [old, next, again].entries()) await field.fill(values[i] ?? '')
        await change.click()
      }
      await fill(['', 'open', 'open'])
      await page.getByText('Enter your present password.').waitFor()
      await fill(['pw', '', ''])
      await page.getByText('Enter a new password.').waitFor()
      await fill(['pw', 'open', 'opne'])
      await page.getByText('The two new passwords differ.').waitFor()
      await fill(['pw', '日本', '日本'])
      await page.getByText('Passwords in LysKOM hold the letters').waitFor()
      await fill(['wrong', 'open', 'open'])
      await page.getByText('That is not your password.').waitFor()
      expect(await old.getAttribute('aria-invalid')).toBe('true')
      expect(await next.inputValue()).toBe('open')
      await fill(['pw', 'open', 'open'])
      await page.getByText('Your password is changed.').waitFor()
      expect(await next.inputValue()).toBe('')
      await button(page, 'Log out').click()
      await reader.logIn(person.name, 'open')
      await reader.close()
    })

    it('lists the sessions of the person, ends one, and logs out everywhere', { timeout: TEST_MS }, async () => {
      const person = await newPerson('Many Sessions')
      // A program that does not use the gateway.
      const elsewhere = await stage.authorOf(person)
      const [first, second] = [await openAs(person), await openAs(person, 'settings')]
      const { page } = second
      const sessions = page.getByRole('list', { name: 'Where you are logged in' }).getByRole('listitem')
      await sessions.nth(2).waitFor()
      expect(await sessions.count()).toBe(3)
      await sessions.filter({ hasText: 'komgate reader' }).getByRole('button').click()
      await first.page.getByText('Your session has ended.').waitFor()
      await expect.poll(() => sessions.count()).toBe(2)
      await first.logIn(person.name, person.passwd)

      await button(page, 'Log out everywhere').click()
      await page.getByText('This ends your sessions in all browsers and programs').waitFor()
      await button(page, 'Cancel').click()
      await button(page, 'Log out everywhere').click()
      await button(page, 'Log out everywhere now').click()
      await button(page, 'Log in').waitFor()
      await first.page.getByText('Your session has ended.').waitFor()
      await expect.poll(async () => (await person.client.get('/sessions/current/who-am-i')).status).toBe(403)
      const { sessions: left } = (await (await stage.as('alice')).get('/sessions/')).json
      const names = left.map((each: { person: { pers_name: string } }) => each.person.pers_name)
      expect(names).not.toContain(person.name)
      await elsewhere.connection.close()
      await Promise.all([first.close(), second.close()])
    })

    it('has no accessibility violations in its views, and fits 320 pixels', { timeout: TEST_MS }, async () => {
      const { alice, bob, club, other } = stage.cast
      const reader = await openReader(browser, stage.gateway.url, { viewport: { width: 320, height: 640 } })
      const { page } = reader
      const found: Record<string, unknown> = {}
      const check = async (view: string): Promise<void> => {
        const violations = await accessibilityViolations(page)
        if (violations.length > 0) found[view] = violations
        if (!(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'))) found[`${view}, width`] = true
      }
      await button(page, 'Create a person').click()
      await button(page, 'Create and log in').click()
      await page.getByText('Enter your name.').waitFor()
      await check('create a person')
      await button(page, 'I have a person already').click()
      await reader.logIn(bob.name, bob.passwd)
      await show(page, 'conferences')
      await button(page, `Membership in ${club.name}`).click()
      await button(page, 'Leave the conference').click()
      await button(page, 'List all conferences').click()
      await page.getByRole('list', { name: 'Other conferences' }).getByRole('link', { name: other.name }).waitFor()
      await page.getByText('Create a conference').click()
      await page.getByRole('form', { name: 'Create a conference' }).getByRole('button', { name: 'Create' }).click()
      await check('conferences')
      await show(page, `conferences/${other.no}`)
      await button(page, 'Join').waitFor()
      await check('a conference to join')
      await show(page, `conferences/${club.no}`)
      await page.getByText(/^Members \(\d+\)$/).click()
      await page.getByRole('list', { name: 'Members' }).getByRole('link').first().waitFor()
      await button(page, 'Membership').click()
      await check('conference')
      await show(page, `persons/${alice.no}`)
      await title(page, alice.name)
      await page.getByText('Memberships').click()
      await page.getByRole('list', { name: 'Memberships' }).getByRole('link').first().waitFor()
      await check('person')
      await show(page, `persons/${bob.no}`)
      await button(page, 'Write a presentation').click()
      await button(page, 'Save').click()
      await check('own person')
      await show(page, 'settings')
      await button(page, 'Log out everywhere').click()
      await button(page, 'Change the password').click()
      await check('settings')
      expect(found).toEqual({})
      await reader.close()
    })
  },
)
