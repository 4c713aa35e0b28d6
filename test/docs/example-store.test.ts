import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { build } from '../support/built-command.ts'
import { killPrograms, ROOT, startTypeScript } from '../support/example.ts'

const run = promisify(execFile)
const bin = (name: string) => join(ROOT, 'node_modules/.bin', name)

/** A project with the packed package of komgate, its dependencies, and the example. */
let project: string

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'komgate-own-store-'))
  await build()
  const packed = await run('npm', ['pack', '--ignore-scripts', '--pack-destination', project], { cwd: ROOT })
  const packages = join(project, 'node_modules')
  mkdirSync(join(packages, 'komgate'), { recursive: true })
  const archive = join(project, packed.stdout.trim())
  await run('tar', ['-xzf', archive, '--strip-components=1', '-C', join(packages, 'komgate')])
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    symlinkSync(join(ROOT, 'node_modules', name), join(packages, name))
  }
  cpSync(join(ROOT, 'examples/own-store'), project, { recursive: true })
  writeFileSync(join(project, 'package.json'), '{"type": "module"}')
  const options = { extends: join(ROOT, 'tsconfig.json'), compilerOptions: { paths: {} }, include: ['*.ts'] }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(options))
}, 120_000)
afterEach(killPrograms)
afterAll(() => rmSync(project, { recursive: true }))

describe('examples/own-store/', () => {
  it('compiles with the types of the package', async () => {
    const { stdout } = await run(bin('tsc'), ['-p', project]).catch((error: { stdout: string }) => error)
    expect(stdout).toBe('')
  }, 60_000)

  it('passes all tests of a backend that the package exports', async () => {
    const { stdout } = await run(bin('vitest'), ['run', '--root', project, '--reporter=json'], { cwd: project })
    const { numPassedTests, numTotalTests } = JSON.parse(stdout)
    expect(numPassedTests).toBe(numTotalTests)
    expect(numPassedTests).toBeGreaterThan(40)
  }, 60_000)

  it('has the tests that docs/store.md shows', () => {
    const page = readFileSync(join(ROOT, 'docs/store.md'), 'utf8')
    const shown = page.split('```').find((block) => block.includes('describeBackend(framework'))
    const source = readFileSync(join(project, 'map-backend.test.ts'), 'utf8')
    const lines = source.split('\n').filter((line) => !/^\s*\/\/|map-backend/.test(line))
    expect(shown?.split('\n').slice(1)).toEqual(lines)
  })

  it('starts a gateway with sessions in the map', async () => {
    const program = startTypeScript('main.ts', [], { cwd: project, env: { PORT: '0' } })
    const [, url] = await program.prints(/listening on (\S+)/)
    const created = await fetch(`${url}/demo/sessions/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"client": {"name": "test", "version": "1"}}',
    })
    expect(created.status).toBe(201)
    program.kill('SIGTERM')
    expect(await program.exit).toBe(0)
  }, 60_000)
})
