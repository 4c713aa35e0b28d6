import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { Config } from './config/config.ts'
import type { Logger } from './ops/logger.ts'

/** Pause before a worker that has ended is replaced, milliseconds. */
const RESTART_MS = 1000
const LOOPBACK = '127.0.0.1'

/** What a worker tells when it is ready. */
interface Ready {
  /** the URL of the gateway */
  url: string
}

/** Tells the process that has started this one as a worker that it is ready. */
export function reportReady(url: string): void {
  process.send?.({ url } satisfies Ready)
}

/** Whether this process is a worker. */
export const { isWorker } = cluster

/**
 * Starts the command several times as nodes of one cluster, which share the port of the gateway. A worker that ends is
 * replaced. Stops them all on SIGTERM and SIGINT.
 *
 * @param args the arguments of the command
 * @returns the exit code: 0, or that of a worker that did not start or was not closed properly
 */
export async function runWorkers(
  { cluster: settings, admin }: Config,
  args: readonly string[],
  log: Logger,
): Promise<number> {
  const running = new Set<Worker>()
  let isStopping = false
  let exitCode = 0
  const urls = await nodeUrls(settings.nodeUrl, settings.workers)
  const stop = (signal: NodeJS.Signals, code = 0): void => {
    exitCode ||= code
    if (isStopping) return
    isStopping = true
    log.info(`${signal}: closing the workers`)
    for (const worker of running) worker.process.kill(signal)
  }
  // Node passes the number of the signal too.
  process.on('SIGTERM', () => stop('SIGTERM'))
  process.on('SIGINT', () => stop('SIGINT'))

  /** Runs one worker, and another one after it, until all are stopped. Calls `onReady` when the first one is ready. */
  const run = async (nodeUrl: string, i: number, onReady: (url: string) => void): Promise<void> => {
    const ports = admin.adminPort ? ['--admin-port', `${admin.adminPort + i}`] : []
    let isReady = false
    while (!isStopping) {
      cluster.setupPrimary({ args: [...args, '--workers', '1', '--node-url', nodeUrl, ...ports] })
      const worker = cluster.fork()
      running.add(worker)
      worker.once('message', ({ url }: Ready) => {
        isReady = true
        onReady(url)
      })
      const [code] = (await once(worker, 'exit')) as [number | null]
      running.delete(worker)
      if (isStopping) exitCode ||= code ?? 1
      // It would fail again: its settings, or a port that is taken.
      else if (!isReady) stop('SIGTERM', code ?? 1)
      else {
        log.error(`the worker ${nodeUrl} has ended and is replaced`)
        await setTimeout(RESTART_MS)
      }
    }
  }

  let waiting = urls.length
  const onReady = (url: string): void => {
    if (--waiting === 0) log.info(`komgate listening on ${url}`)
  }
  await Promise.all(urls.map((url, i) => run(url, i, onReady)))
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
