import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { ONE_SERVER } from '../contract/backends.ts'
import { chromiumInstalled } from '../support/chromium.ts'
import { accessibilityViolations, heading, type ReaderPage } from './reader-page.ts'
import { onReaderStage } from './reader-stage.ts'

const TEST_MS = 60_000
const IMAGE = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const HOSTILE_NAME = '<img src=x onerror="document.title=1"> &amp; "Q"'
const HOSTILE_SUBJECT = `</h1><script>document.title = 'run'</script> \u202e\u2066 \u0007 ${'long'.repeat(250)}`
const HOSTILE_BODY = [
  '<script>document.title = "run"</script><img src="http://example.org/x.png" onerror="document.title = 1">',
  'javascript:alert(1) data:text/html,x \u202ereversed\u202c \u0007\u001b[31m &amp; <b>bold</b>',
  `${'x'.repeat(10_000)} text 1`,
  `${'a  b'.repeat(2500)}`,
].join('\n\n')
const htmlWith = (url: string) => `<h1>A page</h1><script>document.title = 'run'; parent.document.title = 'run'</script>
<img src="${url}/x.png"><link rel="stylesheet" href="${url}/x.css"><meta http-equiv="refresh" content="0; url=${url}/">
<form action="${url}/"><button>Send</button></form><iframe src="${url}/"></iframe>
<ul><li>Coffee</li><li>Tea</li></ul><table><tr><th>Anna</th><td>5</td></tr><tr><th>Bertil</th><td>7</td></tr></table>`

type Page = ReaderPage['page']

const titled = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor()

