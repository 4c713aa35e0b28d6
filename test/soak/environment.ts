import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { readDemoData } from '../../src/demo/demo-data.ts'
import { type DemoServer, startDemoServer } from '../../src/demo/server.ts'
import { type Lyskomd, lyskomdInstalled, startLyskomd } from '../support/lyskomd.ts'
import { openSockets } from '../support/process-resources.ts'
import { startProxy } from '../support/proxy.ts'
import type { Scope } from '../support/scope.ts'
import { Client, jsonOf } from './client.ts'
import { handlesOf, startNodes } from './nodes.ts'
import { Observations } from './observations.ts'
import type { Random } from './random.ts'
import type { FaultyServer, Person, Server } from './server.ts'
import type { ClientContext } from './workload.ts'

const PERSONS = 6
const FAILING_PERSONS = 2
const FIRST_TEXTS = 10
/** Time in which connections that no request uses are closed: more than `httpIdleMs`. */
const POOL_MS = 8000
/** Addresses that no client of the workload has. */
const SETUP_ADDRESS = '127.1.255.1'

export type Environment = Awaited<ReturnType<typeof startEnvironment>>

/**
 * Starts the gateway and its servers: a demo server without faults, one with connection faults, and a lyskomd with
 * server faults if it is installed. Then creates persons, conferences and texts.
 *
 * @param count of nodes
 */
export async function startEnvironment(scope: Scope, random: Random, count: number) {
  const stable = await startDemo(scope)
  const faulty = await startDemo(scope)
  const targets = [await startTarget(scope, newServer('faulty', true), faulty.port)]
  const lyskomd = lyskomdInstalled() ? scope.use(await startLyskomd(), (server) => server.stop()) : undefined
  if (lyskomd !== undefined) {
    const server = { ...newServer('lyskomd', true), losesData: true }
    targets.push(await startTarget(scope, server, lyskomd.port, lyskomd))
  } else process.stdout.write('lyskomd is not installed (apt-get install lyskom-server netbase): it is left out\n')

  const logs: ErrorLog[] = []
  const { nodes, port } = await startNodes(scope, count, {
    servers: {
      stable: stable.port,
      ...Object.fromEntries(targets.map(({ server, proxy }) => [server.id, proxy.port])),
    },
    newLog() {
      const log = new ErrorLog()
      logs.push(log)
      return (text) => log.read(text)
    },
  })
  const servers = [newServer('stable', false), ...targets.map(({ server }) => server)]
  const context: ClientContext = { port, observations: new Observations(), servers }
  for (const server of servers) await createContent(context, server, random.fork(server.id))
  // SIGTERM makes lyskomd save its database, so that later crashes do not lose the persons.
  lyskomd?.kill('SIGTERM')
  await lyskomd?.restart()
  const ownSockets = lyskomd && (await openSockets(lyskomd.pid))
  await Promise.all(nodes.map(({ inspector }) => inspector.heldBytes()))
  // Connections between nodes and from nginx.
  if (count > 1) await sleep(POOL_MS)
  return {
    ...context,
    nodes,
    logs,
    targets,
    /** Returns the number of open connections, by the count of each server and proxy. */
    openConnections: async (): Promise<Record<string, number>> => ({
      stable: stable.connections,
      faulty: faulty.connections,
      ...(lyskomd && { lyskomd: (await openSockets(lyskomd.pid)) - (ownSockets ?? 0) }),
      ...Object.fromEntries(targets.map(({ server, proxy }) => [`${server.id}'s proxy`, proxy.lines.length])),
    }),
    /** open files and sockets of all nodes without clients */
    idleHandles: await handlesOf(nodes),
  }
}

async function startDemo(scope: Scope): Promise<DemoServer> {
  const data = readDemoData(JSON.parse(readFileSync('fixtures/demo.json', 'utf8')))
  return scope.use(await startDemoServer({ data }), (server) => server.close())
}

/** Starts a proxy for the faults of a server. */
async function startTarget(scope: Scope, server: Server, port: number, lyskomd?: Lyskomd): Promise<FaultyServer> {
  const proxy = await startProxy({ host: '127.0.0.1', port }, (line) => {
    if (target.accept === 'refuse') line.reset()
    else if (target.accept === 'black hole') line.stall()
    else line.delay(target.accept)
  })
  const target: FaultyServer = { server, proxy, accept: 0, lyskomd }
  scope.use(proxy, () => proxy.close())
  return target
}

function newServer(id: string, isFaulty: boolean): Server {
  return { id, isFaulty, losesData: false, crashes: 0, conference: 0, persons: [], failingPersons: [] }
}

/** Creates the persons of a server, a conference with all of them as members, and some texts. */
async function createContent({ port, observations }: ClientContext, server: Server, random: Random): Promise<void> {
  const client = new Client({ port, address: SETUP_ADDRESS, observations, server, kind: 'setup', random })
  await client.open()
  const persons: Person[] = []
  for (let i = 1; i <= PERSONS + FAILING_PERSONS; i++) {
    const passwd = `soak${i}`
    const created = await client.send('POST', '/persons/', [201], { name: `Soak Person ${i}`, passwd })
    persons.push({ pers_no: jsonOf<Person>(created).pers_no, passwd })
  }
  await client.login(persons[0] as Person)
  const created = await client.send('POST', '/conferences/', [201], { name: 'Soak (where clients post)' })
  server.conference = jsonOf<{ conf_no: number }>(created).conf_no
  for (const person of persons) {
    await client.login(person)
    await client.send('PUT', `/persons/${person.pers_no}/memberships/${server.conference}`, [201], {})
  }
  for (let i = 1; i <= FIRST_TEXTS; i++) await client.post(`first ${i}`, 100 * i)
  server.persons = persons.slice(0, PERSONS)
  server.failingPersons = persons.slice(PERSONS)
  await client.end()
  client.close()
}

/** Counts the errors in the log of a node, except those of the outages that the soak test causes. */
class ErrorLog {
  lines = 0
  readonly errors: string[] = []
  #rest = ''

  read(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    this.lines += lines.length
    // pino levels `error` and above
    const isError = (line: string) => /"level":[56]0/.test(line) && !line.includes('"LysKOM server: failing"')
    this.errors.push(...lines.filter(isError).map((line) => line.slice(0, 1000)))
  }
}
