import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { build } from '../support/built-command.ts'
import { chromiumInstalled, startChromium } from '../support/chromium.ts'
import type { TestGateway } from '../support/gateway.ts'
import { startProxy } from '../support/proxy.ts'
import { startAdminGateway } from './console-stage.ts'
import { CONSOLE_SCENES } from './pictures/console-scenes.ts'
import { layoutFaults } from './pictures/faults.ts'
import { readerScenes } from './pictures/reader-scenes.ts'
import type { Scene, Setting } from './pictures/scene.ts'
import { furnish, type World } from './pictures/world.ts'
import { accessibilityViolations, openReader } from './reader-page.ts'

const START_MS = 60_000
const TEST_MS = 240_000
const BUSY_MS = 40_000
/** Ignored by Git. */
const FOLDER = join(import.meta.dirname, '../../pictures')
const DOCS = join(import.meta.dirname, '../../docs/images')
const DESKTOP = { width: 1440, height: 810 }
const PHONE = { width: 390, height: 780 }
const OTHERS = [
  { width: 320, height: 640 },
  { width: 3840, height: 2160 },
]

/** The pictures of docs/images, by their file: the scene, and how it is shown. */
const DOCUMENTED: readonly [file: string, scene: string, options: BrowserContextOptions][] = [
  ['reader.png', 'text', { viewport: DESKTOP }],
  ['reader-dark.png', 'text', { viewport: DESKTOP, colorScheme: 'dark' }],
  ['reader-phone.png', 'text', { viewport: PHONE, deviceScaleFactor: 2, isMobile: true, hasTouch: true }],
  ['console.png', 'console-figures', { viewport: DESKTOP }],
]

describe.skipIf(!chromiumInstalled() && !process.env.CI)('every view and state of the web client', () => {
  let browser: Browser
  let gateway: TestGateway
  let world: World
  beforeAll(async () => {
    await build()
    browser = await startChromium()
    await mkdir(FOLDER, { recursive: true })
  }, START_MS)
  beforeEach(async () => {
    gateway = await startAdminGateway()
    world = await furnish(gateway)
    return () => gateway.close()
  })
  afterAll(() => browser?.close())

  const APPS: readonly [app: string, scenes: () => readonly Scene[]][] = [
    ['', () => readerScenes(world)],
    ['console', () => CONSOLE_SCENES],
  ]

  /** Shows scenes one after the other, and returns what `check` finds wrong with each. */
  async function findFaults(
    app: string,
    scenes: readonly Scene[],
    options: BrowserContextOptions,
    check: (setting: Setting, scene: Scene) => Promise<string[]>,
  ): Promise<Record<string, string[]>> {
    const found: Record<string, string[]> = {}
    const proxy = await startProxy({ host: '127.0.0.1', port: Number(new URL(gateway.url).port) })
    const { page, offences } = await openReader(browser, `http://${proxy.host}:${proxy.port}`, { app, ...options })
    const setting = { page, isSwedish: options.locale === 'sv-SE', cut: proxy.close }
    for (const scene of scenes) {
      await scene.show(setting)
      // Nothing is under the pointer.
      await page.mouse.move(0, 0)
      const faults = await check(setting, scene)
      if (faults.length > 0) found[scene.name] = faults
    }
    await page.context().close()
    expect(offences).toMatchObject({ violations: [], foreign: [] })
    await proxy.close()
    return found
  }

  it.each(APPS)(
    'is accessible in both themes, and fits from 320 pixels to 4k (/app/%s)',
    {
      timeout: TEST_MS,
    },
    async (app, scenes) => {
      const found = await findFaults(app, scenes(), { viewport: DESKTOP }, async ({ page }, { name }) => {
        const faults = await accessibilityViolations(page)
        await page.screenshot({ path: join(FOLDER, `${name}-dark.png`) })
        await page.emulateMedia({ colorScheme: 'light' })
        await page.screenshot({ path: join(FOLDER, `${name}-light.png`) })
        for (const viewport of [DESKTOP, ...OTHERS, PHONE]) {
          await page.setViewportSize(viewport)
          await page.evaluate("document.activeElement?.scrollIntoView({ block: 'nearest' })")
          const isTouch = viewport === PHONE
          faults.push(...(await layoutFaults(page, isTouch)).map((fault) => `${viewport.width}: ${fault}`))
        }
        await page.screenshot({ path: join(FOLDER, `${name}-phone.png`) })
        await page.setViewportSize(DESKTOP)
        return faults
      })
      expect(found).toEqual({})
    },
  )

  it.each(APPS)('cuts off no Swedish words on a phone (/app/%s)', { timeout: TEST_MS }, async (app, scenes) => {
    const options = { locale: 'sv-SE', viewport: PHONE }
    expect(await findFaults(app, scenes(), options, ({ page }) => layoutFaults(page, true))).toEqual({})
  })

  if (process.env.PICTURES === 'docs') {
    it.each(DOCUMENTED)('takes the picture %s', { timeout: TEST_MS }, async (file, name, options) => {
      const app = name.startsWith('console') ? 'console' : ''
      const scenes = APPS.find(([each]) => each === app)?.[1]() ?? []
      const last = scenes.findIndex((scene) => scene.name === name)
      expect(last).toBeGreaterThanOrEqual(0)
      await findFaults(app, scenes.slice(0, last + 1), options, async ({ page }, scene) => {
        if (scene.name !== name) return []
        // The charts of the console begin when it is opened.
        if (app === 'console') await world.read(BUSY_MS)
        await page.screenshot({ path: join(DOCS, file) })
        return []
      })
    })
  }
})
