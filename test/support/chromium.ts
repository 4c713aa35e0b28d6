import { existsSync } from 'node:fs'
import type { Browser } from 'playwright-core'

const CHROMIUM = '/usr/bin/chromium'

/** Reports whether Chromium is installed (`apt-get install chromium`). */
export function chromiumInstalled(): boolean {
  return existsSync(CHROMIUM)
}

/** Starts a headless Chromium. It runs as root in containers, where its sandbox does not work. */
export async function startChromium(): Promise<Browser> {
  // The import takes half a second.
  const { chromium } = await import('playwright-core')
  const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking']
  return await chromium.launch({ executablePath: CHROMIUM, args })
}
