import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { consoleBlocks, curlMissing, runBlocks } from '../support/console.ts'
import { startTestGateway } from '../support/gateway.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')

describe('README.md', async () => {
  const readme = read('README.md')

  it.skipIf(await curlMissing())('shows a session that works as printed', async () => {
    const blocks = consoleBlocks(readme)
    const gateway = await startTestGateway([{ id: 'demo', demo: true }])
    const printed = await runBlocks(blocks, gateway.url)
    await gateway.close()
    expect(printed).toEqual(blocks.map((block) => block.printed))
    expect(printed.flat().length).toBeGreaterThan(4)
  })

  it('has at most 130 lines', () => {
    expect(readme.split('\n').length - 1).toBeLessThanOrEqual(130)
  })
})

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'bench/README.md',
  'examples/README.md',
  ...docs(),
]

it.each(pages)('%s links only to files and headings that exist', (page) => {
  const broken = [...read(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)]
    .filter(([, file, heading]) => {
      const target = file ? join(dirname(page), file) : page
      if (!existsSync(join(root, target))) return true
      return heading !== undefined && !anchors(read(target)).includes(heading)
    })
    .map(([link]) => link)
  expect(broken).toEqual([])
})

it.each(pages.filter((page) => page !== 'CHANGELOG.md'))('%s names only files that exist', (page) => {
  const named = [...read(page).matchAll(/`((?:bench|docs|examples|fixtures|scripts|src|test)\/[^`\s<…]*)`/g)]
  expect(named.map(([, path = '']) => path).filter((path) => !existsSync(join(root, path)))).toEqual([])
})

/** All Markdown pages in docs/, as paths from the root of the repository. */
function docs(): string[] {
  const files = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  return files.filter((file) => file.endsWith('.md')).map((file) => `docs/${file}`)
}

/** The anchors that GitHub gives to the headings of a Markdown page. */
function anchors(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
