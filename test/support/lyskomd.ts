import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { accessSync, constants, existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort, isFree } from './free-port.ts'

const LYSKOMD = '/usr/sbin/lyskomd'
const DEFAULT_DATABASE = '/usr/share/lyskom-server/default'
const AUX_ITEMS = '/etc/lyskom-server/aux-items.conf'

const START_MS = 15_000
const HANDSHAKE_MS = 5_000
const STOP_MS = 5_000
const PORT_ATTEMPTS = 3

/** A lyskomd that a test has started for itself. */
export interface Lyskomd {
  readonly host: '127.0.0.1'
  readonly port: number
  /** Temporary directory with the database in `db/` and the log in `server.log`. */
  readonly dir: string
  readonly pid: number
  /** Resolves when the most recent process has ended for any reason. Never rejects. */
  readonly exited: Promise<void>
  /**
   * Stops the server, which saves its database, and removes the directory. Kills the process after 5 s. May be called
   * repeatedly.
   */
  stop(): Promise<void>
  /** Sends a signal: SIGSTOP simulates a hung server, SIGKILL a crash. The caller must still call `stop`. */
  kill(signal: NodeJS.Signals): void
  /**
   * Waits until the process has ended, and starts it again on the same port and database. Session 1 is the readiness
   * check.
   */
  restart(): Promise<void>
}

/** Options of `startLyskomd`. */
export interface LyskomdOptions {
  /**
   * `empty` (the default) is Debian's initial database, in which the administrator is person 5 with the password
   * `gazonk`. Otherwise the path of a `.tar.gz` file with a folder `db/`.
   */
  database?: 'empty' | string
  /** Maximum size of a text, in bytes. The server's default is 131,072. */
  maxTextBytes?: number
  /** Maximum number of open files. lyskomd needs 23 of them itself, so that the others are connections. */
  openFiles?: number
}

/** Reports whether lyskomd is installed (`apt-get install lyskom-server`). */
export function lyskomdInstalled(): boolean {
  try {
    accessSync(LYSKOMD, constants.X_OK)
    return existsSync(DEFAULT_DATABASE)
  } catch {
    return false
  }
}

/**
 * Starts lyskomd on a free port of 127.0.0.1. Resolves when it has replied to a greeting. This readiness check is
 * session 1, so the first connection of a test is session 2.
 *
 * @throws Error if lyskomd is not installed, exits, or is not ready within some seconds; the message contains the end
 * of its log
 */
export async function startLyskomd(options: LyskomdOptions = {}): Promise<Lyskomd> {
  if (!lyskomdInstalled()) throw new Error(`${LYSKOMD} is not installed: apt-get install lyskom-server netbase`)
  const nameServer = await startNameServer()
  const dir = await mkdtemp(join(tmpdir(), 'komgate-lyskomd-'))
  let child: ChildProcess | undefined
  const clear = async () => {
    if (child) await terminate(child)
    nameServer.close()
    await rm(dir, { recursive: true, force: true })
  }
  try {
    await fillDatabase(dir, options.database ?? 'empty')
    for (let attempt = 1; ; attempt++) {
      const port = await freePort()
      await writeFile(join(dir, 'etc/lyskomd.conf'), config(dir, port, options))
      child = await launch(dir, nameServer.address().address)
      const state = await untilListening(child, dir, port)
      if (state === 'listening') {
        await greet(dir, port)
        const restart = async (ended: ChildProcess): Promise<ChildProcess> => {
          await exit(ended)
          child = await launch(dir, nameServer.address().address)
          await untilListening(child, dir, port)
          await greet(dir, port)
          return child
        }
        return handle(child, dir, port, { clear, restart })
      }
      // lyskomd ignores SIGTERM until it listens.
      child.kill('SIGKILL')
      await exit(child)
      if (attempt === PORT_ATTEMPTS) throw new Error(`each of ${PORT_ATTEMPTS} ports was taken. ${await logTail(dir)}`)
    }
  } catch (error) {
    await clear()
    throw error
  }
}

function handle(
  first: ChildProcess,
  dir: string,
  port: number,
  { clear, restart }: { clear: () => Promise<void>; restart: (ended: ChildProcess) => Promise<ChildProcess> },
): Lyskomd {
  let child = first
  let stopped: Promise<void> | undefined
  return {
    host: '127.0.0.1',
    port,
    dir,
    get pid() {
      return child.pid ?? 0
    },
    get exited() {
      return exit(child)
    },
    stop: () => {
      stopped ??= clear()
      return stopped
    },
    kill: (signal) => void child.kill(signal),
    restart: async () => {
      child = await restart(child)
    },
  }
}

/**
 * lyskomd looks up every client's name before it sends the greeting and waits 28 s without an answer. This name server
 * immediately answers that the name does not exist.
 *
 * Each lyskomd has its own name server on a random address in 127.0.0.0/8, because several processes start servers
 * concurrently (vitest workers, the benchmark), and one address can be bound only once. The port must be 53, the only
 * one that lyskomd's resolver supports.
 */
