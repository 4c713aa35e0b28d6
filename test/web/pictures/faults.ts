import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Page } from 'playwright-core'

/** The smallest width and height of what one touches, in pixels. */
const TARGET = 44
/** The time that charts and listeners of the width have to adapt to it. */
const ADAPT_MS = 1000
const INTERVAL_MS = 50
/** A function for the page, which has types and globals that Node has not. */
const FIND_FAULTS = readFileSync(join(import.meta.dirname, 'find-faults.js'), 'utf8')

/**
 * Returns what is wrong with the layout of a page at its present width: content that is wider than the page, controls
 * whose words are cut off or that are out of reach, and a covered main action.
 *
 * @param isTouch whether controls must be large enough for a finger
 */
export async function layoutFaults(page: Page, isTouch: boolean): Promise<string[]> {
  const end = performance.now() + ADAPT_MS
  for (;;) {
    const faults = await page.evaluate<string[]>(`${FIND_FAULTS}\nfindFaults(${isTouch ? TARGET : 0})`)
    if (faults.length === 0 || performance.now() > end) return faults
    await delay(INTERVAL_MS)
  }
}
