import { startKomgate } from '../../test/support/komgate-process.ts'
import type { Scope } from '../../test/support/scope.ts'
import type { BareRequest } from '../bare-client.ts'
import type { BareRoute } from '../baselines.ts'
import { startChild } from '../child.ts'
import { createReadingContent, type ReadingContent } from '../lyskom-content.ts'
import { alternate, compare, progress, type Row, runPart, startInstalledLyskomd } from '../part.ts'

const CONNECTIONS = 32
const WARM_UP_MS = 1000
const ROUND_MS = 700
const ROUNDS = 7
const WHO_AM_I = 'who-am-i'

/** A request of a reader, and the calls that it cannot avoid. */
interface ReadingRequest {
  what: string
  path: string
  calls: BareRoute
  /** target ratio of its rate to that of who-am-i */
  aim?: string
}

function readingRequests({ reader, textNo, linkedTextNo, linkedTo, confNos }: ReadingContent): ReadingRequest[] {
  const stat = (no: number): BareRequest => ({ name: 'get-text-stat', params: { textNo: no } })
  const page = { person: reader.pers_no, first: 0, noOfConfs: confNos.length + 1, wantReadRanges: false, maxRanges: 0 }
  return [
    { what: WHO_AM_I, path: 'sessions/current/who-am-i', calls: [[{ name: 'who-am-i', params: {} }]] },
    { what: 'a text status', path: `textstats/${textNo}`, calls: [[stat(textNo)]], aim: '>= 0.8' },
    { what: 'the body of a text', path: `texts/${textNo}/body`, calls: [[stat(textNo)]], aim: '>= 0.8' },
    { what: 'a text', path: `texts/${textNo}`, calls: [[stat(textNo)]], aim: '>= 0.75' },
    {
      what: 'a text with three links',
      path: `texts/${linkedTextNo}`,
      calls: [[stat(linkedTextNo)], linkedTo.map(stat)],
    },
    {
      what: `a page of ${confNos.length} memberships`,
      path: `persons/${reader.pers_no}/memberships?no-of-memberships=${confNos.length}`,
      calls: [
        [{ name: 'get-membership', params: page }],
        confNos.map((conference) => ({ name: 'get-uconf-stat', params: { conference } })),
      ],
    },
  ]
}

/** Measures requests per second of common kinds on lyskomd. */
async function measure(scope: Scope): Promise<Row[]> {
  const lyskomd = (await startInstalledLyskomd(scope))?.port
  if (lyskomd === undefined) return []
  const content = await createReadingContent(lyskomd)
  const requests = readingRequests(content)
  const { reader } = content

  const load = await startChild<typeof import('../http-load.ts')>(scope, 'http-load')
  const startBaselines = () => startChild<typeof import('../baselines.ts')>(scope, 'baselines')
  const hello = { port: await (await startBaselines()).call('listenHello'), path: '/hello' }
  const routes = Object.fromEntries(requests.map(({ calls }, i) => [`/${i}`, calls]))
  const barePort = await (await startBaselines()).call('listenBareGateway', lyskomd, CONNECTIONS, routes, [
    { name: 'accept-async', params: { requestList: [] } },
    { name: 'login', params: { person: reader.pers_no, passwd: reader.passwd, invisible: true } },
  ])
  const { port } = await startKomgate(scope, { servers: { lyskomd } })
  const ids = await load.call('openSessions', port, 'lyskomd', CONNECTIONS)
  await load.call('logIn', port, 'lyskomd', ids, reader)

  const sockets = ids.map((_, i) => String(i))
  const targets = requests.flatMap(({ what, path }, i) => [
    [what, { port, path: `/lyskomd/${path}`, ids }] as const,
    [`bare ${what}`, { port: barePort, path: `/${i}`, ids: sockets }] as const,
  ])
  progress('warm-up')
  for (const [, target] of targets) await load.call('throughput', target, CONNECTIONS, WARM_UP_MS)
  const rates = await alternate<string>(
    'throughput',
    ROUNDS,
    Object.fromEntries(
      [['hello', hello] as const, ...targets].map(([name, target]) => [
        name,
        () => load.call('throughput', target, CONNECTIONS, ROUND_MS),
      ]),
    ),
  )
  const row = (what: string, baseline: string, against: string, aim = ''): Row => {
    const names = { what: `${what}, ${CONNECTIONS} connections`, against, aim }
    return compare(names, rates[what] as number[], rates[baseline] as number[], 'requests/s')
  }
  return requests.flatMap(({ what, aim }) => [
    row(what, 'hello', 'Hono hello'),
    row(what, `bare ${what}`, 'bare Hono route with the same calls'),
    ...(what === WHO_AM_I ? [] : [row(what, WHO_AM_I, WHO_AM_I, aim)]),
  ])
}

await runPart('reading', measure)
