import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, expect, it } from 'vitest'
import { build, DIST } from '../support/built-command.ts'

const ASSETS = join(DIST, 'web/assets')

beforeAll(build, 60_000)

it.each([
  ['.js', 70_000],
  ['.css', 12_000],
])('the %s files of the reader take at most %i bytes with gzip', (ending, bound) => {
  const files = readdirSync(ASSETS).filter((name) => name.startsWith('reader-') && name.endsWith(ending))
  expect(files).toHaveLength(1)
  const size = files.reduce((sum, name) => sum + gzipSync(readFileSync(join(ASSETS, name))).length, 0)
  expect(size).toBeLessThanOrEqual(bound)
})
