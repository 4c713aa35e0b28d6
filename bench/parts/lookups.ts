import { startInspectedKomgate, startKomgate } from '../../test/support/komgate-process.ts'
import type { Scope } from '../../test/support/scope.ts'
import { median } from '../../test/support/statistics.ts'
import type { Levels } from '../call-levels.ts'
import { type Child, startChild } from '../child.ts'
import type { Login } from '../http-load.ts'
import { createLookupContent } from '../lyskom-content.ts'
import { alternate, compare, progress, type Row, runPart, startInstalledLyskomd } from '../part.ts'

const ROUND_TRIP_MS = 50
const WARM_UPS = 10
const ROUNDS = 9
/** Each round has a new session, so no names are cached; bodies are cached across sessions, so that cache is off. */
const NO_BODIES = ['--body-cache-bytes', '0']

type Load = Child<typeof import('../http-load.ts')>

/** Measures how long operations of many calls take near lyskomd and far from it, and how many round trips they take. */
async function measure(scope: Scope): Promise<Row[]> {
  const lyskomd = (await startInstalledLyskomd(scope))?.port
  if (lyskomd === undefined) return []
  progress('filling lyskomd')
  const { reader, textNo } = await createLookupContent(lyskomd)
  const proxy = await startChild<typeof import('../latency-proxy.ts')>(scope, 'latency-proxy')
  const far = await proxy.call('listen', lyskomd, ROUND_TRIP_MS / 2)
  const load: Load = await startChild(scope, 'http-load')
  const { port } = await startKomgate(scope, { servers: { near: lyskomd, far }, args: NO_BODIES })
  const preload = new URL('../call-levels.js', import.meta.url).href
  const counting = await startInspectedKomgate(scope, {
    servers: { near: lyskomd },
    args: NO_BODIES,
    nodeArgs: ['--import', preload],
  })

  const measureOne = async (what: string, path: string, aim: string): Promise<Row[]> => {
    const time = (serverId: string) => () =>
      inNewSession(load, port, serverId, reader, (id) =>
        load.call('timeOfOne', { port, path: `/${serverId}/${path}`, ids: [id] }),
      )
    for (let i = 0; i < WARM_UPS; i++) await time('near')()
    const times = await alternate(what, ROUNDS, { near: time('near'), far: time('far') })
    progress(`depth of ${what}`)
    const { depth, calls } = await inNewSession(load, counting.port, 'near', reader, async (id) => {
      await counting.inspector.evaluate('callLevels.begin()')
      await load.call('timeOfOne', { port: counting.port, path: `/near/${path}`, ids: [id] })
      return await counting.inspector.evaluate<Levels>('callLevels.end()')
    })
    const names = { what: `time of it, ${ROUND_TRIP_MS} ms from lyskomd`, against: 'beside lyskomd' }
    const row = compare(names, times.far, times.near, 'ms')
    const roundTrips = (median(times.far) / ROUND_TRIP_MS).toFixed(1)
    return [
      { what: `depth of ${what}`, aim, figures: `${depth}; calls: ${calls}` },
      { ...row, figures: `${row.figures}; ${roundTrips} round trips with at most 20 calls in flight` },
    ]
  }
  const memberships = `persons/${reader.pers_no}/memberships`
  return [
    ...(await measureOne('who-am-i', 'sessions/current/who-am-i', '1')),
    ...(await measureOne('5,000 unread texts of 200 conferences', `${memberships}/unread`, '<= 3')),
    ...(await measureOne('a page of 100 memberships', `${memberships}?no-of-memberships=100`, '<= 3')),
    ...(await measureOne('a text with 20 recipients, 50 comments', `texts/${textNo}`, '<= 3')),
  ]
}

async function inNewSession<T>(
  load: Load,
  port: number,
  serverId: string,
  login: Login,
  work: (id: string) => Promise<T>,
): Promise<T> {
  const ids = await load.call('openSessions', port, serverId, 1)
  await load.call('logIn', port, serverId, ids, login)
  const result = await work(ids[0] as string)
  await load.call('closeSessions', port, serverId, ids)
  return result
}

await runPart('lookups', measure)
