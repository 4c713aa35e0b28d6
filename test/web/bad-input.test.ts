import { rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ONE_SERVER } from '../contract/backends.ts'
import { chromiumInstalled } from '../support/chromium.ts'
import { type Lyskomd, lyskomdInstalled, startLyskomd } from '../support/lyskomd.ts'
import { noisePng } from './png.ts'
import type { ReaderPage } from './reader-page.ts'
import { onReaderStage, type ReaderStage } from './reader-stage.ts'

const TEST_MS = 60_000
const MAX_TEXT_BYTES = 20_000

/** What the reader says, by language. */
const LANGUAGES = {
  English: {
    locale: 'en-GB',
    name: 'Name',
    password: 'Password',
    logIn: 'Log in',
    logOut: 'Log out',
    goesTo: 'Goes to',
    addRecipient: 'Add a recipient',
    subject: 'Subject',
    text: 'Text',
    comment: 'Your comment',
    send: 'Send',
    sendImages: 'Send the images',
    image: 'Description of image 1',
    isGone: (name: string) => `${name} does not exist any more.`,
    answeredIsGone: 'There is no such text any more, so nothing can be linked to it.',
    noSpace: 'The LysKOM server cannot store anything at the moment. What you have written is kept: send it later.',
    reduced: /kB, reduced from 8.2 MB to fit into a text/,
    imageTooLong: 'The image is too large: the server accepts 20,000 bytes.',
    sent: /Your text was sent as text \d+/,
  },
  Swedish: {
    locale: 'sv-SE',
    name: 'Namn',
    password: 'Lösenord',
    logIn: 'Logga in',
    logOut: 'Logga ut',
    goesTo: 'Skickas till',
    addRecipient: 'Lägg till en mottagare',
    subject: 'Ärende',
    text: 'Text',
    comment: 'Din kommentar',
    send: 'Skicka',
    sendImages: 'Skicka bilderna',
    image: 'Beskrivning av bild 1',
    isGone: (name: string) => `${name} finns inte längre.`,
    answeredIsGone: 'Inlägget du svarar på finns inte längre, så inget kan kopplas till det.',
    noSpace: 'LysKOM-servern kan inte spara något just nu. Det du har skrivit finns kvar: skicka det senare.',
    reduced: /kB, förminskad från 8,2 MB för att rymmas i ett inlägg/,
    imageTooLong: /^Bilden är för stor: servern tar emot 20\s000 byte\.$/,
    sent: /Ditt inlägg skickades som inlägg \d+/,
  },
} as const
type Words = (typeof LANGUAGES)[keyof typeof LANGUAGES]
const EACH = Object.entries(LANGUAGES).map(([language, words]) => ({ language, words }))

/** Opens the reader in a language, with alice logged in. */
async function enter(on: ReaderStage, words: Words, fragment: string): Promise<ReaderPage> {
  const reader = await on.open({ locale: words.locale, fragment })
  const { page } = reader
  const { alice } = on.stage.cast
  await page.getByLabel(words.name).fill(alice.name)
  await page.getByLabel(words.password).fill(alice.passwd)
  await page.getByRole('button', { name: words.logIn }).click()
  await page.getByRole('button', { name: words.logOut }).waitFor()
  return reader
}

const send = (page: Page, { send: name }: Words) => page.getByRole('button', { name, exact: true }).click()
const recipients = (page: Page, { goesTo }: Words) =>
  page.getByRole('list', { name: goesTo }).getByRole('listitem').locator('bdi').allTextContents()
const titled = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
/** Returns the sentences that describe a field: its hint and its error. */
const describedBy = (page: Page, label: string): Promise<string> =>
  page.getByLabel(label, { exact: true }).evaluate((field) =>
    (field.getAttribute('aria-describedby') ?? '')
      .split(' ')
      .map((id: string) => field.ownerDocument.getElementById(id)?.textContent ?? '')
      .join(' '),
  )

