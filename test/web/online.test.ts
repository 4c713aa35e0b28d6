import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ONE_SERVER } from '../contract/backends.ts'
import { onStage } from '../contract/stage.ts'
import { build } from '../support/built-command.ts'
import { chromiumInstalled, startChromium } from '../support/chromium.ts'
import { accessibilityViolations, openReader, type ReaderPage } from './reader-page.ts'

const START_MS = 60_000
const TEST_MS = 60_000
/** Records notifications instead of showing them. */
const RECORD_NOTIFICATIONS = `
  globalThis.shownNotifications = []
  globalThis.Notification = class {
    static permission = 'default'
    static requestPermission() {
      this.permission = globalThis.answerToRequest ?? 'granted'
      return Promise.resolve(this.permission)
    }
    constructor(title, options) {
      this.title = title
      this.body = options.body
      globalThis.shownNotifications.push(this)
    }
    close() {}
  }
  document.hasFocus = () => globalThis.isLookedAt ?? false
`

describe.skipIf(!chromiumInstalled() && !process.env.CI).each(ONE_SERVER)('the reader on $name', ({ start }) => {
  const stage = onStage(start)
  let browser: Browser
  beforeAll(async () => {
    await build()
    browser = await startChromium()
  }, START_MS)
  afterAll(() => browser.close())

  /** Opens a page on which a person is logged in, at an address. */
  async function enter(
    person: 'alice' | 'bob',
    fragment = '',
    options: Parameters<typeof openReader>[2] = {},
  ): Promise<ReaderPage> {
    const reader = await openReader(browser, stage.gateway.url, { fragment: `#/kom/${fragment}`, ...options })
    await reader.logIn(stage.cast[person].name, stage.cast[person].passwd)
    return reader
  }

  /** Returns the rows of a list of who is on that hold a name. */
  const rowsOf = (page: Page, name: string) =>
    page.getByRole('list', { name: 'Who is on' }).getByRole('listitem').filter({ hasText: name })

  it('shows who is on and what they read, without asking again', { timeout: TEST_MS }, async () => {
    const { alice, bob, club } = stage.cast
    const reader = await enter('alice')
    const { page, requests } = reader
    await page.keyboard.press('g')
    await page.keyboard.press('w')
    await page.getByRole('heading', { level: 1, name: 'Who is on' }).waitFor()
    const own = rowsOf(page, alice.name).filter({ hasText: 'You' })
    await own.getByText('Active now').waitFor()
    expect(await own.getByText('komgate reader').count()).toBe(1)
    expect(await own.getByRole('button').count()).toBe(0)

    const before = await rowsOf(page, bob.name).count()
    const client = await stage.fresh('bob')
    await expect.poll(() => rowsOf(page, bob.name).count()).toBe(before + 1)
    await client.post('/sessions/current/working-conference', { conf_no: club.no })
    await rowsOf(page, bob.name).getByRole('link', { name: club.name }).waitFor()
    await client.post('/calls/change-what-i-am-doing', { what_am_i_doing: 'Dricker kaffe' })
    await rowsOf(page, bob.name).getByText('Dricker kaffe').waitFor()
    await client.delete('/sessions/0')
    await expect.poll(() => rowsOf(page, bob.name).count()).toBe(before)
    expect(requests.filter((each) => each === 'GET /kom/sessions/')).toHaveLength(1)
    await reader.close()
  })

  it('shows others where the person reads, without more requests', { timeout: TEST_MS }, async () => {
    const { alice, club } = stage.cast
    for (const subject of ['One', 'Two', 'Three']) {
      await (await stage.author('bob')).write({ text: Buffer.from(`${subject}\nText.`), to: [club.no] })
    }
    const reader = await enter('alice')
    const { page, requests } = reader
    const bob = await stage.as('bob')
    const seen = async () => {
      const { sessions } = (await bob.get('/sessions/')).json
      const own = sessions.filter(
        ({ person, client }: { person: { pers_no: number }; client: { name: string } }) =>
          person.pers_no === alice.no && client.name === 'komgate reader',
      )
      return own.map((each: { working_conference: { conf_no: number } | null }) => each.working_conference?.conf_no)
    }
    await page.getByRole('list', { name: 'Unread' }).getByRole('button', { name: club.name }).click()
    await expect.poll(() => page.url()).toContain('/texts/')
    await page.getByRole('article').getByRole('link', { name: club.name }).first().waitFor()
    await page.keyboard.press('n')
    await expect.poll(seen).toContain(club.no)
    expect(requests.filter((each) => /working-conference|active$/.test(each))).toEqual([])
    await reader.close()
  })

  it('sends messages to persons, conferences and everyone, and shows them wherever the recipient is', {
    timeout: TEST_MS,
  }, async () => {
    const { alice, bob, club } = stage.cast
    const [sender, receiver] = [await enter('bob', 'online'), await enter('alice', `conferences/${club.no}`)]
    const cards = receiver.page.getByRole('log', { name: 'New messages' })
    await rowsOf(sender.page, alice.name)
      .getByRole('button', { name: `Send a message to ${alice.name}` })
      .first()
      .click()
    await sender.page.getByLabel('Message', { exact: true }).fill('Lunch? <b>Nu</b> ☕')
    await sender.page.keyboard.press('Control+Enter')
    await sender.page.getByText('The message has been sent.').waitFor()
    await cards.getByText('Lunch? <b>Nu</b> ☕').waitFor()
    await cards.getByText('to you').waitFor()

    const to = sender.page.getByLabel('To', { exact: true })
    await to.fill(club.name)
    await sender.page.getByLabel('Message', { exact: true }).fill('To the club')
    await sender.page.getByRole('button', { name: 'Send' }).click()
    await cards.getByText('To the club').waitFor()
    await cards.getByRole('link', { name: club.name }).waitFor()
    await sender.page.getByLabel('To everyone who is logged in').check()
    await sender.page.getByLabel('Message', { exact: true }).fill('To all of you')
    await sender.page.getByRole('button', { name: 'Send' }).click()
    await cards.getByText('To all of you').waitFor()
    const places = receiver.page.getByRole('navigation', { name: 'More' })
    await places.getByRole('img', { name: '3 new messages' }).waitFor()
    expect(await accessibilityViolations(receiver.page)).toEqual([])

    // Each is listed once by its sender, who is a recipient of two of them.
    const sent = sender.page.getByRole('list', { name: 'Sent and received' }).getByRole('listitem')
    await expect.poll(() => sent.count()).toBe(3)

    await cards.getByText('To all of you').waitFor()
    await cards
      .getByRole('button', { name: `Dismiss the message from ${bob.name}` })
      .last()
      .click()
    await places.getByRole('img', { name: '2 new messages' }).waitFor()
    await cards
      .getByRole('button', { name: `Answer ${bob.name}` })
      .first()
      .click()
    expect(await receiver.page.getByLabel('To', { exact: true }).inputValue()).toBe(bob.name)
    await places.getByRole('img').waitFor({ state: 'detached' })
    await receiver.page.getByLabel('Message', { exact: true }).fill('Yes!')
    await receiver.page.keyboard.press('Control+Enter')
    await sender.page.getByRole('list', { name: 'Sent and received' }).getByText('Yes!').waitFor()
    expect(await accessibilityViolations(receiver.page)).toEqual([])

    // They are kept over a reload, and removed when the person logs out.
    await receiver.page.reload()
    const list = receiver.page.getByRole('list', { name: 'Sent and received' }).getByRole('listitem')
    await expect.poll(() => list.count()).toBe(4)
    await receiver.page.getByRole('button', { name: 'Log out' }).click()
    await receiver.page.getByLabel('Password').waitFor()
    const kept = 'Object.keys({ ...localStorage, ...sessionStorage }).filter((key) => key.includes("messages"))'
    expect(await receiver.page.evaluate(kept)).toEqual([])
    await receiver.close()
    await sender.close()
  })

  it('says beside the field why a message cannot be sent, and keeps it', { timeout: TEST_MS }, async () => {
    const { carol } = stage.cast
    const reader = await enter('alice', 'messages')
    const { page } = reader
    const to = page.getByLabel('To', { exact: true })
    const text = page.getByLabel('Message', { exact: true })
    const send = async () => await page.getByRole('button', { name: 'Send' }).click()
    await send()
    await page.getByText('Enter the name of a person or a conference.').waitFor()
    expect(await to.getAttribute('aria-invalid')).toBe('true')
    await to.fill('Nobody at all')
    await send()
    await page.getByText('Write something first.').waitFor()
    await text.fill('Are you there?')
    await send()
    await page.getByText('No person or conference has that name.').waitFor()
    await to.fill('日本')
    await send()
    await page.getByText('names in LysKOM are written in ISO 8859-1').waitFor()
    await to.fill(carol.name)
    await send()
    await page.getByText(`${carol.name} is not logged in`).waitFor()
    expect([await to.getAttribute('aria-invalid'), await text.inputValue()]).toEqual(['true', 'Are you there?'])
    expect(await accessibilityViolations(page)).toEqual([])
    await page.getByLabel('To everyone').check()
    await text.fill('å'.repeat(5000))
    await send()
    await page.getByText('The message is too long').waitFor()
    expect(await text.getAttribute('aria-invalid')).toBe('true')
    expect(await text.inputValue()).toHaveLength(5000)
    await reader.close()
  })

  it('keeps what is written while a message is sent', { timeout: TEST_MS }, async () => {
    const reader = await enter('alice', 'messages')
    const { page } = reader
    const text = page.getByLabel('Message', { exact: true })
    let answer = () => {}
    const isAnswered = new Promise<void>((resolve) => {
      answer = resolve
    })
    await page.route('**/kom/messages', async (route) => {
      await isAnswered
      await route.continue()
    })
    await page.getByLabel('To everyone').check()
    await text.fill('First')
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByRole('button', { name: 'Sending…' }).waitFor()
    expect(await text.isEditable()).toBe(false)
    // Another view meanwhile.
    await page.evaluate("location.hash = '#/kom/online'")
    await page.evaluate("location.hash = '#/kom/messages'")
    await text.fill('Second')
    answer()
    await page.getByText('The message has been sent.').waitFor()
    expect(await text.inputValue()).toBe('Second')
    await reader.close()
  })

  it('notifies of letters and messages after permission has been asked for on a click', {
    timeout: TEST_MS,
  }, async () => {
    const { alice, club } = stage.cast
    const reader = await openReader(browser, stage.gateway.url, { fragment: '#/kom/online' })
    const { page } = reader
    await page.addInitScript(RECORD_NOTIFICATIONS)
    await page.reload()
    await reader.logIn(alice.name, alice.passwd)
    const bob = await stage.author('bob')
    const write = (subject: string, to: number) => bob.write({ text: Buffer.from(`${subject}\nText.`), to: [to] })
    const unread = page.getByRole('list', { name: 'Unread' })
    const shown = () =>
      page.evaluate('shownNotifications.map(({ title, body }) => [title, body])') as Promise<[string, string][]>
    await write('Before', alice.no)
    await unread.getByRole('button', { name: alice.name }).waitFor()

    const choice = page.getByLabel('Notify me of letters and messages')
    await page.evaluate("globalThis.answerToRequest = 'denied'")
    await choice.click()
    await page.getByText('The browser blocks notifications').waitFor()
    expect(await choice.isChecked()).toBe(false)
    await page.evaluate("globalThis.answerToRequest = 'granted'")
    await choice.click()
    await page.getByText('The browser blocks notifications').waitFor({ state: 'detached' })
    expect([await choice.isChecked(), await shown()]).toEqual([true, []])

    await write('No letter', club.no)
    const letter = await write('A letter', alice.no)
    await expect.poll(shown).toEqual([[`Letter from ${stage.cast.bob.name}`, 'A letter']])
    await (await stage.as('bob')).post('/messages', { recipient: alice.no, message: 'Psst' })
    await expect.poll(shown).toHaveLength(2)
    expect((await shown())[1]).toEqual([`Message from ${stage.cast.bob.name}`, 'Psst'])
    await page.evaluate('shownNotifications[0].onclick()')
    await page.getByRole('heading', { level: 1, name: 'A letter' }).waitFor()
    expect(new URL(page.url()).hash).toBe(`#/kom/texts/${letter}`)

    // Not while the person looks at the page.
    await page.evaluate('globalThis.isLookedAt = true')
    const last = await write('Seen at once', alice.no)
    await unread.getByRole('button', { name: alice.name }).getByText('3').waitFor()
    expect(await shown()).toHaveLength(2)
    expect(last).toBeGreaterThan(letter)
    await reader.close()
  })
})
