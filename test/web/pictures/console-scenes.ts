import { enterKey, KEY } from '../console-stage.ts'
import { button, follow, type Scene, settle } from './scene.ts'

const at = (name: string): Scene => ({ name: `console-${name}`, show: (setting) => follow(setting, name) })

/** The views and states of the console, in an order in which each leads to the next. */
export const CONSOLE_SCENES: readonly Scene[] = [
  {
    name: 'console-login',
    async show({ page }) {
      await enterKey(page, 'a-key-that-is-not-the-right-one')
      await page.getByRole('alert').first().waitFor()
    },
  },
  {
    name: 'console-servers',
    async show({ page }) {
      await enterKey(page, KEY)
      await page.getByRole('row').first().waitFor()
    },
  },
  {
    name: 'console-sessions',
    async show(setting) {
      await follow(setting, 'sessions')
      await setting.page.getByRole('row').nth(1).waitFor()
    },
  },
  {
    name: 'console-figures',
    async show(setting) {
      await follow(setting, 'figures')
      await setting.page.getByRole('img').first().waitFor()
    },
  },
  at('settings'),
  at('explorer'),
  {
    name: 'console-call',
    async show(setting) {
      const { page } = setting
      await follow(setting, 'explorer/callGetTime')
      await button(setting, 'Open a session', 'Öppna en session').click()
      await page.locator('.session, [aria-label]').first().waitFor()
      await button(setting, 'Send', 'Skicka').click()
      await page.getByText('200 OK').waitFor()
      await settle(page)
    },
  },
]
