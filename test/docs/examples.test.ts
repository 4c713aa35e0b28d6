import { execFile } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { build, DIST } from '../support/built-command.ts'
import { consoleBlocks, curlMissing, runBlocks } from '../support/console.ts'
import { killPrograms, ROOT, startProgram, startTypeScript } from '../support/example.ts'
import { type FaultyGateway, startFaultyGateway } from '../support/faulty-gateway.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const run = promisify(execFile)
const tsc = join(ROOT, 'node_modules/.bin/tsc')
const skipWithoutCurl = await curlMissing()
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-/

/** A project with komgate installed as a package and a copy of the examples. */
let project: string

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'komgate-examples-'))
  const packages = join(project, 'node_modules')
  const komgate = join(packages, 'komgate')
  mkdirSync(komgate, { recursive: true })
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    symlinkSync(join(ROOT, 'node_modules', name), join(packages, name))
  }
  for (const name of ['package.json', 'fixtures/demo.json', 'fixtures/demo-bot.json'])
    cpSync(join(ROOT, name), join(komgate, name))
  await build()
  cpSync(DIST, join(komgate, 'dist'), { recursive: true })
  cpSync(join(ROOT, 'examples'), project, { recursive: true })
  writeFileSync(join(project, 'package.json'), '{"type": "module"}')
  // Without the paths of this repository, `komgate` is the package.
  const options = { extends: join(ROOT, 'tsconfig.json'), compilerOptions: { paths: {} }, include: ['*.ts'] }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(options))
}, 60_000)
afterEach(killPrograms)
afterAll(() => rmSync(project, { recursive: true }))

/** Runs the compiler. Returns its output, which is empty without errors. */
async function compile(...args: string[]): Promise<string> {
  const { stdout } = await run(tsc, args).catch((error: { stdout: string }) => error)
  return stdout
}

describe('examples/', () => {
  it('is listed in its README', () => {
    const page = readFileSync(join(ROOT, 'examples/README.md'), 'utf8')
    const listed = [...page.matchAll(/^\| \[([^\]]+)\]/gm)].map(([, name]) => name)
    const entries = readdirSync(join(ROOT, 'examples'), { withFileTypes: true })
    const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    const programs = names.filter((name) => /(?:\.ts|\.sh|\/)$/.test(name))
    expect(new Set(listed)).toEqual(new Set(programs))
  })

  it('compiles with the types of the package', async () => {
    expect(await compile('-p', project)).toBe('')
  }, 30_000)
})

describe.skipIf(skipWithoutCurl)('examples/curl.sh', () => {
  let gateway: TestGateway
  let proxy: FaultyGateway
  let temporary: string
  beforeAll(async () => {
    gateway = await startTestGateway([{ id: 'demo', demo: true }])
    proxy = await startFaultyGateway(gateway.url)
    temporary = mkdtempSync(join(tmpdir(), 'komgate-curl-'))
  })
  afterAll(async () => {
    await proxy.close()
    await gateway.close()
    rmSync(temporary, { recursive: true })
  })
  const start = (env: NodeJS.ProcessEnv = {}) =>
    startProgram(join(ROOT, 'examples/curl.sh'), [`${proxy.url}/demo`], { env: { TMPDIR: temporary, ...env } })

  it('reads a text, comments it, marks it as read and closes its session', async () => {
    const script = start()
    expect(await script.exit).toBe(0)
    expect(script.output()).toBe(`Logged in as "Demo Reader".
Unread texts in conference 9: 2
Text 30 by "Demo Writer": "A text in HTML"
${await bodyOf(30)}
Wrote text 48.
Marked texts 30 and 48 as read.
Closed the session.
`)
    const id = await logIn()
    const { json } = await gateway.send('GET', '/demo/texts/48', { id })
    expect(json).toMatchObject({ subject: 'A text in HTML', comment_to_list: [{ text_no: 30 }] })
    const unread = await gateway.send('GET', '/demo/persons/6/memberships/9/unread', { id })
    expect(unread.json.unread_texts).toEqual([36])
    expect((await gateway.send('GET', '/demo/sessions/mine', { id })).json).toEqual({ sessions: [] })
    await gateway.send('DELETE', '/demo/sessions/0', { id })
  })

  it('shows the connection id and the password neither in arguments and URLs nor to other users', async () => {
    const { stdout: curl } = await run('sh', ['-c', 'command -v curl'])
    const wrapper = join(temporary, 'bin', 'curl')
    mkdirSync(join(temporary, 'bin'))
    const record = `for each; do case $each in @/*) stat -c 'mode %a' "\${each#@}" >> ${temporary}/log;; esac; done`
    writeFileSync(wrapper, `#!/bin/sh\necho "$*" >> ${temporary}/log\n${record}\nexec ${curl.trim()} "$@"\n`)
    chmodSync(wrapper, 0o755)
    const script = start({ PATH: `${join(temporary, 'bin')}${delimiter}${process.env.PATH}` })
    expect(await script.exit).toBe(0)
    const log = readFileSync(join(temporary, 'log'), 'utf8')
    rmSync(join(temporary, 'bin'), { recursive: true })
    rmSync(join(temporary, 'log'))
    expect(log).toContain(`${proxy.url}/demo/sessions/current/login`)
    expect(new Set(log.match(/^mode .*$/gm))).toEqual(new Set(['mode 600']))
    expect(log).not.toMatch(UUID)
    expect(log).not.toContain('passwd')
    expect(script.output()).not.toMatch(UUID)
    expect(readdirSync(temporary)).toEqual([])
  })

  it('stops at the first error, prints it, and closes its session', async () => {
    proxy.requests.length = 0
    proxy.failNext({ method: 'GET', path: /unread/, status: 504 })
    const script = start()
    expect(await script.exit).toBe(1)
    expect(script.output()).toContain('"error_msg":"injected fault"')
    expect(proxy.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /demo/sessions/',
      'POST /demo/sessions/current/login',
      'GET /demo/persons/6/memberships/9/unread',
      'DELETE /demo/sessions/0',
    ])
    expect(readdirSync(temporary)).toEqual([])
  })

  async function logIn(): Promise<string> {
    const id = await gateway.open()
    await gateway.send('POST', '/demo/sessions/current/login', { id, json: { pers_no: 6, passwd: 'demo' } })
    return id
  }

  async function bodyOf(textNo: number): Promise<string> {
    const id = await logIn()
    const { text } = await gateway.send('GET', `/demo/texts/${textNo}/body`, { id })
    await gateway.send('DELETE', '/demo/sessions/0', { id })
    return text.trimEnd()
  }
})

