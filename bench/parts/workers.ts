import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startKomgate } from '../../test/support/komgate-process.ts'
import { redisInstalled, startRedis } from '../../test/support/redis-server.ts'
import type { Scope } from '../../test/support/scope.ts'
import { startChild } from '../child.ts'
import { alternate, compare, progress, type Row, runPart } from '../part.ts'

const CONNECTIONS = 64
const ROUNDS = 7
const SECONDS = 3
const PATH = '/fake/sessions/current/who-am-i'
const LIMITS = ['--max-openings-per-minute', '1000000']

/** Measures two workers against one process, with wrk on the same processors. */
async function measure(scope: Scope): Promise<Row[]> {
  if (!redisInstalled() || !(await wrkInstalled())) {
    process.stdout.write('workers: Redis or wrk is not installed; the part is skipped\n')
    return []
  }
  const redis = scope.use(await startRedis(), (server) => server.close())
  const load = await startChild<typeof import('../http-load.ts')>(scope, 'http-load')
  const fake = await startChild<typeof import('../fake-server.ts')>(scope, 'fake-server')
  const servers = { fake: await fake.call('listen') }
  const dir = scope.use(await mkdtemp(join(tmpdir(), 'komgate-wrk-')), (path) => rm(path, { recursive: true }))
  const start = async (name: string, args: readonly string[]): Promise<() => Promise<number>> => {
    const { port } = await startKomgate(scope, { servers, args: [...args, ...LIMITS] })
    const script = join(dir, `${name}.lua`)
    await writeFile(script, scriptOf(await load.call('openSessions', port, 'fake', CONNECTIONS)))
    return () => requestsPerSecond(port, script)
  }
  const one = await start('one', [])
  const two = await start('two', ['--workers', '2', '--cluster', redis.url, '--cluster-key', 'k'.repeat(32)])
  progress('warm-up')
  for (const run of [one, two]) await run()
  const rates = await alternate('throughput', ROUNDS, { one, two })
  const names = {
    what: `who-am-i a second with --workers 2, wrk on ${CONNECTIONS} connections`,
    against: 'with one process',
  }
  return [compare(names, rates.two, rates.one, 'requests/s')]
}

async function wrkInstalled(): Promise<boolean> {
  return await promisify(execFile)('which', ['wrk']).then(
    () => true,
    () => false,
  )
}

/** Returns a script for wrk that sends the ids by turns, so that half of the requests reach the other worker. */
function scriptOf(ids: readonly string[]): string {
  const list = ids.map((id) => `'${id}'`).join(', ')
  return `
local ids = { ${list} }
local sent = 0
request = function()
  sent = sent + 1
  return wrk.format('GET', '${PATH}', { ['Httpkom-Connection'] = ids[sent % #ids + 1] })
end
`
}

async function requestsPerSecond(port: number, script: string): Promise<number> {
  const args = ['-t', '1', '-c', `${CONNECTIONS}`, '-d', `${SECONDS}s`, '-s', script, `http://127.0.0.1:${port}`]
  const { stdout } = await promisify(execFile)('wrk', args)
  const rejected = /Non-2xx or 3xx responses: \d+/.exec(stdout)
  if (rejected !== null) throw new Error(`wrk: ${rejected[0]}`)
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]
  if (rate === undefined) throw new Error(`wrk printed no rate: ${stdout}`)
  return Number(rate)
}

await runPart('workers', measure)
