import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Report, type Request, ROLE_VARIABLE, type Role, type RoleModule } from './child.ts'
import type { Scope } from './scope.ts'

const KOMGATE = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const CHILD = fileURLToPath(new URL('dist/bench/child.js', import.meta.url))
const START_MS = 10_000
/** Closing 10,000 sessions in order takes some seconds. */
const STOP_MS = 20_000

type Functions = Record<string, (...args: never[]) => unknown>

/** A benchmark process and the functions of its role. */
export interface Child<R extends Role> {
  pid: number
  call<N extends keyof RoleModule<R> & string>(
    name: N,
    ...args: Parameters<(RoleModule<R> & Functions)[N]>
  ): Promise<Awaited<ReturnType<(RoleModule<R> & Functions)[N]>>>
}

/** Starts a role in a new process, which ends with the scope. */
export async function startChild<R extends Role>(scope: Scope, role: R): Promise<Child<R>> {
  const child = launch([CHILD], { role })
  scope.use(child, stop)
  return await connectChild(child)
}

export interface Komgate {
  pid: number
  port: number
  /** Stops the process in order, by force after a timeout. Resolves with its exit code or signal. */
  stop(): Promise<Ending>
}

/** An exit code, or the signal that ended a process. */
export type Ending = number | NodeJS.Signals | null

export interface KomgateOptions {
  /** ports on 127.0.0.1 of LysKOM servers, by server id */
  servers: Record<string, number>
  /** ids of plain applications */
  apps?: readonly string[]
  /** flags of the gateway */
  args?: string[]
  /** called with pieces of the log; without it the log is discarded */
  onLog?: (text: string) => void
}

/** Starts the built gateway. */
export async function startKomgate(scope: Scope, options: KomgateOptions): Promise<Komgate> {
  const { port, flags } = await prepareKomgate(scope, options)
  const child = scope.use(launch([KOMGATE, ...flags], options), stop)
  await untilAnswers(child, port)
  return { pid: child.pid as number, port, stop: () => stop(child) }
}

/** Starts the built gateway with a role inside its process. */
export async function startProbedKomgate<R extends Role>(
  scope: Scope,
  role: R,
  options: KomgateOptions,
): Promise<Komgate & { probe: Child<R> }> {
  const { port, flags } = await prepareKomgate(scope, options)
  const child = scope.use(launch(['--import', CHILD, KOMGATE, ...flags], { role, ...options }), stop)
  const probe = await connectChild<R>(child)
  await untilAnswers(child, port)
  return { pid: probe.pid, port, probe, stop: () => stop(child) }
}

async function prepareKomgate(scope: Scope, { servers, apps = [], args = [] }: KomgateOptions) {
  const dir = scope.use(await mkdtemp(join(tmpdir(), 'komgate-bench-')), (path) => rm(path, { recursive: true }))
  const file = join(dir, 'servers.json')
  const entries = Object.entries(servers).map(([id, port]) => [id, { name: id, host: '127.0.0.1', port }])
  const plain = apps.map((id) => [id, { name: id, app: true }])
  await writeFile(file, JSON.stringify(Object.fromEntries([...entries, ...plain])))
  const port = await freePort()
  return { port, flags: ['--servers', file, '--port', String(port), ...args] }
}

function launch(args: string[], { role, onLog }: { role?: Role; onLog?: (text: string) => void }): ChildProcess {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('KOMGATE_')))
  const child = spawn(process.execPath, args, {
    env: role === undefined ? env : { ...env, [ROLE_VARIABLE]: role },
    stdio: ['ignore', onLog ? 'pipe' : 'ignore', 'inherit', ...(role === undefined ? [] : ['ipc' as const])],
  })
  if (onLog) child.stdout?.setEncoding('utf8').on('data', onLog)
  return child
}

async function connectChild<R extends Role>(child: ChildProcess): Promise<Child<R>> {
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  let lastId = 0
  await new Promise<void>((ready, failed) => {
    child.on('message', (report: Report) => {
      if ('ready' in report) {
        ready()
        return
      }
      const call = waiting.get(report.id)
      waiting.delete(report.id)
      if ('error' in report) call?.reject(new Error(report.error))
      else call?.resolve(report.value as never)
    })
    child.once('exit', (code, signal) => {
      const ended = new Error(`a process of the benchmark ended with ${code ?? signal}`)
      failed(ended)
      for (const { reject } of waiting.values()) reject(ended)
    })
  })
  return {
    pid: child.pid as number,
    call: (name, ...args) =>
      new Promise((resolve, reject) => {
        const request: Request = { id: ++lastId, name, args }
        waiting.set(request.id, { resolve, reject })
        child.send(request, (error) => error && reject(error))
      }),
  }
}

async function stop(child: ChildProcess): Promise<Ending> {
  if (!hasEnded(child)) {
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    child.kill('SIGTERM')
    await once(child, 'exit')
    clearTimeout(force)
  }
  return child.exitCode ?? child.signalCode
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

async function untilAnswers(child: ChildProcess, port: number): Promise<void> {
  const started = performance.now()
  for (;;) {
    if (hasEnded(child)) throw new Error(`komgate ended with ${child.exitCode ?? child.signalCode}`)
    try {
      const response = await fetch(`http://127.0.0.1:${port}/`)
      await response.arrayBuffer()
      return
    } catch (error) {
      if (performance.now() - started > START_MS) throw error
      await sleep(20)
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
