import { existsSync } from 'node:fs'
import type { Browser } from 'playwright-core'

/** The program of Debian's package. */
export const CHROMIUM = '/usr/bin/chromium'
/** Its arguments. It runs as root in containers, where its sandbox does not work. */
export const CHROMIUM_ARGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking']

/** Reports whether Chromium is installed (`apt-get install chromium`). */
export function chromiumInstalled(): boolean {
  return existsSync(CHROMIUM)
}

/** Starts a headless Chromium. */
export async function startChromium(): Promise<Browser> {
  // The import takes half a second.
  const { chromium } = await import('playwright-core')
  return await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_ARGS })
}
