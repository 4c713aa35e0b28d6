/**
 * Draws the icons of the web app manifest from icon.svg, for browsers and systems that have no SVG. Run it when the SVG
 * changes: `npm run icons`.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startChromium } from '../test/support/chromium.ts'

const FOLDER = join(import.meta.dirname, '../src/web/shared')
const BACKGROUND = '#2457a6'
/** The part of a maskable icon that every system shows is a circle of 80 % of its width. */
const MASKABLE_SCALE = 0.8

const browser = await startChromium()
const svg = `data:image/svg+xml;base64,${readFileSync(join(FOLDER, 'icon.svg')).toString('base64')}`
for (const [name, size, scale] of [
  ['icon-192', 192, 1],
  ['icon-512', 512, 1],
  ['icon-maskable-512', 512, MASKABLE_SCALE],
] as const) {
  const page = await browser.newPage({ viewport: { width: size, height: size } })
  const color = scale === 1 ? 'transparent' : BACKGROUND
  await page.setContent(
    `<body style="margin:0;display:grid;place-items:center;height:100vh;background:${color}">` +
      `<img width="${size * scale}" height="${size * scale}" src="${svg}">`,
    { waitUntil: 'load' },
  )
  await page.screenshot({ path: join(FOLDER, `${name}.png`), omitBackground: true })
  await page.close()
}
await browser.close()
