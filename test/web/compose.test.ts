import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ONE_SERVER } from '../contract/backends.ts'
import { onStage } from '../contract/stage.ts'
import { build } from '../support/built-command.ts'
import { chromiumInstalled, startChromium } from '../support/chromium.ts'
import { noisePng } from './png.ts'
import { accessibilityViolations, openReader, type ReaderPage } from './reader-page.ts'

const START_MS = 60_000
const TEST_MS = 90_000

/** Pastes a file into the field that has the focus, or drops it on the page; with a text if there is one. */
const GIVE = `([how, data, name, type, text]) => {
  const transfer = new DataTransfer()
  if (text) transfer.setData('text/plain', text)
  transfer.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name, { type }))
  const options = { bubbles: true, cancelable: true, dataTransfer: transfer, clipboardData: transfer }
  if (how === 'drop') document.body.dispatchEvent(new DragEvent('drop', options))
  else document.activeElement.dispatchEvent(new ClipboardEvent('paste', options))
}`

describe.skipIf(!chromiumInstalled() && !process.env.CI).each(ONE_SERVER)('writing on $name', ({ start }) => {
  const stage = onStage(start)
  let browser: Browser
  beforeAll(async () => {
    await build()
    browser = await startChromium()
  }, START_MS)
  afterAll(() => browser.close())

  /** Runs a test with a page that shows a view of alice. */
  async function asAlice(
    fragment: string,
    test: (page: Page, reader: ReaderPage) => Promise<void>,
    options: Parameters<typeof openReader>[2] = {},
  ): Promise<void> {
    const reader = await openReader(browser, stage.gateway.url, { fragment: `#/kom/${fragment}`, ...options })
    const { alice } = stage.cast
    await reader.logIn(alice.name, alice.passwd)
    await test(reader.page, reader)
    await reader.close()
  }

  const write = async (by: 'alice' | 'bob', subject: string): Promise<number> =>
    await (await stage.author(by)).write({ text: `${subject}\nBody of it.`, to: [stage.cast.club.no] })

  const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name }).waitFor()
  const send = (page: Page) => page.getByRole('button', { name: 'Send', exact: true }).click()
  const recipients = (page: Page) => page.getByRole('list', { name: 'Goes to' }).getByRole('listitem')
  /** Returns the names of the recipients of the form. */
  const recipientNames = (page: Page) => recipients(page).locator('bdi').allTextContents()
  const shownNo = (page: Page): number => Number(new URL(page.url()).hash.split('/').at(-1))
  const textOf = async (no: number) => (await (await stage.as('alice')).get(`/texts/${no}`)).json

  /** Returns the texts of alice with a subject. */
  async function written(subject: string): Promise<number[]> {
    const { json } = await (await stage.as('alice')).get(`/persons/${stage.cast.alice.no}/texts/?no-of-texts=50`)
    const texts: { text_no: number; subject: string }[] = json.texts
    return texts.filter((text) => text.subject === subject).map(({ text_no }) => text_no)
  }

  it('writes a new text to a conference and others, and shows it', { timeout: TEST_MS }, async () => {
    const { club, carol } = stage.cast
    await asAlice(`conferences/${club.no}`, async (page) => {
      await page.getByRole('button', { name: 'Write', exact: true }).click()
      await heading(page, 'Write a text')
      expect(new URL(page.url()).hash).toBe(`#/kom/new/${club.no}`)
      await expect.poll(() => recipientNames(page)).toEqual([club.name])
      const name = page.getByLabel('Add a recipient')
      await name.pressSequentially('c car')
      await page.getByRole('option', { name: carol.name }).click()
      expect(await recipientNames(page)).toEqual([club.name, carol.name])
      await page.getByLabel(`How ${carol.name} receives it`).selectOption('Copy')
      await page.getByLabel('Subject').fill('A new text')
      // Enter goes on to the text instead of sending it.
      await page.getByLabel('Subject').press('Enter')
      await page.keyboard.type('Hello, ☕ everyone.')
      await page.keyboard.press('Control+Enter')
      await heading(page, 'A new text')
      await page.getByRole('article').getByText('Hello, ☕ everyone.').waitFor()
      const no = shownNo(page)
      await page.getByText(`Your text was sent as text ${no}.`).waitFor()
      expect(await page.getByRole('link', { name: `Show text ${no}` }).getAttribute('href')).toBe(`#/kom/texts/${no}`)
      const { recipient_list } = await textOf(no)
      expect(
        recipient_list.map((each: { type: string; recpt: { conf_no: number } }) => [each.type, each.recpt.conf_no]),
      ).toEqual([
        ['to', club.no],
        ['cc', carol.no],
      ])
      await page.getByRole('link', { name: 'Write a text' }).click()
      await heading(page, 'Write a text')
      expect(await page.getByRole('list', { name: 'Unfinished' }).count()).toBe(0)
      expect(await recipientNames(page)).toEqual([])
    })
  })

  it('says beside each field what is wrong, and keeps what was typed', { timeout: TEST_MS }, async () => {
    const { bob } = stage.cast
    await asAlice('new', async (page) => {
      await heading(page, 'Write a text')
      const name = page.getByLabel('Add a recipient')
      const wrong = async (message: string): Promise<void> => {
        await page.getByText(message).waitFor()
        expect(await name.getAttribute('aria-invalid')).toBe('true')
        await expect.poll(() => page.evaluate('document.activeElement.id')).toBe(await name.getAttribute('id'))
      }
      await page.getByLabel('Text', { exact: true }).fill('Typed before.')
      await send(page)
      await wrong('Choose at least one recipient.')
      for (const [typed, message] of [
        ['日本', 'names in LysKOM are written in ISO 8859-1'],
        ['Nobody at all', 'No person or conference has that name.'],
        ['Contract', 'Several names match.'],
      ] as const) {
        await name.fill(typed)
        await name.press('Enter')
        await wrong(message)
        expect(await name.inputValue()).toBe(typed)
      }
      // A name that has been typed and not chosen is not left out.
      await name.fill('Nobody at all')
      await send(page)
      await wrong('No person or conference has that name.')
      await name.fill(bob.name)
      await send(page)
      await page.getByText('The text needs a subject.').waitFor()
      expect(await page.getByLabel('Subject').getAttribute('aria-invalid')).toBe('true')
      expect(await recipientNames(page)).toEqual([bob.name])
      await name.fill(bob.name)
      await name.press('Enter')
      await page.getByText(`${bob.name} is a recipient already.`).waitFor()
      await page.getByLabel('Subject').fill('Too long')
      await page.getByLabel('Text', { exact: true }).fill('x'.repeat(140_000))
      await send(page)
      await page.getByText('The text is too long: the server accepts 131,072 bytes.').waitFor()
      expect((await page.getByLabel('Text', { exact: true }).inputValue()).length).toBe(140_000)
      expect(await written('Too long')).toEqual([])
      expect(await accessibilityViolations(page)).toEqual([])
    })
  })

  it('marks the recipient that has vanished, or does not accept the text', { timeout: TEST_MS }, async () => {
    const { connection } = await stage.author('alice')
    const { club, secret } = stage.cast
    const type = { rdProt: false, original: false, secret: false, letterbox: false, allowAnonymous: false }
    const make = (name: string): Promise<number> =>
      connection.call('create-conf', {
        name,
        type: { ...type, forbidSecret: false, reserved2: false, reserved3: false },
        auxItems: [],
      })
    const brief = await make('Brief conference')
    const strict = await make('Strict conference')
    await connection.call('set-permitted-submitters', { confNo: strict, permSub: secret.no })
    await connection.call('set-super-conf', { confNo: strict, superConf: 0 })
    const reader = await openReader(browser, stage.gateway.url, { fragment: `#/kom/new/${brief}` })
    const { page } = reader
    await reader.logIn(stage.cast.bob.name, stage.cast.bob.passwd)
    await expect.poll(() => recipientNames(page)).toEqual(['Brief conference'])
    for (const name of ['Strict conference', club.name]) {
      await page.getByLabel('Add a recipient').fill(name)
      await page.getByLabel('Add a recipient').press('Enter')
      await page.getByRole('button', { name: `Remove ${name}` }).waitFor()
    }
    await page.getByLabel('Subject').fill('For all')
    await page.getByLabel('Text', { exact: true }).fill('Kept.')
    await connection.call('delete-conf', { conf: brief })
    await send(page)
    await page.getByText('Brief conference does not exist any more.').waitFor()
    await page.getByRole('button', { name: 'Remove Brief conference' }).click()
    await send(page)
    await page.getByText('Strict conference does not accept texts from you.').waitFor()
    expect(await page.getByLabel('Text', { exact: true }).inputValue()).toBe('Kept.')
    await page.getByRole('button', { name: 'Remove Strict conference' }).click()
    await send(page)
    await heading(page, 'For all')
    await reader.close()
  })

  it('writes footnotes to own texts, and private answers to those of others', { timeout: TEST_MS }, async () => {
    const { alice, bob, club } = stage.cast
    const own = await write('alice', 'My own')
    const other = await write('bob', 'Of another')
    await asAlice(`texts/${own}`, async (page) => {
      await heading(page, 'My own')
      expect(await page.getByRole('button', { name: 'Private answer' }).count()).toBe(0)
      await page.keyboard.press('a')
      await page.keyboard.press('f')
      await expect.poll(() => recipientNames(page)).toEqual([club.name])
      await page.getByLabel('Your footnote').fill('An afterthought.')
      await page.keyboard.press('Control+Enter')
      await page.getByText(/Your footnote was sent as text \d+/).waitFor()
      await page.getByRole('link', { name: `Footnote by ${alice.name}` }).waitFor()
      expect((await textOf(own)).comment_in_list).toMatchObject([{ type: 'footnote' }])

      await page.evaluate(`location.hash = '#/kom/texts/${other}'`)
      await heading(page, 'Of another')
      expect(await page.getByRole('button', { name: 'Footnote' }).count()).toBe(0)
      await page.keyboard.press('f')
      await page.keyboard.press('a')
      await expect.poll(() => recipientNames(page)).toEqual([bob.name, alice.name])
      // The text that is answered stays visible.
      await page.getByText('Body of it.').waitFor()
      await page.getByLabel('Your answer').fill('Between us.')
      await page.keyboard.press('Control+Enter')
      await page.getByText(/Your answer was sent as text \d+/).waitFor()
      const [{ type, text_no }] = (await textOf(other)).comment_in_list
      expect(type).toBe('comment')
      const { recipient_list, body } = await textOf(text_no)
      expect([body, ...recipient_list.map((each: { recpt: { conf_no: number } }) => each.recpt.conf_no)]).toEqual([
        'Between us.',
        bob.no,
        alice.no,
      ])
    })
  })

  it('keeps a draft for each text and kind, and lists the unfinished ones', { timeout: TEST_MS }, async () => {
    const { club } = stage.cast
    const no = await write('bob', 'Much to say')
    await asAlice(`texts/${no}`, async (page) => {
      await heading(page, 'Much to say')
      await page.keyboard.press('c')
      await page.getByLabel('Your comment').fill('In public')
      await page.getByRole('button', { name: 'Private answer' }).click()
      await page.getByLabel('Your answer').fill('In private')
      await page.getByLabel('Your answer').press('Escape')
      await page.getByRole('form').waitFor({ state: 'detached' })
      await page.keyboard.press('a')
      expect(await page.getByLabel('Your answer').inputValue()).toBe('In private')
      await page.evaluate(`location.hash = '#/kom/new/${club.no}'`)
      await page.getByLabel('Subject').fill('Half a text')
      await page.reload()
      await expect.poll(() => page.getByLabel('Subject').inputValue()).toBe('Half a text')
      await page.getByRole('link', { name: 'Write a text' }).click()
      const items = page.getByRole('list', { name: 'Unfinished' }).getByRole('listitem')
      await expect
        .poll(async () => (await items.allTextContents()).sort((a, b) => a.localeCompare(b)))
        .toEqual([
          `Half a text${club.name}`,
          `Much to sayComment to text ${no}`,
          `Much to sayPrivate answer to text ${no}`,
        ])
      await items.filter({ hasText: 'Comment to' }).getByRole('link').click()
      await expect.poll(() => page.getByLabel('Your comment').inputValue()).toBe('In public')
      // Discarding what has contents is asked for twice.
      await page.getByRole('button', { name: 'Discard' }).click()
      await page.getByRole('button', { name: 'Discard for good' }).click()
      await page.getByRole('form').waitFor({ state: 'detached' })
      await page.getByRole('button', { name: 'Comment' }).click()
      expect(await page.getByLabel('Your comment').inputValue()).toBe('')
    })
  })

  it('gives the form the focus when a key opens it, and not when its draft is shown', {
    timeout: TEST_MS,
  }, async () => {
    const no = await write('bob', 'Often commented')
    await asAlice(`texts/${no}`, async (page) => {
      const body = page.getByLabel('Your comment')
      const focused = () => page.evaluate('document.activeElement.localName')
      await heading(page, 'Often commented')
      await page.keyboard.type('cfirst')
      expect(await body.inputValue()).toBe('first')
      await body.press('Escape')
      await body.waitFor({ state: 'detached' })
      await page.keyboard.type('c second')
      expect(await body.inputValue()).toContain(' second')
      await page.reload()
      await body.waitFor()
      await expect.poll(focused).toBe('h1')
      await page.keyboard.type('c third')
      expect(await body.inputValue()).toContain(' third')
    })
  })

  it('adds images by paste, drop and a button, and sends them as footnotes', { timeout: TEST_MS }, async () => {
    const { club } = stage.cast
    const small = noisePng(40, 30)
    const large = noisePng(1700, 1600)
    expect(large.length).toBeGreaterThan(8_000_000)
    await asAlice(`new/${club.no}`, async (page) => {
      await expect.poll(() => recipientNames(page)).toEqual([club.name])
      await page.getByLabel('Subject').fill('Pictures')
      const images = page.getByRole('list', { name: 'Images' }).getByRole('listitem')
      /** Pastes or drops a file. */
      const give = (kind: 'paste' | 'drop', bytes: Buffer, name: string, type: string, text?: string) =>
        page.evaluate(`(${GIVE})(${JSON.stringify([kind, bytes.toString('base64'), name, type, text])})`)
      await give('paste', small, 'image.png', 'image/png')
      await expect.poll(() => images.count()).toBe(1)
      // A picture of cells is left out.
      await give('paste', small, 'image.png', 'image/png', 'Jan\t12')
      await give('drop', Buffer.from('just words'), 'notes.txt', 'text/plain')
      await page.getByText('notes.txt is not an image.').waitFor()
      await give('drop', Buffer.from('no pixels'), 'broken.png', 'image/png')
      await page.getByText('broken.png cannot be read as an image.').waitFor()
      await give('drop', small, 'dropped.png', 'image/png')
      await expect.poll(() => images.count()).toBe(2)
      const [chooser] = await Promise.all([
        page.waitForEvent('filechooser'),
        page.getByRole('button', { name: 'Add images' }).click(),
      ])
      await chooser.setFiles({ name: 'Großes Bild.png', mimeType: 'image/png', buffer: large })
      await page.getByText(/kB, reduced from 8.2 MB to fit into a text/).waitFor()
      expect(await page.getByLabel('Description of image 3').inputValue()).toBe('Großes Bild')
      expect(await accessibilityViolations(page)).toEqual([])
      await page.getByRole('button', { name: 'Remove image 2' }).click()
      await expect.poll(() => images.count()).toBe(2)

      // A crash loses none of it.
      await page.reload()
      await expect.poll(() => images.count()).toBe(2)
      await expect
        .poll(() => page.getByRole('img', { name: 'Großes Bild' }).evaluate((image) => image.clientWidth))
        .toBeGreaterThan(0)
      await page.getByLabel('Description of image 1').fill('日本')
      await send(page)
      await page.getByText('Descriptions of images are written in ISO 8859-1').waitFor()
      await page.getByLabel('Description of image 1').fill('A small one')

      // The first image is refused; then it alone is sent again.
      let isRefused = true
      await page.route('**/batch', async (route) => {
        const body = route.request().postData() ?? ''
        if (!isRefused || !body.includes('A small one')) return await route.continue()
        isRefused = false
        const id = JSON.parse(body).requests[0].id
        const error = { error_type: 'protocol-a', error_code: 45, error_status: '0', error_msg: 'TemporaryFailure' }
        const parts = [
          { id, status: 400, body: error },
          { id: JSON.parse(body).requests[1].id, status: 424, body: {} },
        ]
        await route.fulfill({
          contentType: 'application/x-ndjson',
          body: parts.map((part) => JSON.stringify(part)).join('\n'),
        })
      })
      await send(page)
      await page.getByText('but not all of its images').waitFor()
      await page.getByText('The LysKOM server cannot store anything at the moment.').waitFor()
      await page.getByRole('button', { name: 'Send the images' }).click()
      await heading(page, 'Pictures')
      const [no, ...others] = await written('Pictures')
      expect(others).toEqual([])
      const { comment_in_list } = await textOf(no as number)
      expect(comment_in_list.map(({ type }: { type: string }) => type)).toEqual(['footnote', 'footnote'])
      const [first, second] = await Promise.all(
        comment_in_list.map((link: { text_no: number }) => textOf(link.text_no)),
      )
      expect([first.subject, first.content_type, second.subject, second.content_type]).toEqual([
        'A small one',
        'image/png',
        'Großes Bild',
        'image/jpeg',
      ])
      const body = await stage.send('GET', `/texts/${first.text_no}/body`, { id: (await stage.as('alice')).id })
      expect(body.status).toBe(200)
      await page.evaluate(`location.hash = '#/kom/texts/${second.text_no}'`)
      await page.getByRole('img', { name: 'Image: Großes Bild' }).waitFor()
    })
  })

  it('sends a text with the images that are still being prepared', { timeout: TEST_MS }, async () => {
    const { club } = stage.cast
    await asAlice(`new/${club.no}`, async (page) => {
      const give = (bytes: Buffer, name: string) =>
        page.evaluate(`(${GIVE})(${JSON.stringify(['drop', bytes.toString('base64'), name, 'image/png'])})`)
      // Images are decoded when the test says so.
      await page.evaluate(`{
        const { decode } = Image.prototype
        const released = new Promise((resolve) => { window.release = resolve })
        Image.prototype.decode = async function () {
          await released
          await decode.call(this)
        }
      }`)
      await expect.poll(() => recipientNames(page)).toEqual([club.name])
      const body = page.getByLabel('Text', { exact: true })
      await page.getByLabel('Subject').fill('Sent at once')
      await give(noisePng(40, 30), 'cat.png')
      await give(Buffer.from('no pixels'), 'broken.png')
      await body.press('Control+Enter')
      await page.getByRole('button', { name: 'Sending' }).waitFor()
      expect(await page.getByRole('button', { name: 'Discard' }).isDisabled()).toBe(true)
      await page.evaluate('release()')
      await page.getByText('broken.png cannot be read as an image.').waitFor()
      await page.getByRole('img', { name: 'cat' }).waitFor()
      expect(await written('Sent at once')).toEqual([])

      await give(noisePng(800, 600), 'large.png')
      await body.press('Control+Enter')
      await heading(page, 'Sent at once')
      const { comment_in_list } = await textOf(shownNo(page))
      const images = await Promise.all(comment_in_list.map((link: { text_no: number }) => textOf(link.text_no)))
      expect(images.map(({ subject }) => subject)).toEqual(['cat', 'large'])
      await page.getByRole('link', { name: 'Write a text' }).click()
      await heading(page, 'Write a text')
      expect(await page.getByRole('list', { name: 'Unfinished' }).count()).toBe(0)
    })
  })

  it('goes on with a draft that is being sent in the form that shows it next', { timeout: TEST_MS }, async () => {
    const { club } = stage.cast
    await asAlice(`new/${club.no}`, async (page) => {
      await expect.poll(() => recipientNames(page)).toEqual([club.name])
      const body = page.getByLabel('Text', { exact: true })
      const goAway = async () => {
        await page.getByRole('link', { name: 'Marked' }).click()
        await heading(page, 'Marked texts')
      }
      await page.getByLabel('Subject').fill('Left while it was sent')
      await page.evaluate(
        `(${GIVE})(${JSON.stringify(['drop', noisePng(40, 30).toString('base64'), 'cat.png', 'image/png'])})`,
      )
      await page.getByRole('img', { name: 'cat' }).waitFor()
      // The gateway is reached when the test says so, and not before.
      await page.evaluate(`{
        const send = fetch
        const answers = [() => { throw new TypeError('no network') }, (...args) => send(...args)]
        window.fetch = async (url, init) => {
          if (!init?.body?.includes('Left while it was sent')) return await send(url, init)
          await new Promise((resolve) => { window.release = resolve })
          return answers.shift()(url, init)
        }
      }`)
      await body.press('Control+Enter')
      await page.getByRole('button', { name: 'Sending' }).waitFor()
      expect(await page.getByRole('button', { name: 'Remove image 1' }).isDisabled()).toBe(true)
      await goAway()
      await page.evaluate('release()')
      await page.getByText('the text may have been sent').waitFor()
      expect(await page.getByText('was not sent').count()).toBe(0)

      await page.goBack()
      await body.press('Control+Enter')
      await page.getByRole('button', { name: 'Sending' }).waitFor()
      await goAway()
      await page.goBack()
      await page.getByRole('button', { name: 'Sending' }).waitFor()
      expect(await body.isEditable()).toBe(false)
      await page.evaluate('release()')
      await heading(page, 'Left while it was sent')
      expect(await written('Left while it was sent')).toHaveLength(1)
    })
  })

  it('sends once from two windows, and closes the form in the other one', { timeout: TEST_MS }, async () => {
    const { club } = stage.cast
    const reader = await openReader(browser, stage.gateway.url, { fragment: `#/kom/new/${club.no}` })
    const { page } = reader
    await page.getByLabel('Stay logged in').check()
    await reader.logIn(stage.cast.alice.name, stage.cast.alice.passwd)
    await expect.poll(() => recipientNames(page)).toEqual([club.name])
    await page.getByLabel('Subject').fill('From two windows')
    const other = await page.context().newPage()
    await other.goto(`${stage.gateway.url}/app/#/kom/new/${club.no}`)
    await expect.poll(() => other.getByLabel('Subject').inputValue()).toBe('From two windows')
    await other.getByLabel('Text', { exact: true }).fill('Typed in the other one.')
    await expect.poll(() => page.getByLabel('Text', { exact: true }).inputValue()).toBe('Typed in the other one.')
    await Promise.all([send(page), send(other)])
    const outcomes = await Promise.all(
      [page, other].map((each) =>
        each.getByText(/Your text was sent|sent or discarded in another window/).textContent(),
      ),
    )
    expect(await written('From two windows')).toHaveLength(1)
    expect(outcomes.filter((text) => text?.includes('Your text was sent'))).toHaveLength(1)
    await reader.close()
  })

  it('sends a text once that was being sent when the page was closed', { timeout: TEST_MS }, async () => {
    const { club } = stage.cast
    const reader = await openReader(browser, stage.gateway.url, { fragment: `#/kom/new/${club.no}` })
    const { page } = reader
    await page.getByLabel('Stay logged in').check()
    await reader.logIn(stage.cast.alice.name, stage.cast.alice.passwd)
    await expect.poll(() => recipientNames(page)).toEqual([club.name])
    await page.getByLabel('Subject').fill('Closed too early')
    await page.getByLabel('Text', { exact: true }).fill('Is it there?')
    // The answer never arrives.
    await page.evaluate(`{
      const send = fetch
      window.fetch = async (url, init) => {
        const response = await send(url, init)
        return init.body?.includes('Closed too early') ? await new Promise(() => undefined) : response
      }
    }`)
    await page.getByLabel('Text', { exact: true }).press('Control+Enter')
    await page.getByLabel('Text', { exact: true }).press('Control+Enter')
    await expect.poll(() => written('Closed too early')).toHaveLength(1)
    const again = await page.context().newPage()
    await page.close()
    await again.goto(`${stage.gateway.url}/app/#/kom/new/${club.no}`)
    await expect.poll(() => again.getByLabel('Subject').inputValue()).toBe('Closed too early')
    await send(again)
    await again.getByText('Your text was sent').waitFor()
    expect(await written('Closed too early')).toHaveLength(1)
    await reader.close()
  })

  it('makes a text of its own of a comment whose text has been deleted', { timeout: TEST_MS }, async () => {
    const no = await write('bob', 'Short-lived')
    await asAlice(`texts/${no}`, async (page) => {
      await heading(page, 'Short-lived')
      await page.keyboard.press('c')
      await page.getByLabel('Your comment').fill('A long comment.')
      await (await stage.author('bob')).delete(no)
      await page.getByText('This text has been deleted').waitFor()
      await send(page)
      await page.getByRole('button', { name: 'Write it as a text of its own' }).click()
      await heading(page, 'Write a text')
      expect(await page.getByLabel('Text', { exact: true }).inputValue()).toBe('A long comment.')
      await send(page)
      await heading(page, 'Short-lived')
      expect(await written('Short-lived')).toHaveLength(1)
    })
  })

  it('shows the drafts about a deleted text, and makes texts of their own of them', { timeout: TEST_MS }, async () => {
    const { club } = stage.cast
    const no = await write('bob', 'Gone after a reload')
    await asAlice(`texts/${no}`, async (page) => {
      await heading(page, 'Gone after a reload')
      await page.keyboard.press('a')
      await page.getByLabel('Your answer').fill('In private.')
      await page.getByLabel('Your answer').press('Escape')
      await page.keyboard.press('c')
      await page.getByLabel('Your comment').fill('Typed before it was deleted.')
      // The address of a new text without a recipient is taken.
      await page.evaluate(`location.hash = '#/kom/new'`)
      await page.getByLabel('Text', { exact: true }).fill('Another one.')
      await (await stage.author('bob')).delete(no)
      await page.reload()
      await page.getByRole('listitem').filter({ hasText: 'Comment to' }).getByRole('link').click()
      await heading(page, 'No such text')
      expect(await page.getByLabel('Your comment').inputValue()).toBe('Typed before it was deleted.')
      expect(await accessibilityViolations(page)).toEqual([])
      const answer = page.getByRole('region', { name: 'Private answer to text' })
      await answer.getByRole('button', { name: 'Discard' }).click()
      await answer.getByRole('button', { name: 'Discard for good' }).click()
      await answer.waitFor({ state: 'detached' })
      await page.getByRole('button', { name: 'Write it as a text of its own' }).click()
      await heading(page, 'Write a text')
      expect(await page.getByLabel('Text', { exact: true }).inputValue()).toBe('Typed before it was deleted.')
      expect(await recipientNames(page)).toEqual([])
      await page.getByLabel('Add a recipient').fill(club.name)
      await send(page)
      await heading(page, 'Gone after a reload')
      expect(await written('Gone after a reload')).toHaveLength(1)
    })
  })

  it('fits on a small phone, and has no violations in its views', { timeout: TEST_MS }, async () => {
    const { club } = stage.cast
    const no = await write('bob', 'On the phone')
    const viewport = { width: 320, height: 640 }
    await asAlice(
      `texts/${no}`,
      async (page) => {
        await heading(page, 'On the phone')
        await page.getByRole('button', { name: 'Private answer' }).click()
        await expect.poll(() => recipients(page).count()).toBe(2)
        await page.getByLabel('Your answer').fill('Short.')
        expect(await accessibilityViolations(page)).toEqual([])
        expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
        await page.evaluate(`location.hash = '#/kom/new/${club.no}'`)
        await heading(page, 'Write a text')
        await page.getByRole('list', { name: 'Unfinished' }).waitFor()
        expect(await accessibilityViolations(page)).toEqual([])
        expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
      },
      { viewport, hasTouch: true },
    )
  })
})
