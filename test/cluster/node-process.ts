import { createHash, randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../support/free-port.ts'
import { type Komgate, type Place, startKomgate } from '../support/komgate-process.ts'
import type { Scope } from '../support/scope.ts'
import { SERVER, WHO_AM_I } from './stage.ts'

/** The key of the nodes of tests. */
export const CLUSTER_KEY = 'a-key-of-nodes-that-only-tests-have'
/** The lease of the nodes of tests, milliseconds: short, so that tests need not wait. */
export const LEASE_MS = 1000
const OPENING = JSON.stringify({ client: { name: 'test', version: '1' } })
const JSON_TYPE = { 'content-type': 'application/json' }

/** What a node is started with. */
export interface NodeOptions {
  redisUrl: string
  /** port of the LysKOM server */
  lyskomPort: number
  nodeUrl?: string
  nodeHost?: string
  key?: string
  leaseMs?: number
  nodeArgs?: readonly string[]
  /** further arguments of the command */
  args?: readonly string[]
  place?: Place
}

/** A node that is a process of its own. */
export class NodeProcess {
  /** the base URL for clients */
  readonly url: string
  readonly nodeUrl: string
  readonly #komgate: Komgate
  readonly #log: string[]
  readonly #errors: string[]

  private constructor(komgate: Komgate, url: string, nodeUrl: string, log: string[], errors: string[]) {
    this.url = url
    this.#komgate = komgate
    this.nodeUrl = nodeUrl
    this.#log = log
    this.#errors = errors
  }

  /** Starts a node. Rejects, with its error output in the message, if it does not start. */
  static async start(scope: Scope, options: NodeOptions): Promise<NodeProcess> {
    const { redisUrl, lyskomPort, nodeUrl = await freeUrl(), nodeHost, nodeArgs = [], place } = options
    const log: string[] = []
    const errors: string[] = []
    const args = [
      ...['--cluster', redisUrl, '--cluster-key', options.key ?? CLUSTER_KEY, '--node-url', nodeUrl],
      ...['--lease-ms', `${options.leaseMs ?? LEASE_MS}`, '--shutdown-timeout-ms', '2000'],
      ...(nodeHost === undefined ? [] : ['--node-host', nodeHost]),
      ...(options.args ?? []),
    ]
    const output = { onLog: (text: string) => void log.push(text), onErrors: (text: string) => void errors.push(text) }
    const started = { servers: { [SERVER]: lyskomPort }, args, nodeArgs, ...output, ...(place && { place }) }
    try {
      const komgate = await startKomgate(scope, started)
      const url = `http://${place?.host ?? '127.0.0.1'}:${komgate.port}`
      const node = new NodeProcess(komgate, url, nodeUrl, log, errors)
      // To stop in order takes longer.
      return scope.use(node, () => node.kill('SIGKILL'))
    } catch (error) {
      throw new Error(`${(error as Error).message}: ${errors.join('')}`, { cause: error })
    }
  }

  /** the log so far */
  get log(): string {
    return this.#log.join('')
  }

  /** what it has written to standard error */
  get errors(): string {
    return this.#errors.join('')
  }

  /** Opens a session. Resolves with its id. */
  async open(): Promise<string> {
    const response = await this.tryOpen()
    if (response.status !== 201) throw new Error(`cannot open a session: ${response.status}`)
    return ((await response.json()) as { connection_id: string }).connection_id
  }

  /** Sends a request that opens a session. */
  async tryOpen(): Promise<Response> {
    return await fetch(`${this.url}/${SERVER}/sessions/`, { method: 'POST', headers: JSON_TYPE, body: OPENING })
  }

  /** Sends who-am-i on a session. Resolves with the response. */
  async ask(id: string): Promise<Response> {
    return await fetch(this.url + WHO_AM_I, { headers: { 'httpkom-connection': id } })
  }

  /** Sends who-am-i on a session. Resolves with the status, or with the code of the error of the connection. */
  async status(id: string): Promise<number | string> {
    try {
      const response = await this.ask(id)
      await response.arrayBuffer()
      return response.status
    } catch (error) {
      return ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? 'failed'
    }
  }

  /** Sends a signal to the process, unless it has ended. */
  kill(signal: NodeJS.Signals): void {
    try {
      process.kill(this.#komgate.pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  /** Ends the process in order, and resolves when it has exited. */
  async stop(): Promise<void> {
    await this.#komgate.stop()
  }
}

/** Returns a URL for a node at a loopback address of its own, whose ports nothing else takes. */
async function freeUrl(): Promise<string> {
  return `http://127.${randomInt(1, 255)}.${randomInt(255)}.${randomInt(1, 255)}:${await freePort()}`
}

/** Asks again and again until a check holds. Resolves with all answers and the time until then in milliseconds. */
export async function until<T>(
  ask: () => Promise<T>,
  holds: (answer: T) => boolean,
  timeoutMs = 10_000,
): Promise<{ ms: number; answers: T[] }> {
  const start = performance.now()
  const answers: T[] = []
  for (;;) {
    const answer = await ask()
    answers.push(answer)
    const ms = performance.now() - start
    if (holds(answer)) return { ms, answers }
    if (ms > timeoutMs) throw new Error(`not within ${timeoutMs} ms: ${JSON.stringify([...new Set(answers)])}`)
    await sleep(10)
  }
}

/** Sends requests all the time until `stop`, which resolves with the different answers and their number. */
export function load(requests: readonly (() => Promise<number | string>)[]) {
  let isStopped = false
  const seen = new Map<number | string, number>()
  const running = requests.map(async (send) => {
    while (!isStopped) {
      const answer = await send()
      seen.set(answer, (seen.get(answer) ?? 0) + 1)
      await sleep(5)
    }
  })
  return {
    async stop(): Promise<{ answers: (number | string)[]; count: number }> {
      isStopped = true
      await Promise.all(running)
      return { answers: [...seen.keys()], count: [...seen.values()].reduce((sum, n) => sum + n, 0) }
    },
  }
}

/** Returns a free URL on another loopback address for a node whose first slot is that of a given URL. */
export async function collidingUrl(url: string): Promise<{ url: string; host: string }> {
  const wanted = firstSlot(url)
  for (let host = 2; host < 250; host++) {
    for (let port = 20_000; port < 32_000; port++) {
      const candidate = `http://127.0.0.${host}:${port}`
      if (candidate !== url && firstSlot(candidate) === wanted) return { url: candidate, host: `127.0.0.${host}` }
    }
  }
  throw new Error('no URL collides')
}

/** Repeats what src/cluster/slot-lease.ts does. */
function firstSlot(url: string): number {
  return createHash('sha256').update(url).digest().readUInt16BE() % 4096
}
