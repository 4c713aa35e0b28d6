import { redisInstalled, startRedis } from '../../test/support/redis-server.ts'
import { startChild, startKomgate } from '../processes.ts'
import { alternate, median, ratioOfMedians } from '../rounds.ts'
import type { Scope } from '../scope.ts'
import { precise, type Row } from '../table.ts'

const APP = 'bench'
const CONNECTIONS = 64
const WARM_UP_MS = 1500
const THROUGHPUT_MS = 1000
const THROUGHPUT_ROUNDS = 5

/** Measures the session store: in memory, on Redis, through the REST-Sessions API, and with a million records. */
export async function measureStore(scope: Scope): Promise<Row[]> {
  return [await memoryRow(scope), ...(await redisRows(scope)), await httpRow(scope), ...(await millionRows(scope))]
}

async function memoryRow(scope: Scope): Promise<Row> {
  const { touch, lookup } = await (await startChild(scope.inner(), 'store-speed')).call('measureMemoryStore')
  const over = median(touch) - median(lookup)
  return {
    what: 'get with touch, in memory',
    against: 'a Map lookup and the hash',
    ratio: undefined,
    aim: '<= 2 us over it',
    figures: `${precise(over)} us over it: ${precise(median(touch))} / ${precise(median(lookup))} us`,
  }
}

async function redisRows(scope: Scope): Promise<Row[]> {
  if (!redisInstalled()) {
    process.stdout.write('store: Redis is not installed; what is measured on it is skipped.\n')
    return []
  }
  const server = scope.use(await startRedis(), (running) => running.close())
  const { touch, get } = await (await startChild(scope.inner(), 'store-speed')).call('measureRedisStore', server.url)
  return [
    {
      what: 'get with touch, on Redis, 64 at once',
      against: 'a bare GET of the record, pipelined',
      ratio: ratioOfMedians(touch, get),
      aim: '<= 1.3',
      figures: `${precise(median(touch))} / ${precise(median(get))} us`,
    },
  ]
}

async function httpRow(scope: Scope): Promise<Row> {
  const inner = scope.inner()
  const load = await startChild(inner, 'http-load')
  const hello = { port: await (await startChild(inner, 'hello-server')).call('listen'), path: '/hello' }
  const args = ['--compat', 'rest-sessions', '--insecure-compat', 'true', '--log-level', 'silent']
  const { port } = await startKomgate(inner, { servers: {}, apps: [APP], args })
  const made = await fetch(`http://127.0.0.1:${port}/${APP}/create/user?ip=192.0.2.1`, { method: 'PUT' })
  const { token } = (await made.json()) as { token: string }
  const api = { port, path: `/${APP}/get/${token}` }
  for (const target of [hello, api]) await load.call('throughput', target, CONNECTIONS, WARM_UP_MS)
  const rates = await alternate(THROUGHPUT_ROUNDS, {
    hello: () => load.call('throughput', hello, CONNECTIONS, THROUGHPUT_MS),
    api: () => load.call('throughput', api, CONNECTIONS, THROUGHPUT_MS),
  })
  await inner.close()
  return {
    what: 'REST-Sessions get, in memory',
    against: `Hono hello, ${CONNECTIONS} connections`,
    ratio: ratioOfMedians(rates.api, rates.hello),
    aim: '>= 0.7',
    figures: `${precise(median(rates.api))} / ${precise(median(rates.hello))} requests/s`,
  }
}

async function millionRows(scope: Scope): Promise<Row[]> {
  const { bytes, listUser, listActive } = await (await startChild(scope.inner(), 'store-speed')).call('measureMillion')
  const against = 'the same among a thousand records'
  const row = (what: string, [few, many]: [number, number]): Row => ({
    what: `${what} among a million records`,
    against,
    ratio: many / few,
    aim: 'O(answer)',
    figures: `${precise(many)} / ${precise(few)} us`,
  })
  return [
    {
      what: 'a record in memory, of a million',
      against: '',
      ratio: undefined,
      aim: '',
      figures: `${precise(bytes)} bytes`,
    },
    row("a user's 10 sessions", listUser),
    row('the 100 last active', listActive),
  ]
}
