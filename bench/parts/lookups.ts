import type { Levels } from '../call-levels.ts'
import type { Login } from '../http-load.ts'
import { prepareLookups } from '../lookup-stage.ts'
import { type Child, startChild, startKomgate, startProbedKomgate } from '../processes.ts'
import { startRealServer } from '../real-server.ts'
import { alternate, median, ratioOfMedians } from '../rounds.ts'
import type { Scope } from '../scope.ts'
import { precise, type Row } from '../table.ts'

const ROUND_TRIP_MS = 50
const WARM_UPS = 10
const ROUNDS = 9
/** Each round has a new session, so no names are cached; bodies are cached across sessions, so that cache is off. */
const NO_BODIES = ['--body-cache-bytes', '0']

type Load = Child<'http-load'>

/** One of the LysKOM servers of a gateway. */
interface Place {
  port: number
  serverId: string
}

/** Measures how long operations of many calls take near lyskomd and far from it, and how many round trips they take. */
export async function measureLookups(scope: Scope): Promise<Row[]> {
  const lyskomd = (await startRealServer(scope, 'lookups'))?.port
  if (lyskomd === undefined) return []
  const { reader, textNo } = await prepareLookups(lyskomd)
  const line = await (await startChild(scope, 'latency-line')).call('listen', lyskomd, ROUND_TRIP_MS / 2)
  const load = await startChild(scope, 'http-load')
  const { port } = await startKomgate(scope, { servers: { near: lyskomd, far: line }, args: NO_BODIES })
  const probed = await startProbedKomgate(scope, 'call-levels', { servers: { near: lyskomd }, args: NO_BODIES })

  const measure = async (what: string, path: string, aim: string): Promise<Row[]> => {
    const time = (place: Place) => () =>
      inNewSession(load, place, reader, (id) =>
        load.call('timeOfOne', { port: place.port, path: `/${place.serverId}/${path}`, ids: [id] }),
      )
    const near = time({ port, serverId: 'near' })
    for (let i = 0; i < WARM_UPS; i++) await near()
    const times = await alternate(ROUNDS, { near, far: time({ port, serverId: 'far' }) })
    const levels = await inNewSession(load, { port: probed.port, serverId: 'near' }, reader, async (id) => {
      await probed.probe.call('begin')
      await load.call('timeOfOne', { port: probed.port, path: `/near/${path}`, ids: [id] })
      return await probed.probe.call('end')
    })
    return lookupRows(what, aim, levels, times)
  }
  const memberships = `persons/${reader.pers_no}/memberships`
  return [
    ...(await measure('who-am-i', 'sessions/current/who-am-i', '1')),
    ...(await measure('5,000 unread texts of 200 conferences', `${memberships}/unread`, '<= 3')),
    ...(await measure('a page of 100 memberships', `${memberships}?no-of-memberships=100`, '<= 3')),
    ...(await measure('a text with 20 recipients, 50 comments', `texts/${textNo}`, '<= 3')),
  ]
}

/** The depth is the minimum; the turns are what an operation takes with at most 20 calls in flight per session. */
function lookupRows(
  what: string,
  aim: string,
  { depth, calls }: Levels,
  { near, far }: Record<'near' | 'far', number[]>,
): Row[] {
  const turns = median(far) / ROUND_TRIP_MS
  return [
    { what: `depth of ${what}`, against: '', ratio: undefined, aim, figures: `${depth}; calls: ${calls}` },
    {
      what: `time of it, ${ROUND_TRIP_MS} ms from lyskomd`,
      against: 'beside lyskomd',
      ratio: ratioOfMedians(far, near),
      aim: '',
      figures: `${precise(median(far))} / ${precise(median(near))} ms; ${turns.toFixed(1)} turns of 20 calls at most`,
    },
  ]
}

async function inNewSession<T>(
  load: Load,
  { port, serverId }: Place,
  login: Login,
  work: (id: string) => Promise<T>,
): Promise<T> {
  const [id] = (await load.call('openSessions', port, serverId, 1)) as [string]
  await load.call('logIn', port, serverId, id, login)
  const result = await work(id)
  await load.call('closeSessions', port, serverId, [id])
  return result
}
