import type { BareCall, BareRoute } from '../bare-gateway.ts'
import { startChild, startKomgate } from '../processes.ts'
import { prepareReading } from '../reading-stage.ts'
import { startRealServer } from '../real-server.ts'
import { alternate, median, ratioOfMedians } from '../rounds.ts'
import type { Scope } from '../scope.ts'
import { precise, type Row } from '../table.ts'

const CONNECTIONS = 32
const WARM_UP_MS = 1000
const ROUND_MS = 700
const ROUNDS = 7
const WHO_AM_I = 'who-am-i'

/** A request of a reader, and the calls that it cannot avoid. */
interface Request {
  what: string
  path: string
  calls: BareRoute
  /** target ratio of its rate to that of who-am-i */
  aim: string
}

/** Measures requests per second of common kinds on lyskomd. */
export async function measureReading(scope: Scope): Promise<Row[]> {
  const lyskomd = (await startRealServer(scope, 'reading'))?.port
  if (lyskomd === undefined) return []
  const { reader, textNo, linkedTextNo, linkedTo, confNos } = await prepareReading(lyskomd)
  const stat = (no: number): BareCall => ({ name: 'get-text-stat', params: { textNo: no } })
  const page = { person: reader.pers_no, first: 0, noOfConfs: confNos.length + 1, wantReadRanges: false, maxRanges: 0 }
  const requests: Request[] = [
    { what: WHO_AM_I, path: 'sessions/current/who-am-i', calls: [[{ name: 'who-am-i', params: {} }]], aim: '' },
    { what: 'a text status', path: `textstats/${textNo}`, calls: [[stat(textNo)]], aim: '>= 0.8' },
    { what: 'the body of a text', path: `texts/${textNo}/body`, calls: [[stat(textNo)]], aim: '>= 0.8' },
    { what: 'a text', path: `texts/${textNo}`, calls: [[stat(textNo)]], aim: '>= 0.75' },
    {
      what: 'a text with three links',
      path: `texts/${linkedTextNo}`,
      calls: [[stat(linkedTextNo)], linkedTo.map(stat)],
      aim: '',
    },
    {
      what: `a page of ${confNos.length} memberships`,
      path: `persons/${reader.pers_no}/memberships?no-of-memberships=${confNos.length}`,
      calls: [
        [{ name: 'get-membership', params: page }],
        confNos.map((conference) => ({ name: 'get-uconf-stat', params: { conference } })),
      ],
      aim: '',
    },
  ]

  const load = await startChild(scope, 'http-load')
  const hello = { port: await (await startChild(scope, 'hello-server')).call('listen'), path: '/hello' }
  const bare = await startChild(scope, 'bare-gateway')
  const routes = Object.fromEntries(requests.map(({ calls }, i) => [`/${i}`, calls]))
  const barePort = await bare.call('listen', lyskomd, reader, CONNECTIONS, routes)
  const { port } = await startKomgate(scope, { servers: { lyskomd } })
  const ids = await load.call('openSessions', port, 'lyskomd', CONNECTIONS)
  for (const id of ids) await load.call('logIn', port, 'lyskomd', id, reader)

  const rate = (target: { port: number; path: string; ids?: string[] }, ms = ROUND_MS) =>
    load.call('throughput', target, CONNECTIONS, ms)
  const numbers = ids.map((_, i) => String(i))
  const targets = requests.flatMap(({ what, path }, i) => [
    [what, { port, path: `/lyskomd/${path}`, ids }] as const,
    [`bare ${what}`, { port: barePort, path: `/${i}`, ids: numbers }] as const,
  ])
  for (const [, target] of targets) await rate(target, WARM_UP_MS)
  const rates = await alternate<string>(ROUNDS, {
    hello: () => rate(hello),
    ...Object.fromEntries(targets.map(([name, target]) => [name, () => rate(target)])),
  })
  const row = (what: string, name: string, against: string, aim: string): Row => {
    const [measured, compared] = [rates[what], rates[name]] as [number[], number[]]
    const figures = `${precise(median(measured))} / ${precise(median(compared))} requests/s`
    return {
      what: `${what}, ${CONNECTIONS} connections`,
      against,
      ratio: ratioOfMedians(measured, compared),
      aim,
      figures,
    }
  }
  return requests.flatMap(({ what, aim }) => [
    row(what, 'hello', 'Hono hello', ''),
    row(what, `bare ${what}`, 'bare Hono route with the same calls', ''),
    ...(what === WHO_AM_I ? [] : [row(what, WHO_AM_I, 'who-am-i', aim)]),
  ])
}