describe.each([
  { where: 'a project with the package', folder: () => project, file: 'embed.ts' },
  { where: 'a checkout', folder: () => ROOT, file: 'examples/embed.ts' },
])('examples/embed.ts in $where', ({ folder, file }) => {
  it('serves its own page and the API, and ends the sessions and exits with 0 on SIGTERM', async () => {
    const program = startTypeScript(join(folder(), file), [], { cwd: folder(), env: { PORT: '0' } })
    const [, port] = await program.prints(/"port":(\d+),"msg":"listening"/)
    const url = `http://127.0.0.1:${port}`
    expect(await (await fetch(url)).text()).toContain('<h1>Our LysKOM</h1>')
    expect(await (await fetch(`${url}/httpkom/`)).json()).toMatchObject({ demo: { name: 'Demo LysKOM' } })
    expect((await fetch(`${url}/demo/sessions/`, { method: 'POST' })).status).toBe(404)
    const opened = await fetch(`${url}/httpkom/demo/sessions/`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ client: { name: 'test', version: '1' } }),
    })
    expect(opened.status).toBe(201)
    const id = opened.headers.get('Httpkom-Connection')
    const socket = new WebSocket(`${url.replace('http', 'ws')}/httpkom/websocket?Httpkom-Connection=${id}`)
    await once(socket, 'open')
    socket.send(JSON.stringify({ protocol: 'echo', ref_no: 1, request: 'hello' }))
    const [reply] = await once(socket, 'message')
    expect(JSON.parse(String(reply))).toEqual({ protocol: 'echo', ref_no: 1, reply: 'hello' })
    const closed = once(socket, 'close')
    program.kill('SIGTERM')
    expect((await closed)[0]).toBe(1001)
    expect(await program.exit).toBe(0)
    expect(program.output()).toMatch(/"reason":"shutdown","msg":"session closed"/)
    expect(program.output()).not.toContain(id)
  })
})

describe('examples/sxapi-guard.ts', () => {
  const start = async (...args: string[]) => {
    const options = { cwd: project, env: { PORT: '0' } }
    const program = startTypeScript(join(project, 'sxapi-guard.ts'), args, options)
    const [, url = ''] = await program.prints(/listening on (http:\/\/localhost:\d+)\n/)
    return { program, url }
  }

  it.skipIf(skipWithoutCurl)('runs the conversation that docs/compat/sxapi.md prints', async () => {
    const { program, url } = await start()
    const blocks = consoleBlocks(readFileSync(join(ROOT, 'docs/compat/sxapi.md'), 'utf8'))
    const commands = blocks.map((block) => block.commands.map((line) => line.replaceAll('http://localhost:8080', url)))
    const printed = await runBlocks(
      blocks.map((block, i) => ({ ...block, commands: commands[i] ?? [] })),
      url,
    )
    expect(printed).toEqual(blocks.map((block) => block.printed))
    expect(printed.flat().length).toBeGreaterThan(6)
    expect(program.output()).toMatch(/^listening on \S+\n$/)
  })

  it('loads the given configuration, and exits with 0 on SIGTERM', async () => {
    const profile = { session: { transport: { type: 'bearer' }, backend: { type: 'memory' } } }
    writeFileSync(join(project, 'strict.json'), JSON.stringify(profile))
    const { program, url } = await start('strict.json')
    expect(await (await fetch(url)).text()).toBe('Welcome. This page needs no session.')
    const refused = await fetch(`${url}/basket`)
    expect(refused.status).toBe(401)
    expect(refused.headers.get('www-authenticate')).toBe('Bearer')
    program.kill('SIGTERM')
    expect(await program.exit).toBe(0)
  })
})
