import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const BUILD_MS = 60_000

/** A checkout with komgate's scripts and settings and two small modules; `built/` keeps them and their first build. */
let dir: string
const inDir = (...names: string[]) => join(dir, ...names)
const writeSource = (name: string, text: string) => writeFileSync(inDir('src', name), text)

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'komgate-build-'))
  const files = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'scripts']
  for (const name of files) if (existsSync(join(ROOT, name))) cpSync(join(ROOT, name), inDir(name), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), inDir('node_modules'))
  mkdirSync(inDir('src'))
  writeSource('main.ts', "import { greeting } from './part.ts'\nprocess.stdout.write(greeting)\n")
  writeSource('part.ts', "export const greeting: string = 'one'\n")
  expect(await start()).toBe('one')
  for (const name of ['src', 'dist']) cpSync(inDir(name), inDir('built', name), { recursive: true })
}, BUILD_MS)
beforeEach(() => {
  for (const name of ['src', 'dist']) rmSync(inDir(name), { recursive: true, force: true })
  cpSync(inDir('built'), dir, { recursive: true, preserveTimestamps: true })
})
afterAll(() => rmSync(dir, { recursive: true }))

async function start(): Promise<string> {
  return (await run('npm', ['start', '--silent'], { cwd: dir })).stdout
}

/** Returns a text that changes when a file is replaced or written. */
function versionOf(name: string): string {
  const { ino, mtimeMs } = statSync(inDir('dist', name))
  return `${ino} ${mtimeMs}`
}

describe('npm start', () => {
  it('keeps the last build when the sources do not compile', { timeout: BUILD_MS }, async () => {
    writeSource('part.ts', "export const greeting: number = 'two'\n")
    await expect(start()).rejects.toMatchObject({ code: 1, stdout: expect.stringContaining('part.ts') })
    expect((await run(process.execPath, [inDir('dist/main.js')])).stdout).toBe('one')
  })

  it('builds nothing when nothing has changed', { timeout: BUILD_MS }, async () => {
    const before = ['main.js', 'part.js'].map(versionOf)
    expect(await start()).toBe('one')
    expect(['main.js', 'part.js'].map(versionOf)).toEqual(before)
  })

  it('replaces only changed files, and removes files without a source', { timeout: BUILD_MS }, async () => {
    const before = versionOf('main.js')
    writeSource('part.ts', "export { greeting } from './other.ts'\n")
    writeSource('other.ts', "export const greeting: string = 'two'\n")
    expect(await start()).toBe('two')
    expect(versionOf('main.js')).toBe(before)
    rmSync(inDir('src/other.ts'))
    writeSource('part.ts', "export const greeting: string = 'three'\n")
    expect(await start()).toBe('three')
    expect(existsSync(inDir('dist/other.js'))).toBe(false)
  })

  it('copies the other files of src/, and Swagger UI with its licences', { timeout: BUILD_MS }, async () => {
    mkdirSync(inDir('src/pages'))
    writeSource('pages/style.css', 'body {}')
    expect(await start()).toBe('one')
    expect(readFileSync(inDir('dist/pages/style.css'), 'utf8')).toBe('body {}')
    expect(new Set(readdirSync(inDir('dist/http/reference/swagger-ui')))).toEqual(
      new Set(['LICENSE', 'NOTICE', 'swagger-ui-bundle.js', 'swagger-ui-bundle.js.LICENSE.txt', 'swagger-ui.css']),
    )
    rmSync(inDir('src/pages'), { recursive: true })
    expect(await start()).toBe('one')
    expect(existsSync(inDir('dist/pages/style.css'))).toBe(false)
  })

  it('bundles the web applications into files that the page names, with compressed copies', {
    timeout: BUILD_MS,
  }, async () => {
    for (const name of ['reader', 'console', 'shared', 'worker']) mkdirSync(inDir('src/web', name), { recursive: true })
    writeSource('web/tsconfig.json', '{ "compilerOptions": { "jsx": "react-jsx", "jsxImportSource": "preact" } }')
    for (const icon of ['icon.svg', 'icon-192.png', 'icon-512.png', 'icon-maskable-512.png']) {
      writeSource(`web/shared/${icon}`, icon)
    }
    writeSource('web/worker/main.ts', '')
    writeSource('web/console/main.tsx', '')
    writeSource('web/console/index.html', '<script src="assets/console.js"></script>')
    writeSource('web/reader/app.webmanifest', '{}')
    writeSource('web/reader/main.css', 'body { color: red }')
    writeSource('web/reader/main.tsx', "import './main.css'\ndocument.body.replaceChildren('one')\n")
    writeSource('web/reader/index.html', '<link href="assets/reader.css"><script src="assets/reader.js"></script>')
    expect(await start()).toBe('one')
    const page = readFileSync(inDir('dist/web/reader.html'), 'utf8')
    const names = [...page.matchAll(/"assets\/(reader-[A-Z0-9]{8}\.(?:css|js))"/g)].map(([, name]) => name)
    expect(names).toHaveLength(2)
    for (const name of names) {
      for (const coding of ['', '.br', '.gz']) expect(existsSync(inDir('dist/web/assets', name + coding))).toBe(true)
    }
    expect(existsSync(inDir('dist/web/reader/main.css'))).toBe(false)
    rmSync(inDir('src/web'), { recursive: true })
    expect(await start()).toBe('one')
    expect(existsSync(inDir('dist/web/manifest.json'))).toBe(false)
  })

  it('repairs a build that lacks a file', { timeout: BUILD_MS }, async () => {
    rmSync(inDir('dist/part.js'))
    expect(await start()).toBe('one')
  })

  it('passes SIGTERM on to komgate', { timeout: BUILD_MS }, async () => {
    writeSource(
      'main.ts',
      `process.on('SIGTERM', () => process.stdout.end('stopped', () => process.exit()))
       process.stderr.write('started')
       setTimeout(() => process.exit(), 5000)`,
    )
    const npm = spawn('npm', ['start', '--silent'], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] })
    const output = text(npm.stdout)
    await once(npm.stderr, 'data')
    npm.kill('SIGTERM')
    expect(await output).toBe('stopped')
  })

  it('runs the existing build without sources, as in the npm package', { timeout: BUILD_MS }, async () => {
    rmSync(inDir('src'), { recursive: true })
    expect(await start()).toBe('one')
  })
})

it('npm pack includes the build but not its stamp', { timeout: BUILD_MS }, async () => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: dir })
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }]
  const paths = files.map(({ path }) => path)
  expect(paths).toContain('dist/main.js')
  expect(paths).toContain('scripts/build.js')
  expect(paths).not.toContain('dist/.build')
})