async function startNameServer(): Promise<UdpSocket> {
  for (let attempt = 1; ; attempt++) {
    const socket = createSocket('udp4')
    socket.on('message', (query, from) => {
      const answer = Buffer.from(query)
      answer[2] = 0x84 | ((query[2] ?? 0) & 1)
      answer[3] = 0x83
      socket.send(answer, from.port, from.address)
    })
    const address = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`
    try {
      socket.bind(53, address)
      await once(socket, 'listening')
      // The socket must not keep the test process alive.
      return socket.unref()
    } catch (error) {
      socket.close()
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'EADDRINUSE' && attempt < 5) continue
      const need =
        code === 'EACCES'
          ? 'run as root, with CAP_NET_BIND_SERVICE, or after `sysctl net.ipv4.ip_unprivileged_port_start=53`'
          : 'a name server bound to 0.0.0.0:53 must be stopped'
      throw new Error(`lyskomd needs a name server on a loopback address, UDP port 53: ${need} (${code})`, {
        cause: error,
      })
    }
  }
}

async function fillDatabase(dir: string, database: string): Promise<void> {
  await Promise.all(['db', 'etc', 'cores'].map((name) => mkdir(join(dir, name))))
  await copyFile(AUX_ITEMS, join(dir, 'etc/aux-items.conf'))
  if (database !== 'empty') {
    await promisify(execFile)('tar', ['-xzf', database, '-C', dir])
    return
  }
  await copyFile(join(DEFAULT_DATABASE, 'lyskomd-data-en'), join(dir, 'db/lyskomd-data'))
  await copyFile(join(DEFAULT_DATABASE, 'lyskomd-texts'), join(dir, 'db/lyskomd-texts'))
  await copyFile(join(DEFAULT_DATABASE, 'number.txt'), join(dir, 'db/number.txt'))
}

// Sets every path, because Debian's defaults are outside `Prefix`. lyskomd aborts with `127.0.0.1` as client host.
function config(dir: string, port: number, { maxTextBytes, openFiles }: LyskomdOptions): string {
  const settings: Record<string, string | number> = {
    Prefix: dir,
    'Client host': '::ffff:127.0.0.1',
    'Client port': port,
    'Max conferences': 4765,
    'Max texts': 200_000,
    'Force ISO 8859-1': 'yes',
    'Ident-authentication': 'never',
    'Log login': 'no',
    'Nologin file': `${dir}/nologin`,
    'Data file': 'db/lyskomd-data',
    'Backup file': 'db/lyskomd-backup',
    'Backup file 2': 'db/lyskomd-backup-prev',
    'Lock file': 'db/lyskomd-lock',
    'Text file': 'db/lyskomd-texts',
    'Text backup file': 'db/lyskomd-texts-backup',
    'Number file': 'db/number.txt',
    'Number temp file': 'db/number.tmp',
    'Log file': 'server.log',
    'Log statistics': 'stats.log',
    'Pid file': 'lyskomd.pid',
    'Memory usage file': 'memory.log',
    'Status file': 'status',
    'Connection status file': 'clients',
    'Connection status temp file': 'clients.tmp',
    'Aux-item definition file': 'etc/aux-items.conf',
    'Core directory': 'cores',
  }
  if (maxTextBytes !== undefined) settings['Max text length'] = maxTextBytes
  if (openFiles !== undefined) settings['Open files'] = openFiles
  return Object.entries(settings)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('')
}

async function launch(dir: string, nameServer: string): Promise<ChildProcess> {
  // lyskomd logs to standard error. It would block on a pipe while the test process is busy.
  const logFile = await open(join(dir, 'server.log'), 'w')
  try {
    // setpriv replaces itself with lyskomd, and the kernel ends lyskomd when this process ends.
    const child = spawn('setpriv', ['--pdeathsig', 'TERM', LYSKOMD, '-f', join(dir, 'etc/lyskomd.conf')], {
      stdio: ['ignore', 'ignore', logFile.fd],
      env: { ...process.env, ADNS_RES_CONF_TEXT: `clearnameservers\nnameserver ${nameServer}` },
    })
    await once(child, 'spawn')
    return child
  } finally {
    await logFile.close()
  }
}

/**
 * Waits until lyskomd listens, which only its log shows: if the port is taken, lyskomd retries for 10 s, and the
 * process that has the port may reply to a LysKOM greeting.
 */
async function untilListening(child: ChildProcess, dir: string, port: number): Promise<'listening' | 'port taken'> {
  const started = performance.now()
  for (;;) {
    if ((await readLog(dir)).includes(`Listening for clients on ${port}.`)) return 'listening'
    if (hasEnded(child))
      throw new Error(`lyskomd ended with ${child.exitCode ?? child.signalCode}. ${await logTail(dir)}`)
    const waited = performance.now() - started
    if (waited > START_MS) throw new Error(`lyskomd did not listen within ${START_MS} ms. ${await logTail(dir)}`)
    if (waited > 1_000 && !(await isFree(port))) return 'port taken'
    await sleep(3)
  }
}

/** Connects, waits for the greeting and sends disconnect (call 55), so that no session remains. */
async function greet(dir: string, port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  try {
    const signal = AbortSignal.timeout(HANDSHAKE_MS)
    socket.write('A7Hprobe%x\n')
    const [greeting] = await once(socket, 'data', { signal })
    if (String(greeting) !== 'LysKOM\n') throw new Error(`unexpected greeting ${JSON.stringify(String(greeting))}`)
    socket.write('1 55 0\n')
    await once(socket, 'close', { signal })
  } catch (cause) {
    throw new Error(`lyskomd on port ${port} did not greet a client. ${await logTail(dir)}`, { cause })
  } finally {
    socket.destroy()
  }
}

async function terminate(child: ChildProcess): Promise<void> {
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  child.kill('SIGTERM')
  // A test may have suspended the process with SIGSTOP.
  child.kill('SIGCONT')
  await exit(child)
  clearTimeout(force)
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

function exit(child: ChildProcess): Promise<void> {
  return hasEnded(child) ? Promise.resolve() : new Promise((resolve) => child.once('exit', () => resolve()))
}

function readLog(dir: string): Promise<string> {
  return readFile(join(dir, 'server.log'), 'latin1')
}

/** Returns the end of the log as a sentence for an error message. */
async function logTail(dir: string): Promise<string> {
  return `Its log ends:\n${(await readLog(dir)).slice(-2_000)}`
}
