import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'
import { forwardErrors, Inspector, inspectorFlags } from './inspector.ts'
import type { Scope } from './scope.ts'

const START_MS = 30_000
/** Closing 10,000 sessions in order takes some seconds. */
const STOP_MS = 20_000

export interface Komgate {
  pid: number
  port: number
  /** Stops the process in order, by force after a timeout. Resolves with its exit code or signal. */
  stop(): Promise<number | NodeJS.Signals | null>
}

/** Where a gateway runs. */
export interface Place {
  /** beginning of the command line, for a network namespace for example */
  prefix: readonly string[]
  /** the address for clients */
  host: string
  /** the address of the LysKOM servers */
  serverHost: string
}

const HERE: Place = { prefix: [], host: '127.0.0.1', serverHost: '127.0.0.1' }

/** A gateway with a connection to its inspector. */
export interface InspectedKomgate extends Komgate {
  inspector: Inspector
}

export interface KomgateOptions {
  /** ports of LysKOM servers, by server id; `demo` for the demo server in the process of the gateway */
  servers: Record<string, number | 'demo'>
  /** ids of applications of the session store */
  apps?: readonly string[]
  /** default: this machine, with LysKOM servers on 127.0.0.1 */
  place?: Place
  /** flags of the gateway */
  args?: readonly string[]
  /** flags of Node */
  nodeArgs?: readonly string[]
  /** called with pieces of the log; without it the log is discarded */
  onLog?: (text: string) => void
  /** called with what the process writes to standard error; without it, it goes to that of the tests */
  onErrors?: (text: string) => void
}

/** Starts the built gateway (`dist/` in the working directory) in a process that ends with the scope. */
export async function startKomgate(scope: Scope, options: KomgateOptions): Promise<Komgate> {
  const { servers, apps = [], args = [], nodeArgs = [], place = HERE, onLog, onErrors } = options
  const dir = scope.use(await mkdtemp(join(tmpdir(), 'komgate-process-')), (path) => rm(path, { recursive: true }))
  const file = join(dir, 'servers.json')
  const entries = Object.entries(servers).map(([id, port]) => {
    return [id, port === 'demo' ? { name: id, demo: true } : { name: id, host: place.serverHost, port }]
  })
  const plain = apps.map((id) => [id, { name: id, app: true }])
  await writeFile(file, JSON.stringify(Object.fromEntries([...entries, ...plain])))
  const port = await freePort()
  const { prefix, host } = place
  const flags = ['--servers', file, '--host', host, '--port', String(port), ...args]
  const [program = '', ...all] = [...prefix, process.execPath, ...nodeArgs, resolve('dist/main.js'), ...flags]
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('KOMGATE_')))
  const child = spawn(program, all, { env, stdio: ['ignore', onLog ? 'pipe' : 'ignore', 'pipe'] })
  scope.use(child, stopProcess)
  if (onLog) child.stdout?.setEncoding('utf8').on('data', onLog)
  if (onErrors) child.stderr?.setEncoding('utf8').on('data', onErrors)
  else forwardErrors(child)
  await untilReady(child, host, port)
  return { pid: child.pid as number, port, stop: () => stopProcess(child) }
}

/** Starts the gateway with a connection to its inspector. */
export async function startInspectedKomgate(scope: Scope, options: KomgateOptions): Promise<InspectedKomgate> {
  const port = await freePort()
  const nodeArgs = [...inspectorFlags(port), ...(options.nodeArgs ?? [])]
  const komgate = await startKomgate(scope, { ...options, nodeArgs })
  const inspector = scope.use(await Inspector.connect(port), (connected) => connected.close())
  // Node waits at exit for its debugger to disconnect.
  const stop = (): ReturnType<Komgate['stop']> => {
    inspector.close()
    return komgate.stop()
  }
  return { ...komgate, stop, inspector }
}

/** Ends a process with SIGTERM, after a timeout with SIGKILL. Resolves with its exit code or signal. */
export async function stopProcess(child: ChildProcess): Promise<number | NodeJS.Signals | null> {
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

async function untilReady(child: ChildProcess, host: string, port: number): Promise<void> {
  const started = performance.now()
  for (;;) {
    if (hasEnded(child)) throw new Error(`komgate ended with ${child.exitCode ?? child.signalCode}`)
    try {
      await (await fetch(`http://${host}:${port}/`)).arrayBuffer()
      return
    } catch (error) {
      if (performance.now() - started > START_MS) throw error
      await sleep(20)
    }
  }
}
