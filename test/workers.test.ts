import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startDemoServer } from '../src/demo/server.ts'
import { build, MAIN } from './support/built-command.ts'
import type { DatabaseServer } from './support/database-server.ts'
import { type Komgate, startKomgate } from './support/komgate-process.ts'
import { redisInstalled, startRedis } from './support/redis-server.ts'
import { Scope } from './support/scope.ts'

const KEY = 'a-key-of-nodes-that-only-tests-have'
const WORKERS = 2
const OPENING = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: '{"client":{"name":"x","version":"1"}}',
}

interface Command extends Komgate {
  url: string
  /** the log so far */
  log(): string
  /** Returns the process ids of the workers. */
  workers(): number[]
  /** Opens a session, on one of the workers. Resolves with its id. */
  open(): Promise<string>
  status(id: string): Promise<number>
  /** Sends a signal. Resolves with the exit code. */
  end(...signals: NodeJS.Signals[]): Promise<number | NodeJS.Signals | null>
}

describe.skipIf(!redisInstalled() && !process.env.CI)('a command with several workers', () => {
  let scope: Scope
  let redis: DatabaseServer
  let lyskomPort: number
  beforeAll(build, 60_000)
  beforeEach(async () => {
    scope = new Scope()
    redis = scope.use(await startRedis(), (server) => server.close())
    lyskomPort = scope.use(await startDemoServer(), (demo) => demo.close()).port
  })
  afterEach(() => scope.close())

  async function start(...more: string[]): Promise<Command> {
    const log: string[] = []
    const komgate = await startKomgate(scope, {
      servers: { kom: lyskomPort },
      args: ['--workers', `${WORKERS}`, '--cluster', redis.url, '--cluster-key', KEY, ...more],
      onLog: (text) => void log.push(text),
      onErrors: (text) => void log.push(text),
    })
    const url = `http://127.0.0.1:${komgate.port}`
    const command: Command = {
      ...komgate,
      url,
      log: () => log.join(''),
      workers: () => childrenOf(komgate.pid),
      async open() {
        const response = await fetch(`${url}/kom/sessions/`, OPENING)
        return ((await response.json()) as { connection_id: string }).connection_id
      },
      async status(id) {
        const path = '/kom/sessions/current/who-am-i'
        // Each connection is given to the next worker.
        const headers = { 'httpkom-connection': id, connection: 'close' }
        return (await fetch(url + path, { headers })).status
      },
      async end(...signals) {
        for (const signal of signals) process.kill(komgate.pid, signal)
        await expect.poll(() => isRunning(komgate.pid), { timeout: 10_000 }).toBe(false)
        return await komgate.stop()
      },
    }
    await expect.poll(command.log, { timeout: 10_000 }).toContain('komgate listening on')
    return command
  }

  /** Runs the command, which ends by itself. Resolves with its exit code and output. */
  async function failure(...more: string[]): Promise<{ code: number; stderr: string; stdout: string }> {
    const args = ['--port', '0', '--workers', `${WORKERS}`, '--cluster', redis.url, '--cluster-key', KEY, ...more]
    return await promisify(execFile)(process.execPath, [MAIN, ...args]).then(
      () => expect.fail('it has not failed'),
      (error) => error,
    )
  }

  it.each(['SIGTERM', 'SIGINT'] as const)('is one gateway, and ends with 0 on %s', async (signal) => {
    const command = await start()
    expect(command.workers()).toHaveLength(WORKERS)
    const ids = await Promise.all([1, 2, 3, 4].map(() => command.open()))
    for (const id of ids) for (let i = 0; i < WORKERS; i++) expect(await command.status(id)).toBe(200)
    expect(await command.end(signal)).toBe(0)
    expect(command.log()).toContain(`${signal}: closing the workers`)
    expect(command.log().match(/"closed"/g)).toHaveLength(WORKERS)
  })

  it('has one demo server for all workers', async () => {
    const args = ['--workers', `${WORKERS}`, '--cluster', redis.url, '--cluster-key', KEY]
    let log = ''
    const onLog = (text: string): void => {
      log += text
    }
    const { port } = await startKomgate(scope, { servers: { demo: 'demo' }, args, onLog })
    // That all workers have started.
    await expect.poll(() => log).toContain('komgate listening on')
    const opened = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const headers = { ...OPENING.headers, connection: 'close' }
        const response = await fetch(`http://127.0.0.1:${port}/demo/sessions/`, { ...OPENING, headers })
        return (await response.json()) as { connection_id: string; session_no: number }
      }),
    )
    expect(new Set(opened.map(({ connection_id }) => connection_id.slice(0, 3))).size).toBe(WORKERS)
    expect(new Set(opened.map(({ session_no }) => session_no)).size).toBe(opened.length)
  })

  it('ends in order if the workers get the signal too, as from a terminal', async () => {
    const command = await start('--drain-ms', '500')
    await command.open()
    for (const pid of command.workers()) process.kill(pid, 'SIGINT')
    const started = performance.now()
    expect(await command.end('SIGINT')).toBe(0)
    expect(performance.now() - started).toBeGreaterThan(490)
  })

  it('drains until a second signal', async () => {
    const command = await start('--drain-ms', '60000')
    const id = await command.open()
    process.kill(command.pid, 'SIGTERM')
    await expect.poll(async () => (await fetch(`${command.url}/kom/sessions/`, OPENING)).status).toBe(503)
    expect(await command.status(id)).toBe(200)
    expect(await command.end('SIGTERM')).toBe(0)
  })

  it('replaces a worker that ends, and the sessions of the others go on', async () => {
    const command = await start()
    const ids = await Promise.all([1, 2, 3, 4].map(() => command.open()))
    const [killed = 0, other] = command.workers()
    process.kill(killed, 'SIGKILL')
    await expect.poll(command.log).toContain('has ended and is replaced in 1 s')
    await expect.poll(() => command.workers().length).toBe(WORKERS)
    expect(command.workers()).toContain(other)
    expect(command.workers()).not.toContain(killed)
    const statuses = async () => await Promise.all(ids.map((id) => command.status(id)))
    await expect.poll(async () => new Set(await statuses()), { timeout: 10_000 }).toEqual(new Set([200, 403]))
    await expect.poll(async () => (await fetch(`${command.url}/kom/sessions/`, OPENING)).status).toBe(201)
    expect(await command.end('SIGTERM')).toBe(0)
  })

  it('waits longer and longer for a worker that cannot start again, and ends during such a pause', async () => {
    const command = await start('--lease-ms', '300')
    await redis.stop()
    process.kill(command.workers()[0] ?? 0, 'SIGKILL')
    await expect.poll(command.log, { timeout: 20_000 }).toContain('is replaced in 4 s')
    expect([...command.log().matchAll(/is replaced in (\d+) s/g)].map(([, seconds]) => seconds)).toEqual([
      '1',
      '2',
      '4',
    ])
    const started = performance.now()
    expect(await command.end('SIGTERM')).toBe(0)
    expect(performance.now() - started).toBeLessThan(3500)
  })

  it('tries again when a worker cannot be started, and the others go on', async () => {
    const command = await start()
    const ids = await Promise.all([1, 2, 3, 4].map(() => command.open()))
    const statuses = async () => {
      const found: number[] = []
      for (const id of ids) found.push(await command.status(id))
      return found
    }
    const limit = (files: number) => promisify(execFile)('prlimit', ['--pid', `${command.pid}`, `--nofile=${files}:`])
    process.kill(command.workers()[0] ?? 0, 'SIGKILL')
    // Not what it logs, which is written up to a second later: the next worker is started a second after the end of this one.
    await expect.poll(() => command.workers().length, { interval: 10 }).toBe(WORKERS - 1)
    // Enough to accept a connection, and too few for the pipes of a process.
    const open = readdirSync(`/proc/${command.pid}/fd`).map(Number)
    const free = Array.from({ length: open.length + 2 }, (_, fd) => fd).filter((fd) => !open.includes(fd))
    await limit((free[1] as number) + 1)
    await expect.poll(command.log, { timeout: 10_000 }).toContain('is replaced in 2 s')
    expect(command.log()).toContain('is replaced in 1 s')
    expect(command.log()).toContain('cannot be started')
    expect(await statuses()).toContain(200)
    await limit(1024)
    await expect.poll(() => command.workers().length, { timeout: 10_000 }).toBe(WORKERS)
    expect(await statuses()).toContain(200)
    expect(await command.end('SIGTERM')).toBe(0)
  })

  it('ends with the exit code and the error of a worker that does not start', async () => {
    const other = scope.use(await startDemoServer(), (demo) => demo.close())
    const taken = await failure('--node-url', `http://127.0.0.1:${other.port}`)
    expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining('EADDRINUSE') })
    await start()
    const refused = await failure('--cluster-key', 'another-key-of-32-characters-or-more')
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('another cluster key') })
  })
})

/** Returns the process ids of the children of a process. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}

function isRunning(pid: number): boolean {
  try {
    // A process that has ended is a zombie until its parent notices.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
