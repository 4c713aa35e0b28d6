#!/usr/bin/env node
import { type DestinationStream, pino } from 'pino'
import { flagName, readCommand, variableName } from './config/command-line.ts'
import type { CommandSettings, Config } from './config/config.ts'
import { ConfigError } from './config/config-error.ts'
import { SETTING_NAMES, SETTINGS } from './config/settings.ts'
import { startGateway } from './gateway.ts'
import { escapeLine, escapeLineForTerminal } from './ops/log-lines.ts'
import { startTracing } from './ops/tracing.ts'
import { packageVersion } from './version.ts'
import { within } from './within.ts'
import { isWorker, onWorkerCommand, reportReady, runWorkers } from './workers.ts'

/** Exit code for an invalid configuration. */
const EXIT_CONFIGURATION = 2
/** Log buffer, characters: a system call for each access log line would be too expensive. */
const LOG_BUFFER = { minLength: 32_768, maxWrite: 65_536 }
/** Time for exporting the last spans after the shutdown timeout, milliseconds. */
const TRACES_GRACE_MS = 850
/** Time from the shutdown timeout until the process is killed, milliseconds. */
const EXIT_GRACE_MS = 950

async function main(): Promise<void> {
  const { action, config, settings } = readCommand(process.argv.slice(2), process.env)
  if (action === 'help') process.stdout.write(help())
  else if (action === 'version') process.stdout.write(`${packageVersion()}\n`)
  else if (action === 'check') process.stdout.write('The configuration is valid.\n')
  else if (config !== undefined) await run(config, settings)
}

async function run(config: Config, command: CommandSettings): Promise<void> {
  const { isTTY } = process.stdout
  const pretty = isTTY ? await prettyStream() : undefined
  const destination = pretty ?? pino.destination(isTTY ? { sync: true } : { sync: false, ...LOG_BUFFER })
  const streamWrite = pretty === undefined ? escapeLine : escapeLineForTerminal
  const log = pino({ level: config.logLevel, base: null, hooks: { streamWrite } }, destination)
  const flush = setInterval(() => log.flush(), 1000)
  flush.unref()
  // An unhandled rejection in one request must not end the sessions of all clients.
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'internal error'))
  if (config.cluster.workers > 1) {
    const exitCode = await runWorkers(config, process.argv.slice(2), log)
    log.flush(() => process.exit(exitCode))
    return
  }
  const tracing = await startTracing(process.env, log)
  const gateway = await startGateway({ ...config, logger: log, tracing, command })

  const { drainMs } = config.cluster
  const draining = new AbortController()
  let deadline = Number.POSITIVE_INFINITY
  const leftMs = (graceMs: number): number => Math.max(0, deadline + graceMs - performance.now())
  let force: NodeJS.Timeout | undefined
  /** The process ends at the shutdown timeout after a time in milliseconds, or as before if that is earlier. */
  const endAfter = (ms: number): void => {
    deadline = Math.min(deadline, performance.now() + ms + config.http.shutdownTimeoutMs)
    clearTimeout(force)
    // `process.exit` waits for blocked log writes, for example to a pipe whose reader has stopped.
    force = setTimeout(() => process.kill(process.pid, 'SIGKILL'), leftMs(EXIT_GRACE_MS))
  }
  const endDraining = (): void => {
    endAfter(0)
    draining.abort()
  }
  const isStopping = (): boolean => force !== undefined
  const stop = async (reason: string): Promise<void> => {
    endAfter(drainMs)
    log.info(`${reason}: closing`)
    let exitCode = 0
    try {
      await gateway.close(draining.signal)
      // An unresponsive collector must not keep the process running.
      await within(leftMs(TRACES_GRACE_MS), tracing?.close())
      log.info('closed')
    } catch (error) {
      log.error({ err: error }, 'closing failed')
      exitCode = 1
    }
    log.flush(() => process.exit(exitCode))
  }
  const onSignal = (signal: NodeJS.Signals): void => {
    if (!isStopping()) void stop(signal)
    // The terminal or service manager sends a signal to the workers too.
    else if (!isWorker) endDraining()
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  if (isWorker) {
    onWorkerCommand((command) => {
      if (command === 'end draining') endDraining()
      else if (!isStopping()) void stop('the command stops')
    })
  }

  if (isWorker) reportReady(gateway.url)
  else log.info(`komgate listening on ${gateway.url}`)
  if (gateway.adminUrl !== undefined) log.info(`metrics, health and administration on ${gateway.adminUrl}`)
  log.flush()
}

/** Returns a stream that formats log lines for a terminal; undefined if pino-pretty is not installed. */
async function prettyStream(): Promise<DestinationStream | undefined> {
  try {
    return (await import('pino-pretty')).default({ sync: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  }
}

function help(): string {
  const width = (texts: string[]): number => Math.max(...texts.map((text) => text.length)) + 2
  const [flags, variables] = [width(SETTING_NAMES.map(flagName)), width(SETTING_NAMES.map(variableName))]
  const rows = SETTING_NAMES.map((name) => {
    const { fallback, help } = SETTINGS[name]
    const shown = name === 'servers' ? 'the servers.json of the package' : fallback
    return `  --${flagName(name).padEnd(flags)}${variableName(name).padEnd(variables)}${help} (${shown})\n`
  })
  return `komgate ${packageVersion()}: HTTP for LysKOM servers

Usage: komgate [--servers FILE] [--host H] [--port N] [setting ...]

  --check   validate the configuration and exit
  --help    show this help
  --version show the version

Settings, each a flag or an environment variable, with its default:
${rows.join('')}`
}

try {
  await main()
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error)
  process.stderr.write(`komgate: ${reason}\n`)
  process.exit(error instanceof ConfigError ? EXIT_CONFIGURATION : 1)
}
