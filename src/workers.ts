import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { Config } from './config/config.ts'
import type { Logger } from './ops/logger.ts'

/** Pauses before a worker that has ended is replaced, milliseconds: twice as long after each that has not started. */
const RESTART_MS = 1000
const MAX_RESTART_MS = 30_000
const LOOPBACK = '127.0.0.1'

/** What a worker reports when it is ready. */
interface Ready {
  /** the URL of the gateway */
  url: string
}

/** What the process that has started a worker orders: to stop, and to close what is left without more draining. */
export type WorkerCommand = 'stop' | 'end draining'

/** Reports to the process that has started this one as a worker that it is ready. */
export function reportReady(url: string): void {
  process.send?.({ url } satisfies Ready)
}

/** Calls a function with each command of the process that has started this one as a worker. */
export function onWorkerCommand(listener: (command: WorkerCommand) => void): void {
  process.on('message', listener)
}

/** Whether this process is a worker. */
export const { isWorker } = cluster

/**
 * Starts the command several times as nodes of one cluster, which share the port of the gateway. A worker that ends is
 * replaced. Stops them all on SIGTERM and SIGINT; a second signal ends the draining.
 *
 * @param args the arguments of the command
 * @returns the exit code: 0, or that of a worker that did not start or was not closed properly
 */
export async function runWorkers(
  { cluster: settings, admin }: Config,
  args: readonly string[],
  log: Logger,
): Promise<number> {
  /** the workers, and whether each is ready */
  const running = new Map<Worker, boolean>()
  const stopping = new AbortController()
  let exitCode = 0
  const urls = await nodeUrls(settings.nodeUrl, settings.workers)
  const stop = (): void => {
    stopping.abort()
    for (const [worker, isReady] of running) {
      // A signal may reach the workers from elsewhere too, of a terminal for example, and must not count twice.
      if (isReady) worker.send('stop' satisfies WorkerCommand, () => undefined)
      else worker.process.kill()
    }
  }
  const onSignal = (signal: NodeJS.Signals): void => {
    if (!stopping.signal.aborted) {
      log.info(`${signal}: closing the workers`)
      stop()
    } else for (const worker of running.keys()) worker.send('end draining' satisfies WorkerCommand, () => undefined)
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)

  const waiting = new Set(urls)
  const onReady = (nodeUrl: string, { url }: Ready): void => {
    if (waiting.delete(nodeUrl) && waiting.size === 0) log.info(`komgate listening on ${url}`)
  }

  /** Runs one worker. Resolves with its exit code, null if it was killed or could not be started. */
  const runOnce = async (nodeUrl: string): Promise<{ code: number | null; isReady: boolean }> => {
    let isReady = false
    try {
      const worker = cluster.fork()
      running.set(worker, isReady)
      worker.once('message', (ready: Ready) => {
        isReady = true
        running.set(worker, isReady)
        onReady(nodeUrl, ready)
      })
      const [code] = (await once(worker, 'exit').finally(() => running.delete(worker))) as [number | null]
      return { code, isReady }
    } catch (error) {
      // The system may have no memory or no files left.
      log.error({ err: error }, `the worker ${nodeUrl} cannot be started`)
      return { code: null, isReady }
    }
  }

  /** Runs one worker, and another one after it, until all are stopped. */
  const run = async (nodeUrl: string, i: number): Promise<void> => {
    const ports = admin.adminPort ? ['--admin-port', `${admin.adminPort + i}`] : []
    let pauseMs = RESTART_MS
    while (!stopping.signal.aborted) {
      cluster.setupPrimary({ args: [...args, '--workers', '1', '--node-url', nodeUrl, ...ports] })
      const { code, isReady } = await runOnce(nodeUrl)
      if (stopping.signal.aborted) {
        if (isReady) exitCode ||= code ?? 1
      } else if (waiting.has(nodeUrl)) {
        // It would fail again: its settings, or a port that is taken.
        log.error(`the worker ${nodeUrl} has not started`)
        exitCode ||= code ?? 1
        stop()
      } else {
        pauseMs = isReady ? RESTART_MS : Math.min(2 * pauseMs, MAX_RESTART_MS)
        log.error(`the worker ${nodeUrl} has ended and is replaced in ${pauseMs / 1000} s`)
        await setTimeout(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      }
    }
  }

  await Promise.all(urls.map(run))
  return exitCode
}

/** Returns the node URLs of the workers: on the ports from that of a URL on, or on free ports of the loopback interface. */
async function nodeUrls(first: string, workers: number): Promise<string[]> {
  const { hostname, port } = new URL(first === '' ? `http://${LOOPBACK}` : first)
  const ports =
    first === '' ? await freePorts(workers) : Array.from({ length: workers }, (_, i) => Number(port || 80) + i)
  return ports.map((each) => `http://${hostname}:${each}`)
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, LOOPBACK))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
