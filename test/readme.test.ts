import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { flagName, SETTINGS, variableName } from '../src/config.ts'
import { consoleBlocks, curlMissing, runBlocks } from './support/console.ts'
import { startTestGateway } from './support/gateway.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

describe('the README', async () => {
  it.skipIf(await curlMissing())('shows a first conversation that works as printed', async () => {
    const blocks = consoleBlocks(readme)
    const gateway = await startTestGateway([{ id: 'demo', demo: true }])
    const printed = await runBlocks(blocks, gateway.url)
    await gateway.close()
    expect(printed).toEqual(blocks.map((block) => block.printed))
    expect(printed.flat().length).toBeGreaterThan(4)
  })

  it('lists every setting with its default', () => {
    const rows = Object.entries(SETTINGS).map(([key, { fallback }]) => {
      const name = key as keyof typeof SETTINGS
      const shown = name === 'servers' ? 'the `servers.json` that comes with komgate' : fallback
      return `| \`--${flagName(name)}\` | \`${variableName(name)}\` | ${shown} |`
    })
    const table = readme.split('\n').filter((line) => line.startsWith('| `--'))
    expect(table.map((line, i) => line.slice(0, rows[i]?.length))).toEqual(rows)
  })
})
