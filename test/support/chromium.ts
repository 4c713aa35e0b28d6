import { existsSync } from 'node:fs'
import type { Browser, BrowserContext, BrowserContextOptions } from 'playwright-core'

const CHROMIUM = '/usr/bin/chromium'

/** Reports whether Chromium is installed (`apt-get install chromium`). */
export function chromiumInstalled(): boolean {
  return existsSync(CHROMIUM)
}

const OPTIONS = {
  executablePath: CHROMIUM,
  // It runs as root in containers, where its sandbox does not work.
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
}

/** Starts a headless Chromium. */
export async function startChromium(): Promise<Browser> {
  // The import takes half a second.
  const { chromium } = await import('playwright-core')
  return await chromium.launch(OPTIONS)
}

/** Starts a headless Chromium that keeps its data in a directory until it is started there again. */
export async function startChromiumIn(profile: string, options: BrowserContextOptions): Promise<BrowserContext> {
  const { chromium } = await import('playwright-core')
  return await chromium.launchPersistentContext(profile, { ...OPTIONS, ...options })
}
