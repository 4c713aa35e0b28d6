import type { Locator, Page } from 'playwright-core'
import { type ConsoleStage, enterKey, KEY } from './console-stage.ts'
import type { OpenOptions, ReaderPage } from './reader-page.ts'

/** The explorer of a page of the console. */
export interface ExplorerPage extends ReaderPage {
  /** the session with which requests are made */
  session: Locator
  /** the answer to the last request */
  answer: Locator
  /** Opens a session. */
  openSession(): Promise<void>
  /** Opens a session and logs a person in. */
  logInAs(person: { name: string; passwd: string }): Promise<void>
  /** Sends the request that is filled in. */
  send(): Promise<void>
  /** Shows another operation. */
  show(operation: string): Promise<unknown>
}

/** Opens the explorer at an operation, after the login of the operator. */
export async function openExplorer(
  stage: ConsoleStage,
  url: string,
  operation: string,
  options: OpenOptions = {},
): Promise<ExplorerPage> {
  const opened = await stage.open(url, { fragment: `#/explorer/${operation}`, ...options })
  const { page } = opened
  await enterKey(page, KEY)
  await page.getByRole('heading', { level: 2 }).first().waitFor()
  return { ...opened, ...explorerOf(page) }
}

function explorerOf(page: Page): Omit<ExplorerPage, keyof ReaderPage> {
  const session = page.getByRole('region', { name: 'Session' })
  const openSession = async (): Promise<void> => {
    await page.getByRole('button', { name: 'Open a session' }).click()
    await page.getByText('A session is open, not logged in.').waitFor()
  }
  return {
    session,
    answer: page.getByRole('region', { name: 'Answer' }),
    openSession,
    async logInAs({ name, passwd }) {
      await openSession()
      await session.locator('summary').click()
      await session.getByLabel('Name').fill(name)
      await session.getByLabel('Password').fill(passwd)
      await session.getByRole('button', { name: 'Log in' }).click()
      await session.getByText('A session is open, logged in as').waitFor()
    },
    send: () => page.getByRole('button', { name: 'Send', exact: true }).click(),
    show: (operation) => page.evaluate(`location.hash = '#/explorer/${operation}'`),
  }
}
