import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { flagName, SETTINGS, variableName } from '../src/config.ts'
import { startTestGateway } from './support/gateway.ts'

const run = promisify(execFile)
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

async function curlInstalled(): Promise<boolean> {
  return run('curl', ['--version']).then(
    () => true,
    () => Boolean(process.env.CI),
  )
}

describe('the README', async () => {
  it.skipIf(!(await curlInstalled()))('has a first conversation that works as printed', async () => {
    const [, conversation] = /```console\n(.*?)```/s.exec(readme) ?? []
    const lines = (conversation as string).split('\n').filter((line) => line !== '')
    const isCommand = (line: string) => line.startsWith('$ ') || line.startsWith('    ')
    const commands = lines.filter(isCommand).map((line) => line.replace(/^\$ /, ''))
    const printed = lines.filter((line) => !isCommand(line))
    const gateway = await startTestGateway([{ id: 'demo', demo: true }])
    // Each answer on a line of its own, as a person sees it who presses enter between the commands.
    const script = commands
      .join('\n')
      .replaceAll('http://localhost:5001', gateway.url)
      .replaceAll(/^curl(.*)/gm, 'echo; curl$1')
    const { stdout } = await run('bash', ['-euc', script])
    await gateway.close()
    expect(stdout.split('\n').filter((line) => line !== '')).toEqual(printed)
    expect(printed.length).toBeGreaterThan(4)
  })

  it('names every setting with its default', () => {
    const rows = Object.entries(SETTINGS).map(([key, { fallback }]) => {
      const name = key as keyof typeof SETTINGS
      const shown = name === 'servers' ? 'the `servers.json` that comes with komgate' : fallback
      return `| \`--${flagName(name)}\` | \`${variableName(name)}\` | ${shown} |`
    })
    const table = readme.split('\n').filter((line) => line.startsWith('| `--'))
    expect(table.map((line, i) => line.slice(0, rows[i]?.length))).toEqual(rows)
  })
})
