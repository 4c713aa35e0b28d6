import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>
}
const TSC = join(ROOT, 'node_modules/.bin/tsc')

/** A project that has komgate installed, with its dependencies and none of its optional peers. */
let project: string
let installed: string

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'komgate-package-'))
  installed = join(project, 'node_modules/komgate')
  mkdirSync(installed, { recursive: true })
  await run(TSC, ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(installed, 'dist')])
  for (const file of ['package.json', 'servers.json', 'fixtures/demo.json', 'fixtures/demo-bot.json']) {
    cpSync(join(ROOT, file), join(installed, file))
  }
  for (const name of [...Object.keys(dependencies), '@types/node']) {
    const link = join(project, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules', name), link)
  }
}, 60_000)
afterAll(() => rmSync(project, { recursive: true }))

describe('komgate without its optional peers', () => {
  it('aborts startup with a store whose package is missing, in one line with the command to install it', async () => {
    const args = [join(installed, 'dist/main.js'), '--port', '0', '--store', 'redis://127.0.0.1:1']
    const message = 'store: the package "redis" is not installed; install it with: npm install redis@6'
    await expect(run(process.execPath, args)).rejects.toMatchObject({ code: 1, stderr: `komgate: ${message}\n` })
  })

  it('names the packages to install for every kind of store', async () => {
    const packages = {
      'unix:///tmp/no-redis.sock': 'redis@6',
      'postgres://u:s3cret@127.0.0.1:1/db': 'kysely@0.28 pg@8',
      'mysql://u:s3cret@127.0.0.1:1/db': 'kysely@0.28 mysql2@3',
      'sqlite:/tmp/none.db': 'kysely@0.28',
      'memcache://127.0.0.1:1': 'memcache-client@1 tslib@2',
      'mongodb://u:s3cret@127.0.0.1:1/db': 'mongodb@7',
      'couchbase://u:s3cret@127.0.0.1:1/b': 'couchbase@4',
    }
    const script = `
      import { openBackend } from ${JSON.stringify(join(installed, 'dist/store/open.js'))}
      for (const url of ${JSON.stringify(Object.keys(packages))}) console.log(await openBackend(url).catch(String))`
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script])
    const named = stdout
      .trim()
      .split('\n')
      .map((line) => line.split('npm install ')[1])
    expect(named).toEqual(Object.values(packages))
  })

  it.each([
    ['a pipe', []],
    ['a terminal', ['--import', 'data:text/javascript,process.stdout.isTTY=true']],
  ])('starts, and logs JSON lines to %s', async (_, options) => {
    const main = join(installed, 'dist/main.js')
    const komgate = spawn(process.execPath, [...options, main, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(komgate.stdout, 'data')) as [Buffer]
    komgate.kill('SIGTERM')
    expect(JSON.parse(String(line).split('\n')[0] as string)).toMatchObject({
      msg: expect.stringMatching(/^komgate listening on http:/),
    })
    expect(await once(komgate, 'exit')).toEqual([0, null])
  })

  it('has an interface for stores that loads without a driver or a test framework', async () => {
    const script = `
      const { StoreError } = await import('komgate/store')
      console.log(typeof StoreError, typeof (await import('komgate/store-testing')).describeBackend)`
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: project })
    expect(stdout).toBe('function function\n')
  })

  it('has types that compile in strict mode without skipLibCheck', {
    timeout: 60_000,
  }, async () => {
    writeFileSync(
      join(project, 'use.ts'),
      `import { createGateway, type Gateway, readConfig } from 'komgate'
       import { connect, type Kom } from 'komgate/client'
       import { session, type SessionOptions } from 'komgate/session'
       import type { Backend } from 'komgate/store'
       import type { BackendHarness } from 'komgate/store-testing'
       export const use: [typeof createGateway, typeof readConfig, typeof session] = [createGateway, readConfig, session]
       export const stat = (kom: Kom) => kom.call('get-text-stat', { text_no: 1 })
       export const year = async (...args: Parameters<typeof connect>): Promise<string> =>
         (await stat(await connect(...args))).creation_time.slice(0, 4)
       export const gatewayOn = (store: Backend) => createGateway({ servers: {}, store })
       export type Used = Gateway | SessionOptions | BackendHarness\n`,
    )
    // Hono's own types need those of the DOM.
    const options = ['--strict', '--noEmit', '--module', 'nodenext', '--lib', 'es2024,dom', '--types', 'node']
    await run(TSC, [...options, '--skipLibCheck', 'false', 'use.ts'], { cwd: project }).catch(({ stdout }) => {
      expect(stdout).toBe('')
    })
  })
})

describe('komgate/client', () => {
  it('loads without any other package', async () => {
    const alone = join(project, 'alone/node_modules/komgate')
    mkdirSync(alone, { recursive: true })
    for (const each of ['package.json', 'dist']) cpSync(join(installed, each), join(alone, each), { recursive: true })
    const script = "console.log(Object.keys(await import('komgate/client')).join(' '))"
    const cwd = join(project, 'alone')
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd })
    expect(stdout).toContain('LyskomError')
    expect(stdout).toContain('connect')
  })

  it('has types that compile for browsers, and reject a misspelt name', { timeout: 60_000 }, async () => {
    writeFileSync(
      join(project, 'page.ts'),
      `import { connect } from 'komgate/client'
       const kom = await connect({ url: location.href, server: 'demo', client: { name: 'page', version: '1' }, fetch })
       document.title = (await kom.texts.get(1)).subject ?? (await kom.call('get-text-stat', { text_no: 1 })).creation_time
       await kom.call('get-text-stat', { textno: 1 })\n`,
    )
    const options = [
      '--strict',
      '--noEmit',
      '--module',
      'esnext',
      '--moduleResolution',
      'bundler',
      '--target',
      'es2022',
    ]
    const args = [...options, '--lib', 'es2022,dom,dom.asynciterable', '--types', '', '--skipLibCheck', 'page.ts']
    const { stdout } = await run(TSC, args, { cwd: project }).catch((error: { stdout: string }) => error)
    expect(stdout.split('\n').filter((line) => line.includes('error'))).toEqual([
      expect.stringMatching(/^page\.ts\(4,.*'textno' does not exist/),
    ])
  })
})
