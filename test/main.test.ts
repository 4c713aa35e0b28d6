import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { build, MAIN } from './support/built-command.ts'
import { type FakeServer, startFakeServer } from './support/fake-server.ts'

const READY = /komgate listening on (http:\/\/127\.0\.0\.1:\d+)/

let dir: string
let server: FakeServer
const running: (() => void)[] = []

beforeAll(async () => {
  await build()
  dir = mkdtempSync(join(tmpdir(), 'komgate-main-'))
  server = await startFakeServer(({ call }) => call === 82)
  writeFileSync(
    join(dir, 'servers.json'),
    JSON.stringify({ kom: { name: 'KOM', host: '127.0.0.1', port: server.port } }),
  )
}, 60_000)
afterEach(() => {
  for (const kill of running.splice(0)) kill()
})
afterAll(async () => {
  await server.close()
  rmSync(dir, { recursive: true })
})

function komgate(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  running.push(() => child.kill('SIGKILL'))
  const output = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    output.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    output.err += chunk
  })
  const exit = once(child, 'exit').then(([code]) => code as number | null)
  const ready = async () => {
    await expect.poll(() => output.out, { timeout: 10_000 }).toMatch(READY)
    return READY.exec(output.out)?.[1] as string
  }
  return { child, output, exit, ready }
}

const started = () => komgate('--port', '0', '--servers', join(dir, 'servers.json'))

async function open(url: string): Promise<string> {
  const made = await fetch(`${url}/kom/sessions/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"client":{"name":"x","version":"1"}}',
  })
  return ((await made.json()) as { connection_id: string }).connection_id
}

describe('the command', () => {
  it('drains from the first signal until the second one', async () => {
    const { child, exit, ready } = komgate('--port', '0', '--servers', join(dir, 'servers.json'), '--drain-ms', '60000')
    const url = await ready()
    const id = await open(url)
    child.kill('SIGTERM')
    await expect.poll(async () => (await fetch(`${url}/ready`)).status).toBe(503)
    const headers = { 'httpkom-connection': id }
    expect((await fetch(`${url}/kom/sessions/current/who-am-i`, { headers })).status).toBe(200)
    child.kill('SIGINT')
    expect(await exit).toBe(0)
  })

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'closes every session with disconnect and exits with 0 on %s',
    async (signal) => {
      const { child, exit, ready } = started()
      const url = await ready()
      await open(url)
      await open(url)
      const mine = server.connections.slice(-2)
      child.kill(signal)
      expect(await exit).toBe(0)
      for (const connection of mine) {
        await connection.closed
        expect(connection.received.at(-1)?.call).toBe(55)
      }
    },
  )

  it('finishes requests in flight and accepts no new connections on SIGTERM', async () => {
    const { child, exit, ready } = started()
    const url = await ready()
    const id = await open(url)
    const inFlight = fetch(`${url}/kom/sessions/current/active`, {
      method: 'POST',
      headers: { 'httpkom-connection': id },
    })
    const fake = server.connections.at(-1)
    await expect.poll(() => fake?.received.at(-1)?.call).toBe(82)
    child.kill('SIGTERM')
    await expect.poll(() => refused(url)).toBe(true)
    fake?.send(`=${fake.received.at(-1)?.ref}\n`)
    expect((await inFlight).status).toBe(204)
    expect(await exit).toBe(0)
  })

  it('waits for requests in flight no longer than its deadline', async () => {
    const { child, exit, ready } = komgate(
      '--port',
      '0',
      '--servers',
      join(dir, 'servers.json'),
      '--shutdown-timeout-ms',
      '100',
    )
    const url = await ready()
    const id = await open(url)
    const inFlight = fetch(`${url}/kom/sessions/current/active`, {
      method: 'POST',
      headers: { 'httpkom-connection': id },
    })
    inFlight.catch(() => undefined)
    await expect.poll(() => server.connections.at(-1)?.received.at(-1)?.call).toBe(82)
    child.kill('SIGTERM')
    expect(await exit).toBe(0)
    await expect(inFlight).rejects.toThrow()
  })

  it('exits within a second of the shutdown timeout when its log is not read', async () => {
    const fifo = join(dir, 'log')
    execFileSync('mkfifo', [fifo])
    const log = openSync(fifo, 'r+')
    const args = ['--port', '0', '--servers', join(dir, 'servers.json'), '--shutdown-timeout-ms', '100']
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', log, 'inherit'] })
    running.push(() => child.kill('SIGKILL'))
    const exit = once(child, 'exit')
    const start = Buffer.alloc(4096)
    const url = READY.exec(start.toString('latin1', 0, readSync(log, start)))?.[1]
    // More than a pipe holds.
    for (let i = 0; i < 600; i++) await (await fetch(`${url}/${'x'.repeat(300)}`)).text()
    child.kill('SIGTERM')
    expect(await exit).toEqual([null, 'SIGKILL'])
    closeSync(log)
  })

  it.each([
    [['--port', '99999'], 'komgate: command line: --port: must be a whole number from 0 to 65535\n'],
    [['--servers', '/nowhere.json'], 'komgate: /nowhere.json: there is no such file\n'],
  ])('prints one line on standard error and exits with 2 for %j', async (args, message) => {
    const { output, exit } = komgate(...args)
    expect(await exit).toBe(2)
    expect(output).toEqual({ out: '', err: message })
  })

  it('reports a port in use in one line, and exits with 1', async () => {
    const { output, exit } = komgate('--port', String(server.port), '--servers', join(dir, 'servers.json'))
    expect(await exit).toBe(1)
    expect(output.err).toMatch(/^komgate: listen EADDRINUSE: .*\n$/)
  })

  it('validates without listening on --check, and prints on --version and --help', async () => {
    const [check, version, help] = [komgate('--check'), komgate('--version'), komgate('--help')]
    expect(await Promise.all([check.exit, version.exit, help.exit])).toEqual([0, 0, 0])
    expect(check.output.out).toBe('The configuration is valid.\n')
    expect(version.output.out).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(help.output.out).toMatch(/--session-idle-ms +KOMGATE_SESSION_IDLE_MS/)
  })
})

function refused(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.once('connect', () => resolve(false)).once('error', () => resolve(true))
    socket.once('connect', () => socket.destroy())
  })
}
