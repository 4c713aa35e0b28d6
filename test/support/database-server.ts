import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, open, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from './free-port.ts'

/** Environment variable with the directory for what `install` creates. The global setup of vitest sets it. */
export const INSTALLED_DIR = 'TEST_INSTALLED_DIR'

const START_MS = 30_000
const STOP_MS = 10_000
const PORT_ATTEMPTS = 3

const run = promisify(execFile)

/** A server that a test has started for itself, on a free port of 127.0.0.1. */
export interface DatabaseServer {
  readonly port: number
  /** its working directory */
  readonly dir: string
  /** URL for clients, with user and password */
  readonly url: string
  /** Stops the server and keeps its data. */
  stop(): Promise<void>
  /** Starts the server again on the same port. */
  start(): Promise<void>
  /** Stops the process so that it does not reply, until `resume`. */
  pause(): void
  /** Continues the process. */
  resume(): void
  /** Stops the server and removes its data. */
  close(): Promise<void>
}

type RunAsUser = (command: string, args: readonly string[]) => Promise<void>

/** Describes how to start one kind of server. */
export interface ServerKind {
  /** name in error messages and in the name of the working directory */
  name: string
  /** the user for the server process if root runs the tests, since most of these servers refuse to run as root */
  user: string
  /** the signal for a shutdown that does not wait for clients; SIGKILL for a server that always waits */
  stopSignal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'
  /**
   * Creates what is the same for every server of the kind, in an empty directory that belongs to `user`. It runs once
   * in a run of the tests; every server gets a copy.
   */
  install?(dir: string, runAsUser: RunAsUser): Promise<void>
  /** Prepares the working directory of one server, which holds what `install` created. */
  prepare(dir: string): Promise<void>
  /** Returns the command that runs the server in the foreground. */
  command(dir: string, port: number): readonly [command: string, ...args: string[]]
  /** Returns the URL for clients. */
  url(port: number): string
  /** Sends a request to the server. Rejects unless the server responds. */
  greet(url: string): Promise<void>
}

/**
 * Starts a server. Resolves when it responds.
 *
 * @throws Error with the end of its log if it does not respond within 30 s
 */
export async function startServer(kind: ServerKind): Promise<DatabaseServer> {
  const dir = await makeDirectory(kind, tmpdir())
  const remove = () => rm(dir, { recursive: true, force: true })
  try {
    if (kind.install !== undefined) await run('cp', ['-a', '--reflink=auto', `${await installed(kind)}/.`, dir])
    await kind.prepare(dir)
    for (let attempt = 1; ; attempt++) {
      const port = await freePort()
      try {
        return handle(kind, dir, port, await launch(kind, dir, port), remove)
      } catch (error) {
        // Another process may have taken the port.
        if (attempt === PORT_ATTEMPTS) throw error
      }
    }
  } catch (error) {
    await remove()
    throw error
  }
}

/** Makes an empty directory that belongs to the user of the server. */
async function makeDirectory(kind: ServerKind, parent: string): Promise<string> {
  const dir = await mkdtemp(join(parent, `komgate-${kind.name}-`))
  if (isRoot()) await run('chown', [`${kind.user}:`, dir])
  return dir
}

/** Returns the directory with what `install` created, which all processes of a test run share. */
async function installed(kind: ServerKind): Promise<string> {
  const parent = process.env[INSTALLED_DIR]
  if (parent === undefined) throw new Error(`${INSTALLED_DIR} is not set: run the tests with vitest`)
  const path = join(parent, kind.name)
  if (existsSync(path)) return path
  const dir = await makeDirectory(kind, parent)
  await kind.install?.(dir, async (command, args) => {
    const [program, ...all] = asUser(kind, [command, ...args])
    await run(program, all, { cwd: dir })
  })
  // Another process may have finished first.
  await rename(dir, path).catch((error: unknown) => {
    if (!existsSync(path)) throw error
  })
  return path
}

function handle(
  kind: ServerKind,
  dir: string,
  port: number,
  first: ChildProcess,
  remove: () => Promise<void>,
): DatabaseServer {
  let child: ChildProcess | undefined = first
  const stop = async () => {
    if (child !== undefined) await terminate(child, kind.stopSignal)
    child = undefined
  }
  return {
    port,
    dir,
    url: kind.url(port),
    stop,
    start: async () => {
      child ??= await launch(kind, dir, port)
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    close: async () => {
      await stop()
      await remove()
    },
  }
}

async function launch(kind: ServerKind, dir: string, port: number): Promise<ChildProcess> {
  const logPath = join(dir, 'server.log')
  const log = await open(logPath, 'a')
  const [program, ...args] = asUser(kind, kind.command(dir, port))
  const child = spawn(program, args, { cwd: dir, stdio: ['ignore', log.fd, log.fd] })
  try {
    await once(child, 'spawn')
    await untilReady(child, () => kind.greet(kind.url(port)))
    return child
  } catch (cause) {
    await terminate(child, 'SIGKILL')
    const tail = (await readFile(logPath, 'latin1')).slice(-2000)
    throw new Error(`${kind.name} did not start on port ${port}. Its log ends:\n${tail}`, { cause })
  } finally {
    await log.close()
  }
}

async function untilReady(child: ChildProcess, greet: () => Promise<void>): Promise<void> {
  const started = performance.now()
  for (;;) {
    try {
      return await greet()
    } catch (cause) {
      if (hasEnded(child)) throw new Error(`the process ended with ${child.exitCode ?? child.signalCode}`, { cause })
      if (performance.now() - started > START_MS) throw new Error(`no response within ${START_MS} ms`, { cause })
      await sleep(50)
    }
  }
}

/**
 * Returns a command that runs the program as `user` if root runs the tests. setpriv replaces itself with the program,
 * so the process id stays the same, and the kernel ends the program when this process ends.
 */
function asUser({ user, stopSignal }: ServerKind, command: readonly string[]): [string, ...string[]] {
  const identity = isRoot() ? [`--reuid=${user}`, `--regid=${user}`, '--clear-groups'] : []
  return ['setpriv', '--pdeathsig', stopSignal.slice(3), ...identity, ...command]
}

async function terminate(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (hasEnded(child)) return
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
  clearTimeout(force)
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null
}

function isRoot(): boolean {
  return process.getuid?.() === 0
}
