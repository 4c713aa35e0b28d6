import type { Connection } from '../../src/connection/connection.ts'
import { noBits } from '../../src/protocol/codec.ts'
import { extendedConfType, type MiscInfo, membershipType, personalFlags } from '../../src/protocol/types.ts'
import { connectTo } from '../../test/support/connection.ts'
import { startKomgate } from '../../test/support/komgate-process.ts'
import type { Scope } from '../../test/support/scope.ts'
import type { BareRequest } from '../bare-client.ts'
import type { BareRoute } from '../baselines.ts'
import { startChild } from '../child.ts'
import { alternate, compare, progress, type Row, runPart, startInstalledLyskomd } from '../part.ts'

const CONNECTIONS = 32
const WARM_UP_MS = 1000
const ROUND_MS = 700
const ROUNDS = 7
const WHO_AM_I = 'who-am-i'
const PASSWORD = 'bench'
const MEMBERSHIPS = 20

/** A request of a reader, and the calls that it cannot avoid. */
interface ReadingRequest {
  what: string
  path: string
  calls: BareRoute
  /** target ratio of its rate to that of who-am-i */
  aim?: string
}

/**
 * Fills a lyskomd with a member of 20 conferences, a text on its own, and a text with three links, each to a text by
 * another author. Returns requests for them.
 */
async function createContent(connection: Connection): Promise<{ reader: number; requests: ReadingRequest[] }> {
  const createPerson = (name: string) =>
    connection.call('create-person', { name, passwd: PASSWORD, flags: noBits(personalFlags), auxItems: [] })
  const login = (person: number) => connection.call('login', { person, passwd: PASSWORD, invisible: true })
  const reader = await createPerson('Reader')
  await login(reader)
  const confNos: number[] = []
  for (let i = 0; i < MEMBERSHIPS; i++) {
    const conf = { name: `Read ${i}`, type: noBits(extendedConfType), auxItems: [] }
    const confNo = await connection.call('create-conf', conf)
    const type = noBits(membershipType)
    await connection.call('add-member', { persNo: reader, confNo, priority: 100, where: 0, type })
    confNos.push(confNo)
  }
  const writeAsNewPerson = async (name: string, commentTo: readonly number[] = []): Promise<number> => {
    await login(await createPerson(name))
    const comments = commentTo.map((value) => ({ kind: 'comm-to' as const, value }))
    const miscInfo: MiscInfo[] = [{ kind: 'recpt', value: confNos[0] as number }, ...comments]
    return await connection.call('create-text', { text: Buffer.from('a subject\na body'), miscInfo, auxItems: [] })
  }
  const textNo = await writeAsNewPerson('Author 1')
  const question = await writeAsNewPerson('Author 2')
  const linked = await writeAsNewPerson('Author 3', [question])
  const linkedTo = [
    question,
    await writeAsNewPerson('Author 4', [linked]),
    await writeAsNewPerson('Author 5', [linked]),
  ]
  const stat = (no: number): BareRequest => ({ name: 'get-text-stat', params: { textNo: no } })
  const page = { person: reader, first: 0, noOfConfs: MEMBERSHIPS + 1, wantReadRanges: false, maxRanges: 0 }
  const memberships: BareRoute = [
    [{ name: 'get-membership', params: page }],
    confNos.map((conference) => ({ name: 'get-uconf-stat', params: { conference } })),
  ]
  const pagePath = `persons/${reader}/memberships?no-of-memberships=${MEMBERSHIPS}`
  const requests = [
    { what: WHO_AM_I, path: 'sessions/current/who-am-i', calls: [[{ name: 'who-am-i' as const, params: {} }]] },
    { what: 'a text status', path: `textstats/${textNo}`, calls: [[stat(textNo)]], aim: '>= 0.8' },
    { what: 'the body of a text', path: `texts/${textNo}/body`, calls: [[stat(textNo)]], aim: '>= 0.8' },
    { what: 'a text', path: `texts/${textNo}`, calls: [[stat(textNo)]], aim: '>= 0.75' },
    { what: 'a text with three links', path: `texts/${linked}`, calls: [[stat(linked)], linkedTo.map(stat)] },
    { what: `a page of ${MEMBERSHIPS} memberships`, path: pagePath, calls: memberships },
  ]
  return { reader, requests }
}

/** Measures requests per second of common kinds on lyskomd. */
async function measure(scope: Scope): Promise<Row[]> {
  const lyskomd = (await startInstalledLyskomd(scope))?.port
  if (lyskomd === undefined) return []
  const connection = scope.use(await connectTo(lyskomd), (opened) => opened.close())
  const { reader, requests } = await createContent(connection)

  const load = await startChild<typeof import('../http-load.ts')>(scope, 'http-load')
  const baselines = await startChild<typeof import('../baselines.ts')>(scope, 'baselines')
  const routes = Object.fromEntries(requests.map(({ calls }, i) => [`/${i}`, calls]))
  const barePort = await baselines.call('listenBareGateway', lyskomd, CONNECTIONS, routes, [
    { name: 'accept-async', params: { requestList: [] } },
    { name: 'login', params: { person: reader, passwd: PASSWORD, invisible: true } },
  ])
  const { port } = await startKomgate(scope, { servers: { lyskomd } })
  const ids = await load.call('openSessions', port, 'lyskomd', CONNECTIONS)
  await load.call('logIn', port, 'lyskomd', ids, { pers_no: reader, passwd: PASSWORD })

  const sockets = ids.map((_, i) => String(i))
  const targets = requests.flatMap(({ what, path }, i) => [
    [what, { port, path: `/lyskomd/${path}`, ids }] as const,
    [`bare ${what}`, { port: barePort, path: `/${i}`, ids: sockets }] as const,
  ])
  progress('warm-up')
  for (const [, target] of targets) await load.call('throughput', target, CONNECTIONS, WARM_UP_MS)
  const measures = targets.map(([name, target]) => {
    return [name, () => load.call('throughput', target, CONNECTIONS, ROUND_MS)] as const
  })
  const rates = await alternate<string>('throughput', ROUNDS, Object.fromEntries(measures))
  const row = (what: string, baseline: string, against: string, aim = ''): Row => {
    const names = { what: `${what}, ${CONNECTIONS} connections`, against, aim }
    return compare(names, rates[what] as number[], rates[baseline] as number[], 'requests/s')
  }
  return requests.flatMap(({ what, aim }) => [
    row(what, `bare ${what}`, 'bare Hono route with the same calls'),
    ...(what === WHO_AM_I ? [] : [row(what, WHO_AM_I, WHO_AM_I, aim)]),
  ])
}

await runPart('reading', measure)
