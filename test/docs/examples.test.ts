import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { build, DIST } from '../support/built-command.ts'
import { consoleBlocks, curlMissing, runBlocks } from '../support/console.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const tsc = join(root, 'node_modules/.bin/tsc')
const READY = /listening on (http:\/\/localhost:\d+)\n/

/** A folder with komgate installed and a copy of the examples. */
let dir: string
const running: ChildProcess[] = []

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'komgate-examples-'))
  const packages = join(dir, 'node_modules')
  const komgate = join(packages, 'komgate')
  mkdirSync(komgate, { recursive: true })
  for (const name of readdirSync(join(root, 'node_modules'))) {
    symlinkSync(join(root, 'node_modules', name), join(packages, name))
  }
  cpSync(join(root, 'package.json'), join(komgate, 'package.json'))
  await build()
  cpSync(DIST, join(komgate, 'dist'), { recursive: true })
  cpSync(join(root, 'docs/examples'), dir, { recursive: true })
  writeFileSync(join(dir, 'package.json'), '{"type": "module"}')
}, 60_000)
afterEach(async () => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
})
afterAll(() => rmSync(dir, { recursive: true }))

/** Runs the compiler. Returns its output, which is empty without errors. */
async function compile(...args: string[]): Promise<string> {
  const { stdout } = await run(tsc, args).catch((error: { stdout: string }) => error)
  return stdout
}

async function start(example: string, ...args: string[]) {
  const command = ['--import', import.meta.resolve('tsx'), join(dir, example), ...args]
  const child = spawn(process.execPath, command, { cwd: dir, env: { ...process.env, PORT: '0' } })
  running.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  await expect.poll(() => output, { timeout: 10_000 }).toMatch(READY)
  return { child, url: READY.exec(output)?.[1] as string, output: () => output }
}

describe('docs/examples/sxapi-guard.ts', async () => {
  it('compiles with the types of the package', async () => {
    const options = { extends: join(root, 'tsconfig.json'), include: ['*.ts'] }
    writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify(options))
    expect(await compile('-p', dir)).toBe('')
  }, 30_000)

  it.skipIf(await curlMissing())('runs the conversation that docs/compat/sxapi.md prints', async () => {
    const { url, output } = await start('sxapi-guard.ts')
    const blocks = consoleBlocks(readFileSync(join(root, 'docs/compat/sxapi.md'), 'utf8'))
    const commands = blocks.map((block) => block.commands.map((line) => line.replaceAll('http://localhost:8080', url)))
    const printed = await runBlocks(
      blocks.map((block, i) => ({ ...block, commands: commands[i] ?? [] })),
      url,
    )
    expect(printed).toEqual(blocks.map((block) => block.printed))
    expect(printed.flat().length).toBeGreaterThan(6)
    expect(output()).toMatch(/^listening on \S+\n$/)
  })

  it('loads the given configuration, and exits with 0 on SIGTERM', async () => {
    const profile = { session: { transport: { type: 'bearer' }, backend: { type: 'memory' } } }
    writeFileSync(join(dir, 'strict.json'), JSON.stringify(profile))
    const { child, url } = await start('sxapi-guard.ts', 'strict.json')
    expect(await (await fetch(url)).text()).toBe('This is for everybody.')
    const refused = await fetch(`${url}/basket`)
    expect(refused.status).toBe(401)
    expect(refused.headers.get('www-authenticate')).toBe('Bearer')
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    expect(await exit).toEqual([0, null])
  })
})
