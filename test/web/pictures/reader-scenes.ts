import { join } from 'node:path'
import { button, follow, type Scene, type Setting, settle } from './scene.ts'
import type { World } from './world.ts'

const IMAGE = join(import.meta.dirname, '../../../src/web/shared/icon-512.png')

const at = (name: string, fragment: string): Scene => ({
  name,
  show: (setting) => follow(setting, `demo/${fragment}`),
})

const isOpen = (setting: Setting) => setting.page.getByRole('dialog').last().waitFor()

const closeDialog = async ({ page }: Setting): Promise<void> => {
  await page.keyboard.press('Escape')
  // Its role ends when it closes; until it is removed, its field may have the focus.
  await page.locator('dialog').waitFor({ state: 'detached' })
}

/** The views and states of the reader, in an order in which each leads to the next. The last one cuts the connection. */
export const readerScenes = (world: World): readonly Scene[] => [
  {
    name: 'create-person',
    async show(setting) {
      await button(setting, 'Create a person', 'Skapa en person').click()
      await button(setting, 'Create and log in', 'Skapa och logga in').click()
      await setting.page.getByRole('alert').first().waitFor()
    },
  },
  {
    name: 'login',
    async show({ page }) {
      await page.reload()
      await page.locator('.demo button').waitFor()
    },
  },
  {
    name: 'login-error',
    async show({ page }) {
      await page.locator('form .primary').click()
      await page.getByRole('alert').waitFor()
    },
  },
  {
    name: 'login-completion',
    async show({ page }) {
      await page.locator('#login-name').pressSequentially('e')
      await page.getByRole('listbox').waitFor()
    },
  },
  {
    name: 'first-text',
    async show({ page }) {
      await page.locator('.demo button').click()
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { level: 1, name: 'A letter for you' }).waitFor()
      await settle(page)
    },
  },
  {
    name: 'message-dialog',
    async show({ page }) {
      await world.sendMessage('Fika at three? Erik has baked. ☕')
      await page.getByRole('log').getByText('Fika at three?').waitFor()
    },
  },
  {
    name: 'messages',
    async show(setting) {
      await setting.page.getByRole('log').getByRole('button').first().click()
      await setting.page.locator('#message-to').waitFor()
      await settle(setting.page)
    },
  },
  {
    name: 'text',
    async show(setting) {
      await follow(setting, 'demo/texts/39')
      await setting.page.getByText('wheat flour').waitFor()
    },
  },
  {
    name: 'menu',
    async show({ page }) {
      await page.locator('article .more > button').click()
    },
  },
  {
    name: 'recipients',
    async show(setting) {
      await button(setting, 'Recipients…', 'Mottagare…').click()
      await isOpen(setting)
    },
  },
  {
    name: 'go-to',
    async show(setting) {
      await closeDialog(setting)
      await setting.page.keyboard.press('/')
      await isOpen(setting)
      await setting.page.getByRole('dialog').locator('input[type=text]').pressSequentially('co')
      await setting.page.getByRole('listbox').waitFor()
    },
  },
  {
    name: 'help',
    async show(setting) {
      await setting.page.keyboard.press('Escape')
      await closeDialog(setting)
      await setting.page.keyboard.press('?')
      await isOpen(setting)
    },
  },
  {
    name: 'comment-error',
    async show(setting) {
      await closeDialog(setting)
      await setting.page.keyboard.press('c')
      await button(setting, 'Send', 'Skicka').click()
      await setting.page.getByRole('alert').waitFor()
    },
  },
  {
    name: 'comment',
    async show(setting) {
      await setting.page.locator('form textarea').fill('The dough can rest in the fridge overnight.')
      await setting.page.locator('input[type=file]').setInputFiles(IMAGE)
      await setting.page.locator('.images-field img').waitFor()
      await settle(setting.page)
    },
  },
  at('text-of-thread', 'texts/15'),
  at('footnote', 'texts/19'),
  at('html', 'texts/30'),
  at('table', 'texts/42'),
  at('hostile', `texts/${world.hostileNo}`),
  at('gone', 'texts/9999'),
  at('conference', 'conferences/12'),
  at('person', 'persons/11'),
  at('own-page', 'persons/6'),
  {
    name: 'conferences',
    async show(setting) {
      await follow(setting, 'demo/conferences')
      await setting.page.locator('.rows button').first().click()
    },
  },
  at('new-text', 'new/12'),
  at('marks', 'marks'),
  at('online', 'online'),
  at('settings', 'settings'),
  {
    name: 'failed',
    async show(setting) {
      await setting.page.route('**/demo/conferences/15*', (route) => route.abort())
      await setting.page.route('**/demo/batch', (route) => route.abort())
      await follow(setting, 'demo/conferences/15')
      const name = setting.isSwedish ? 'Det gick inte att hämta' : 'That could not be loaded'
      await setting.page.getByRole('heading', { level: 1, name }).waitFor()
      await setting.page.unroute('**/demo/batch')
    },
  },
  {
    name: 'all-read',
    async show(setting) {
      const { page } = setting
      while ((await page.locator('.next-bar button.primary').count()) > 0) {
        const last = page.url()
        await page.keyboard.press('n')
        await page.waitForURL((url) => url.href !== last)
        await settle(page)
      }
      await follow(setting, 'demo')
    },
  },
  {
    name: 'outage',
    async show(setting) {
      await follow(setting, 'demo/texts/27')
      await setting.cut()
      await setting.page.locator('.banner').waitFor()
    },
  },
]
