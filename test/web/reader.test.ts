import { describe, expect, it } from 'vitest'
import { BACKENDS } from '../contract/backends.ts'
import { chromiumInstalled } from '../support/chromium.ts'
import { heading } from './reader-page.ts'
import { onReaderStage } from './reader-stage.ts'

const TEST_MS = 60_000

const HOSTILE = [
  '<script>document.title = "run"</script><img src=x onerror="document.title = 1">',
  'javascript:alert(1) \u202ereversed\u202c \u0007\u001b[31m &amp; <b>bold</b>',
  `${'x'.repeat(10_000)} text 1`,
].join('\n')

describe.skipIf(!chromiumInstalled() && !process.env.CI).each(BACKENDS)('the reader on $name', ({ start }) => {
  const on = onReaderStage(start)

  it('completes names while they are typed, and says beside the field what is wrong', {
    timeout: TEST_MS,
  }, async () => {
    const reader = await on.open()
    const { page } = reader
    const name = page.getByLabel('Name')
    await name.pressSequentially('c a')
    await page.getByRole('option', { name: 'Contract Alice' }).waitFor()
    await name.press('ArrowDown')
    await name.press('Enter')
    expect(await name.inputValue()).toBe('Contract Alice')

    await page.getByLabel('Password').fill('wrong')
    await page.getByLabel('Password').press('Enter')
    await page.getByText('That is not the password of this person.').waitFor()
    expect(await page.getByLabel('Password').getAttribute('aria-invalid')).toBe('true')

    await name.fill('Nobody at all')
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByText('There is no person with that name on this server.').waitFor()
    await name.fill('日本')
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByText('There is no person with that name on this server.').waitFor()

    await reader.logIn('contract alice', on.stage.cast.alice.passwd)
    await reader.close()
  })

  it('reads thread by thread, marks as read in batches, and undoes it', { timeout: TEST_MS }, async () => {
    await on.readAll()
    const first = await on.write('First\nThe first text.')
    const other = await on.write('Other\nAnother text.')
    const comment = await on.write(`Comment\nSee text ${other}.`, { commentTo: [first] })
    await on.asPerson('alice', async ({ page, requests }) => {
      const unread = page.getByRole('list', { name: 'Unread' })
      await page.getByRole('heading', { level: 1, name: 'First' }).waitFor()
      expect(new URL(page.url()).hash).toBe(`#/kom/texts/${first}`)
      expect(await unread.getByRole('listitem').allTextContents()).toEqual([`${on.stage.cast.club.name}3`])

      await page.keyboard.press('n')
      await page.getByRole('heading', { level: 1, name: 'Comment' }).waitFor()
      await page.getByRole('link', { name: `Comment to text ${first} by ${on.stage.cast.bob.name}` }).waitFor()
      expect(await unread.getByRole('listitem').allTextContents()).toEqual([`${on.stage.cast.club.name}2`])
      await page.keyboard.press('Space')
      await page.getByRole('heading', { level: 1, name: 'Other' }).waitFor()
      await page.getByText('All read').waitFor()
      await expect.poll(() => on.unreadOfAlice()).toEqual([other])
      expect(requests.filter((each) => each.endsWith('/read-marking'))).toEqual([])

      // Back to the comment, which is kept as unread.
      await page.keyboard.press('p')
      await page.getByRole('heading', { level: 1, name: 'Comment' }).waitFor()
      await page.keyboard.press('u')
      await page.getByText('The text is unread again.').waitFor()
      await expect.poll(() => on.unreadOfAlice()).toEqual([comment])
      await page.getByRole('link', { name: `text ${other}` }).click()
      await page.getByRole('heading', { level: 1, name: 'Other' }).waitFor()
      expect(await on.unreadOfAlice()).toEqual([comment])
    })
  })

  it('shows new texts, and what is read elsewhere, without a reload', { timeout: TEST_MS }, async () => {
    await on.readAll()
    await on.asPerson('alice', async ({ page, requests }) => {
      await page.getByRole('heading', { level: 1, name: 'All read' }).waitFor()
      const before = requests.length
      const textNo = await on.write('Fresh\nJust written.')
      await page.getByRole('heading', { level: 1, name: 'Fresh' }).waitFor()
      const later = await on.write('Later\nWritten after it.', { commentTo: [textNo] })
      await page.getByRole('link', { name: `Comment by ${on.stage.cast.bob.name}` }).waitFor()
      const items = page.getByRole('list', { name: 'Unread' }).getByRole('listitem')
      await expect.poll(() => items.allTextContents()).toEqual([`${on.stage.cast.club.name}2`])

      const alice = await on.stage.as('alice')
      await alice.put(`/texts/${later}/read-marking`)
      await expect.poll(() => items.allTextContents()).toEqual([`${on.stage.cast.club.name}1`])
      expect(requests.slice(before).filter((each) => each.endsWith('/start'))).toEqual([])
    })
  })

  it('shows a text full of HTML, control characters and long lines as text', { timeout: TEST_MS }, async () => {
    await on.readAll()
    const textNo = await on.write(`<b>Hostile</b> \u202esubject\n${HOSTILE}`)
    await on.asPerson(
      'alice',
      async ({ page }) => {
        await page.getByRole('heading', { level: 1, name: '<b>Hostile</b>' }).waitFor()
        const body = (await page.getByRole('article').textContent()) ?? ''
        expect(body).toContain('<script>document.title = "run"</script>')
        expect(body).toContain('&amp; <b>bold</b>')
        expect(await page.title()).toContain('Hostile')
        expect(await page.evaluate('document.scripts.length')).toBe(1)
        expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
        expect(await page.getByRole('article').getByRole('link', { name: 'text 1', exact: true }).count()).toBe(1)
      },
      { fragment: `#/kom/texts/${textNo}` },
    )
  })

  it('sends a comment to the recipients of the text, and shows it there', { timeout: TEST_MS }, async () => {
    await on.readAll()
    const textNo = await on.write('Question\nWhich day?')
    await on.asPerson('alice', async ({ page }) => {
      await page.getByRole('heading', { level: 1, name: 'Question' }).waitFor()
      await page.keyboard.press('c')
      expect(await page.getByLabel('Subject').inputValue()).toBe('Question')
      await page.getByRole('form', { name: 'Comment' }).getByText(on.stage.cast.club.name).waitFor()
      await page.getByLabel('Your comment').press('Control+Enter')
      await page.getByText('Write something first.').waitFor()
      await page.getByLabel('Your comment').fill('På torsdag ☕')
      await page.getByLabel('Your comment').press('Control+Enter')
      await page.getByText(/Your comment was sent as text \d+/).waitFor()
      await page.getByRole('link', { name: `Comment by ${on.stage.cast.alice.name}` }).click()
      await page.getByText('På torsdag ☕').waitFor()
    })
    const alice = await on.stage.as('alice')
    const { comment_in_list } = (await alice.get(`/texts/${textNo}`)).json
    expect(comment_in_list).toHaveLength(1)
    const comment = (await alice.get(`/texts/${comment_in_list[0].text_no}`)).json
    expect([
      comment.subject,
      comment.body,
      comment.recipient_list[0].recpt.conf_no,
      comment.recipient_list.length,
    ]).toEqual(['Question', 'På torsdag ☕', on.stage.cast.club.no, 1])
  })

  it('keeps a draft over a reload, and sends a comment once although its answer is lost', {
    timeout: TEST_MS,
  }, async () => {
    await on.readAll()
    const textNo = await on.write('Dinner\nWho comes?')
    await on.asPerson('alice', async ({ page }) => {
      await page.getByRole('heading', { level: 1, name: 'Dinner' }).waitFor()
      await page.getByRole('button', { name: 'Comment' }).click()
      await page.getByLabel('Your comment').fill('I do.')
      await page.reload()
      await expect.poll(() => page.getByLabel('Your comment').inputValue()).toBe('I do.')

      let isLost = true
      await page.route('**/batch', async (route) => {
        if (!isLost || !route.request().postData()?.includes('comment_to_list')) return await route.continue()
        isLost = false
        await route.fetch()
        await route.abort()
      })
      await page.getByRole('button', { name: 'Send' }).click()
      await page.getByText('The answer did not arrive').waitFor()
      expect(await page.getByLabel('Your comment').inputValue()).toBe('I do.')
      await page.getByRole('button', { name: 'Send' }).click()
      await page.getByText(/Your comment was sent as text \d+/).waitFor()
    })
    const alice = await on.stage.as('alice')
    expect((await alice.get(`/texts/${textNo}`)).json.comment_in_list).toHaveLength(1)
  })

  it('keeps a comment on a text that is deleted meanwhile, and says so', { timeout: TEST_MS }, async () => {
    await on.readAll()
    const textNo = await on.write('Vanishing\nSoon gone.')
    await on.asPerson('alice', async ({ page }) => {
      await page.getByRole('heading', { level: 1, name: 'Vanishing' }).waitFor()
      await page.keyboard.press('c')
      await page.getByLabel('Your comment').fill('Too late.')
      await (await on.stage.author('bob')).delete(textNo)
      await page.getByText('This text has been deleted').waitFor()
      await page.getByText('Nothing is unread.').waitFor()
      await page.getByRole('button', { name: 'Send' }).click()
      await page.getByText('There is no such text').waitFor()
      expect(await page.getByLabel('Your comment').inputValue()).toBe('Too late.')
    })
  })

  it('shows conferences, persons and texts by their addresses, and says which do not exist', {
    timeout: TEST_MS,
  }, async () => {
    const { club, bob, texts } = on.stage.cast
    await on.asPerson('alice', async ({ page }) => {
      const open = (fragment: string) => page.evaluate(`location.hash = '#/kom/${fragment}'`)
      await open(`conferences/${club.no}`)
      await page.getByRole('heading', { level: 1, name: club.name }).waitFor()
      await page.getByRole('list', { name: 'Texts' }).getByRole('listitem').first().waitFor()
      await open(`persons/${bob.no}`)
      await page.getByRole('heading', { level: 1, name: bob.name }).waitFor()
      await page.getByRole('list', { name: 'Written texts' }).getByRole('listitem').first().waitFor()
      for (const [fragment, message] of [
        [`texts/${texts.deleted}`, 'There is no such text, or you may not read it.'],
        ['conferences/9999', 'There is no such conference, or you may not see it.'],
        ['persons/9999', 'There is no such person, or you may not see them.'],
        [`persons/${club.no}`, 'There is no such person, or you may not see them.'],
      ] as const) {
        await open(fragment)
        await page.getByText(message).waitFor()
      }
      await open(`texts/${texts.root}`)
      await expect.poll(() => heading(page).textContent()).not.toBe('Not found')
    })
  })

  it('stays logged in when asked for, and forgets the session on logging out', { timeout: TEST_MS }, async () => {
    const reader = await on.open()
    const { page } = reader
    await page.getByLabel('Stay logged in').check()
    await reader.logIn(on.stage.cast.bob.name, on.stage.cast.bob.passwd)
    // Another tab of the browser.
    const other = await page.context().newPage()
    await other.goto(`${on.stage.gateway.url}/app/`)
    await other.getByText(`Logged in as ${on.stage.cast.bob.name}`).waitFor()
    await other.getByRole('button', { name: 'Log out' }).click()
    await other.getByLabel('Password').waitFor()
    expect(await other.evaluate('Object.keys(localStorage).filter((key) => key.includes("session"))')).toEqual([])
    await page.getByText('Your session has ended.').waitFor()
    await reader.close()
  })
})