describe.skipIf(!chromiumInstalled() && !process.env.CI).each(ONE_SERVER)('marks and texts on $name', ({ start }) => {
  const on = onReaderStage(start)

  const opened = (no: number) => ({ fragment: `#/kom/texts/${no}` })
  const show = (page: Page, fragment: string) => page.evaluate(`location.hash = '#/kom/${fragment}'`)
  const more = async (page: Page, name: string) => {
    await page.getByRole('button', { name: 'More', exact: true }).click()
    await page.getByRole('button', { name, exact: true }).click()
  }
  const marksOfAlice = async () =>
    (await (await on.stage.as('alice')).get('/texts/marks')).json.marks.map(
      ({ text_no }: { text_no: number }) => text_no,
    )

  it('marks texts and removes marks, and lists the marked texts as they are marked elsewhere', {
    timeout: TEST_MS,
  }, async () => {
    await on.readAll()
    const one = await on.write('One to keep\n.')
    const two = await on.write('Two to keep\n.')
    const gone = await on.write('Soon gone\n.')
    const alice = await on.stage.as('alice')
    await on.asPerson(
      'alice',
      async ({ page }) => {
        await titled(page, 'One to keep')
        await page.keyboard.press('m')
        await page.getByText('The text is marked.').waitFor()
        await page.getByText('Marked', { exact: true }).waitFor()
        expect(await marksOfAlice()).toEqual([one])

        await page.keyboard.press('g')
        await page.keyboard.press('m')
        await titled(page, 'Marked texts')
        const list = page.getByRole('list', { name: 'Marked texts' })
        await list.getByRole('link', { name: 'One to keep' }).waitFor()
        expect(await list.getByRole('listitem').textContent()).toContain(on.stage.cast.bob.name)

        await alice.put(`/texts/${two}/mark`, { type: 7 })
        await list.getByRole('link', { name: 'Two to keep' }).waitFor()
        await alice.put(`/texts/${gone}/mark`, { type: 100 })
        await list.getByRole('link', { name: 'Soon gone' }).waitFor()
        expect(await accessibilityViolations(page)).toEqual([])
        await page.getByRole('button', { name: `Remove the mark on text ${two}` }).click()
        await list.getByRole('link', { name: 'Two to keep' }).waitFor({ state: 'detached' })
        await (await on.stage.author('bob')).delete(gone)
        await alice.delete(`/texts/${one}/mark`)
        await list.getByRole('link', { name: 'One to keep' }).waitFor({ state: 'detached' })
        await expect.poll(marksOfAlice).not.toContain(two)
      },
      opened(one),
    )
    for (const no of await marksOfAlice()) await alice.delete(`/texts/${no}/mark`)
  })

  it('lists many marked texts in pages, each of them in one request', { timeout: TEST_MS }, async () => {
    await on.readAll()
    const alice = await on.stage.as('alice')
    const marked: number[] = []
    for (let i = 1; i <= 30; i++) marked.push(await on.write(`Marked ${i}\n.`))
    for (const no of marked) await alice.put(`/texts/${no}/mark`, { type: 100 })
    await on.readAll()
    await on.asPerson('alice', async ({ page, requests }) => {
      await titled(page, 'All read')
      const before = requests.length
      await page.getByRole('link', { name: 'Marked texts' }).click()
      const rows = page.getByRole('list', { name: 'Marked texts' }).getByRole('listitem')
      await expect.poll(() => rows.count()).toBe(25)
      await page.getByRole('button', { name: 'More marked texts' }).click()
      await expect.poll(() => rows.count()).toBe(30)
      expect(requests.length - before).toBe(2)
    })
    for (const no of marked) await alice.delete(`/texts/${no}/mark`)
  })

  it('has the rarer actions in a menu: link, raw text, recipients', { timeout: TEST_MS }, async () => {
    await on.readAll()
    const { club, other } = on.stage.cast
    const textNo = await on.write('Actions\n<b>raw</b>', { contentType: 'text/plain; charset=utf-8' })
    await on.asPerson(
      'alice',
      async ({ page }) => {
        await titled(page, 'Actions')
        const button = page.getByRole('button', { name: 'More', exact: true })
        await button.click()
        expect(await accessibilityViolations(page)).toEqual([])
        expect(await page.getByRole('button', { name: 'Delete…' }).count()).toBe(0)
        await page.keyboard.press('Escape')
        expect(await button.getAttribute('aria-expanded')).toBe('false')

        await more(page, 'Copy the link')
        await page.getByText('The link is copied.').or(page.getByText('This browser copies nothing.')).waitFor()

        await more(page, 'Show raw')
        const raw = page.getByRole('dialog', { name: `Text ${textNo}, raw` })
        await raw.getByText('<b>raw</b>').waitFor()
        await raw.getByText('text/plain; charset=utf-8').waitFor()
        expect(await accessibilityViolations(page)).toEqual([])
        await page.keyboard.press('Escape')

        await more(page, 'Recipients…')
        const dialog = page.getByRole('dialog', { name: `Recipients of text ${textNo}` })
        await dialog.getByText(club.name).waitFor()
        expect(await accessibilityViolations(page)).toEqual([])
        await dialog.getByRole('button', { name: `Remove ${club.name}` }).click()
        await dialog.getByText('A text needs a recipient.').waitFor()
        await dialog.getByRole('button', { name: 'Add', exact: true }).click()
        await dialog.getByText('Enter the name of a conference or a person.').waitFor()
        await dialog.getByRole('combobox', { name: 'Add a recipient' }).fill('contract oth')
        await dialog.getByLabel('As').selectOption('Copy')
        await dialog.getByRole('button', { name: 'Add', exact: true }).click()
        await dialog.getByRole('button', { name: `Remove ${other.name}` }).waitFor()
        await dialog.getByRole('button', { name: `Remove ${other.name}` }).click()
        await dialog.getByRole('button', { name: `Remove ${other.name}` }).waitFor({ state: 'detached' })
        // A phone on its side, or a magnified page: the dialog scrolls.
        await page.setViewportSize({ width: 320, height: 256 })
        await dialog.getByRole('button', { name: 'Close' }).click()
        await dialog.waitFor({ state: 'detached' })
      },
      opened(textNo),
    )
  })

  it('deletes an own text after asking', { timeout: TEST_MS }, async () => {
    await on.readAll()
    const textNo = await on.write('Mine\n.')
    await on.asPerson(
      'bob',
      async ({ page }) => {
        await titled(page, 'Mine')
        await more(page, 'Delete…')
        const dialog = page.getByRole('dialog', { name: `Delete text ${textNo}?` })
        expect(await accessibilityViolations(page)).toEqual([])
        await dialog.getByRole('button', { name: 'Cancel' }).click()
        await titled(page, 'Mine')
        await more(page, 'Delete…')
        await dialog.getByRole('button', { name: 'Delete the text' }).click()
        await page.getByText(`Text ${textNo} is deleted.`).waitFor()
        await page.getByText('This text has been deleted').waitFor()
      },
      opened(textNo),
    )
    expect((await (await on.stage.as('bob')).get(`/texts/${textNo}`)).status).toBe(404)
  })

  it('goes to a text by its number, and to conferences and persons by name', { timeout: TEST_MS }, async () => {
    await on.readAll()
    const { club, bob, texts } = on.stage.cast
    await on.asPerson('alice', async ({ page }) => {
      await titled(page, 'All read')
      const dialog = page.getByRole('dialog', { name: 'Go to' })
      const field = dialog.getByLabel('Text number, conference or person')
      const hash = () => new URL(page.url()).hash
      await page.keyboard.press('/')
      await field.fill(String(texts.root))
      await field.press('Enter')
      await titled(page, 'Räksmörgås')
      expect(hash()).toBe(`#/kom/texts/${texts.root}`)

      await page.keyboard.press('/')
      await field.pressSequentially('contract clu')
      await dialog.getByRole('option', { name: club.name }).waitFor()
      expect(await accessibilityViolations(page)).toEqual([])
      await field.press('ArrowDown')
      await field.press('Enter')
      await titled(page, club.name)
      expect(hash()).toBe(`#/kom/conferences/${club.no}`)

      await page.getByRole('button', { name: 'Go to' }).click()
      await field.fill('contract böb')
      await dialog.getByRole('button', { name: 'Open' }).click()
      await titled(page, bob.name)
      expect(hash()).toBe(`#/kom/persons/${bob.no}`)

      await page.keyboard.press('/')
      await field.press('Enter')
      await dialog.getByText('Enter the number of a text').waitFor()
      await field.fill('nobody at all')
      await dialog.getByRole('button', { name: 'Open' }).click()
      await dialog.getByText('No person or conference has that name.').waitFor()
      expect(await field.inputValue()).toBe('nobody at all')
      await page.keyboard.press('Escape')
      await dialog.waitFor({ state: 'detached' })
    })
  })

  it('shows hostile subjects, names and bodies as harmless, readable text everywhere', {
    timeout: TEST_MS,
  }, async () => {
    await on.readAll()
    const { json: eve } = await on.stage.send('POST', '/persons/', {
      id: (await on.stage.fresh()).id,
      json: { name: HOSTILE_NAME, passwd: 'eve' },
    })
    const author = await on.stage.authorOf({ no: eve.pers_no, passwd: 'eve' })
    const { club } = on.stage.cast
    const root = await author.write({
      contentType: 'text/plain; charset=utf-8',
      text: Buffer.from(`${HOSTILE_SUBJECT}\n${HOSTILE_BODY}`),
      to: [club.no, eve.pers_no],
    })
    const comment = await author.write({
      contentType: 'text/plain; charset=utf-8',
      text: Buffer.from(`${HOSTILE_SUBJECT}\n.`),
      to: [club.no],
      commentTo: [root],
    })
    await author.connection.close()
    await on.asPerson(
      'alice',
      async ({ page }) => {
        const fits = () => page.evaluate('document.documentElement.scrollWidth <= innerWidth')
        const isHarmless = async (): Promise<void> => {
          expect(await page.evaluate('document.scripts.length')).toBe(1)
          expect(await page.evaluate('document.images.length')).toBe(0)
          expect(await page.title()).not.toMatch(/^(?:run|1)$|\p{Cc}|[\u202e\u2066]/u)
          expect(await fits()).toBe(true)
        }
        await page.getByRole('article').getByText(HOSTILE_NAME).first().waitFor()
        expect(await heading(page).textContent()).toContain('</h1><script>')
        expect(await page.getByRole('article').textContent()).toContain('&amp; <b>bold</b>')
        await page.getByRole('complementary', { name: 'Thread' }).getByText('2 texts').waitFor()
        await isHarmless()
        await show(page, `texts/${comment}`)
        await page.getByRole('button', { name: `Show text ${root} here` }).click()
        await page.getByText('&amp; <b>bold</b>').first().waitFor()
        await isHarmless()
        await page.keyboard.press('m')
        await page.getByText('The text is marked.').waitFor()
        await show(page, 'marks')
        await page.getByRole('list', { name: 'Marked texts' }).getByRole('listitem').first().waitFor()
        await isHarmless()
        for (const view of [`conferences/${club.no}`, `persons/${eve.pers_no}`]) {
          await show(page, view)
          await page.getByRole('main').getByText('</h1><script>').first().waitFor()
          await isHarmless()
        }
        await page.setViewportSize({ width: 320, height: 640 })
        await show(page, `texts/${root}`)
        await page.getByRole('article').getByText('&amp; <b>bold</b>').waitFor()
        await isHarmless()
      },
      opened(root),
    )
  })

  it('shows a web page in a sandbox in which nothing runs, and nothing is loaded', { timeout: TEST_MS }, async () => {
    await on.readAll()
    const reached: unknown[] = []
    const foreign = createServer(({ url }, response) => {
      reached.push(url)
      response.end()
    })
    await once(foreign.listen(0, '127.0.0.1'), 'listening')
    const url = `http://127.0.0.1:${(foreign.address() as AddressInfo).port}`
    const textNo = await on.write(`Web page\n${htmlWith(url)}`, { contentType: 'text/html' })
    await on.asPerson(
      'alice',
      async ({ page, offences }) => {
        await titled(page, 'Web page')
        await page.getByText('A page').waitFor()
        expect(await page.locator('article').textContent()).toMatch(/• Coffee\n+• Tea\n+Anna 5 *\n+Bertil 7/)
        expect(await page.locator('iframe').count()).toBe(0)
        expect(offences).toEqual({ violations: [], errors: [], foreign: [] })
        await page.getByRole('button', { name: 'Show the web page' }).click()
        const frame = page.frameLocator('iframe[title="Web page: Web page"]')
        await frame.getByRole('heading', { name: 'A page' }).waitFor()
        expect(await page.locator('iframe').getAttribute('sandbox')).toBe('')
        expect(await page.title()).toBe('Web page – komgate')
        expect(await accessibilityViolations(page)).toEqual([])
        await page.getByRole('button', { name: 'Show as text' }).click()
        await page.locator('iframe').waitFor({ state: 'detached' })
        // Chromium reports the requests of the frame that it has blocked.
        for (const each of Object.values(offences)) each.length = 0
      },
      opened(textNo),
    )
    expect(reached).toEqual([])
    foreign.close()
  })

  it('shows images with their description, and offers other files with type and size', {
    timeout: TEST_MS,
  }, async () => {
    await on.readAll()
    const bytes = Buffer.from(IMAGE, 'base64')
    const withSubject = (subject: string, body: Buffer) => Buffer.concat([Buffer.from(`${subject}\n`), body])
    const bob = await on.stage.author('bob')
    const to = [on.stage.cast.club.no]
    const image = await bob.write({ text: withSubject('dot.png', bytes), contentType: 'image/png', to })
    const broken = await bob.write({ text: withSubject('broken.png', Buffer.from('x')), contentType: 'image/png', to })
    const file = await bob.write({ text: withSubject('a.zip', Buffer.alloc(2500)), contentType: 'application/zip', to })
    await on.asPerson(
      'alice',
      async ({ page }) => {
        await page.getByRole('img', { name: 'Image: dot.png' }).waitFor()
        expect(await page.getByRole('link', { name: 'Save the image' }).getAttribute('download')).toBe('dot.png')
        expect(await accessibilityViolations(page)).toEqual([])
        await show(page, `texts/${broken}`)
        await page.getByText('The image cannot be displayed.').waitFor()
        await show(page, `texts/${file}`)
        await page.getByText('The text is a file of the type application/zip, 2.5 kB.').waitFor()
        const [download] = await Promise.all([
          page.waitForEvent('download'),
          page.getByRole('button', { name: 'Download' }).click(),
        ])
        expect(download.suggestedFilename()).toBe('a.zip')
      },
      opened(image),
    )
  })
})