describe.skipIf(!chromiumInstalled() && !process.env.CI).each(ONE_SERVER)('bad input on $name', ({ start }) => {
  const on = onReaderStage(start)
  const { stage } = on

  it.each(EACH)(
    'a recipient that has vanished is named beside the recipients, in $language',
    {
      timeout: TEST_MS,
    },
    async ({ language, words }) => {
      const { connection } = await stage.author('alice')
      const type = { rdProt: false, original: false, secret: false, letterbox: false, allowAnonymous: false }
      const name = `Brief in ${language}`
      const brief = await connection.call('create-conf', {
        name,
        type: { ...type, forbidSecret: false, reserved2: false, reserved3: false },
        auxItems: [],
      })
      const reader = await enter(on, words, `#/kom/new/${brief}`)
      const { page } = reader
      await expect.poll(() => recipients(page, words)).toEqual([name])
      await page.getByLabel(words.addRecipient).fill(stage.cast.club.name)
      await page.getByLabel(words.addRecipient).press('Enter')
      await page.getByLabel(words.subject).fill('For all')
      await page.getByLabel(words.text, { exact: true }).fill('Typed before.')
      await connection.call('delete-conf', { conf: brief })
      await send(page, words)
      await expect.poll(() => describedBy(page, words.addRecipient)).toContain(words.isGone(name))
      expect(await page.getByLabel(words.addRecipient).getAttribute('aria-invalid')).toBe('true')
      expect(await recipients(page, words)).toEqual([name, stage.cast.club.name])
      expect(await page.getByLabel(words.subject).inputValue()).toBe('For all')
      expect(await page.getByLabel(words.text, { exact: true }).inputValue()).toBe('Typed before.')
      await reader.close()
    },
  )

  it.each(EACH)(
    'a text that is deleted while it is answered is named, in $language',
    {
      timeout: TEST_MS,
    },
    async ({ language, words }) => {
      await on.readAll()
      const subject = `Vanishing in ${language}`
      const textNo = await on.write(`${subject}\nSoon gone.`)
      const reader = await enter(on, words, `#/kom/texts/${textNo}`)
      const { page } = reader
      await titled(page, subject)
      await page.keyboard.press('c')
      await page.getByLabel(words.comment).fill('Too late.')
      await expect.poll(() => recipients(page, words)).toEqual([stage.cast.club.name])
      await (await stage.author('bob')).delete(textNo)
      await send(page, words)
      await page.getByText(words.answeredIsGone).waitFor()
      expect(await page.getByLabel(words.comment).inputValue()).toBe('Too late.')
      await page.reload()
      await page.getByRole('button', { name: words.logOut }).waitFor()
      expect(await page.evaluate("JSON.stringify(localStorage).includes('Too late.')")).toBe(true)
      await reader.close()
    },
  )
})

describe.skipIf(!(chromiumInstalled() && lyskomdInstalled()) && !process.env.CI)('bad input on lyskomd', () => {
  let lyskomd: Lyskomd
  const on = onReaderStage(async () => {
    lyskomd = await startLyskomd({ maxTextBytes: MAX_TEXT_BYTES })
    return lyskomd
  })

  /** Makes each write of lyskomd fail as on a full disk, until the returned function is called. */
  async function fillDisk(): Promise<() => Promise<void>> {
    const path = join(lyskomd.dir, 'db/number.tmp')
    await rm(path, { force: true })
    // lyskomd writes the number of a text here before the text.
    await symlink('/dev/full', path)
    const free = () => rm(path, { force: true })
    onTestFinished(free)
    return free
  }

  it.each(EACH)(
    'a full disk keeps nothing and loses nothing, in $language',
    {
      timeout: TEST_MS,
    },
    async ({ language, words }) => {
      const { club } = on.stage.cast
      const reader = await enter(on, words, `#/kom/new/${club.no}`)
      const { page } = reader
      const subject = `On a full disk in ${language}`
      await expect.poll(() => recipients(page, words)).toEqual([club.name])
      await page.getByLabel(words.subject).fill(subject)
      await page.getByLabel(words.text, { exact: true }).fill('Typed before.')
      const free = await fillDisk()
      await send(page, words)
      await page.getByRole('alert').getByText(words.noSpace).waitFor()
      expect(await page.getByLabel(words.subject).inputValue()).toBe(subject)
      expect(await page.getByLabel(words.text, { exact: true }).inputValue()).toBe('Typed before.')
      expect(await recipients(page, words)).toEqual([club.name])
      await free()
      await send(page, words)
      await titled(page, subject)
      await page.getByText(words.sent).waitFor()
      const { json } = await (await on.stage.as('alice')).get(
        `/persons/${on.stage.cast.alice.no}/texts/?no-of-texts=10`,
      )
      expect(json.texts.filter((text: { subject: string }) => text.subject === subject)).toHaveLength(1)
      await reader.close()
    },
  )

  it.each(EACH)(
    'an image of 8 MB is reduced, and refused beside it if it still is too large, in $language',
    {
      timeout: TEST_MS,
    },
    async ({ language, words }) => {
      const { club } = on.stage.cast
      const reader = await enter(on, words, `#/kom/new/${club.no}`)
      const { page } = reader
      await expect.poll(() => recipients(page, words)).toEqual([club.name])
      await page.getByLabel(words.subject).fill(`A picture in ${language}`)
      await page.getByLabel(words.text, { exact: true }).fill('Look.')
      const buffer = noisePng(1700, 1600)
      await page.locator('input[type=file]').setInputFiles({ name: 'garden.png', mimeType: 'image/png', buffer })
      await page.getByText(words.reduced).waitFor()
      await page.getByLabel(words.image).fill('Our garden')
      await send(page, words)
      await page.getByRole('button', { name: words.sendImages }).waitFor()
      await expect.poll(() => describedBy(page, words.image)).toMatch(words.imageTooLong)
      expect(await page.getByLabel(words.image).getAttribute('aria-invalid')).toBe('true')
      expect(await page.getByLabel(words.image).inputValue()).toBe('Our garden')
      expect(await page.getByLabel(words.text, { exact: true }).inputValue()).toBe('Look.')
      await reader.close()
    },
  )
})
