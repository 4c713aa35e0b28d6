import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, expect, it } from 'vitest'
import { build, DIST } from '../support/built-command.ts'

const WEB = join(DIST, 'web')

beforeAll(build, 60_000)

it.each([
  ['reader', 'js', 70_000],
  ['reader', 'css', 12_000],
  ['console', 'js', 50_000],
  ['console', 'css', 6_000],
])('the page of the %s loads %s files of at most %i bytes with gzip', (application, kind, bound) => {
  const files = startOf(application).filter((name) => name.endsWith(`.${kind}`))
  expect(files).not.toEqual([])
  expect(sizeOf(files)).toBeLessThanOrEqual(bound)
})

it('the charts of the console load at most 26000 bytes with gzip when they are shown', () => {
  const start = startOf('console')
  const later = readdirSync(join(WEB, 'assets')).filter(
    (name) => /^console-.*\.(?:js|css)$/.test(name) && !start.includes(name),
  )
  expect(later).toEqual([expect.stringMatching(/^console-plot-\w+\.js$/)])
  expect(sizeOf(later)).toBeLessThanOrEqual(26_000)
})

/** Returns the assets that a page names, and the modules that they import. */
function startOf(application: string): readonly string[] {
  const page = readFileSync(join(WEB, `${application}.html`), 'utf8')
  const files = new Set([...page.matchAll(/"assets\/([\w-]+\.(?:js|css))"/g)].map(([, name]) => name as string))
  for (const name of files) {
    for (const [, imported] of readFileSync(join(WEB, 'assets', name), 'utf8').matchAll(
      /\b(?:from|import)\s*"\.\/([\w-]+\.js)"/g,
    )) {
      files.add(imported as string)
    }
  }
  return [...files]
}

function sizeOf(files: readonly string[]): number {
  return files.reduce((sum, name) => sum + gzipSync(readFileSync(join(WEB, 'assets', name))).length, 0)
}
