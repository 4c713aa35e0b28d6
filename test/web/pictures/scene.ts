import type { Page } from 'playwright-core'
import { expect } from 'vitest'

const SETTLE_MS = 20_000

/** The page on which scenes are shown. */
export interface Setting {
  page: Page
  isSwedish: boolean
  /** Ends the connection of the page to the gateway for good. */
  cut(): Promise<void>
}

/** A view of the reader or the console in one state. */
export interface Scene {
  /** the name of its pictures */
  name: string
  /** Shows it. The page is where the scene before has left it. */
  show(setting: Setting): Promise<void>
}

/** Follows a fragment, and waits until its view is loaded. */
export async function follow({ page }: Setting, fragment: string): Promise<void> {
  await page.evaluate(`location.hash = '#/${fragment}'`)
  await settle(page)
}

/** Waits until nothing of the page is being loaded. */
export async function settle(page: Page): Promise<void> {
  const isSettled = `document.querySelector('.loading') === null && document.querySelector('h1, h2') !== null
    && [...document.images].every(({ complete }) => complete)`
  await expect.poll(() => page.evaluate(isSettled), { timeout: SETTLE_MS }).toBe(true)
}

/** Returns a button by its label in English and in Swedish. */
export function button({ page, isSwedish }: Setting, english: string, swedish: string) {
  return page.getByRole('button', { name: isSwedish ? swedish : english, exact: true }).first()
}
