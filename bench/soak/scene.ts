import { fileURLToPath } from 'node:url'
import { type Lyskomd, lyskomdInstalled, startLyskomd } from '../../test/support/lyskomd.ts'
import { openHandles, openSockets } from '../proc.ts'
import { type Child, type Komgate, startChild, startProbedKomgate } from '../processes.ts'
import type { Scope } from '../scope.ts'
import type { Target } from './faults.ts'
import { Ledger } from './ledger.ts'
import { LogReader } from './log-reader.ts'
import { settle } from './people.ts'
import type { Place } from './place.ts'
import { FaultyProxy } from './proxy.ts'
import type { Random } from './random.ts'
import { FLAGS } from './times.ts'

const DEMO_DATA = fileURLToPath(new URL('../../fixtures/demo.json', import.meta.url))

/** Everything except the clients. */
export interface Scene {
  komgate: Komgate & { probe: Child<'memory-probe'> }
  log: LogReader
  ledger: Ledger
  places: Place[]
  /** the servers with faults */
  targets: Target[]
  /** the number of clients by each server's own count, by server id */
  clients: () => Promise<Record<string, number | undefined>>
  /** the gateway's open files and sockets without clients */
  handles: number
}

/**
 * Starts the gateway and its servers: a demo server without faults, one with connection faults, and a lyskomd with
 * server faults if it is installed. Then creates the persons.
 */
export async function prepare(scope: Scope, random: Random): Promise<Scene> {
  const demo = await startChild(scope, 'demo-server')
  const calmPort = await demo.call('listen', DEMO_DATA)
  const roughPort = await demo.call('listen', DEMO_DATA)
  const lyskomd = await startRealServer(scope)
  const targets = [await target(scope, 'rough', roughPort)]
  if (lyskomd !== undefined) targets.push(await target(scope, 'lyskomd', lyskomd.port, lyskomd))

  const log = new LogReader()
  const komgate = await startProbedKomgate(scope, 'memory-probe', {
    servers: { calm: calmPort, ...Object.fromEntries(targets.map(({ place, proxy }) => [place.id, proxy.port])) },
    args: [...FLAGS],
    onLog: (text) => log.read(text),
  })
  const ledger = new Ledger()
  const places = [newPlace('calm'), ...targets.map(({ place }) => place)]
  for (const place of places) await settle({ port: komgate.port, ledger, places }, place, random.fork(place.id))
  // SIGTERM makes lyskomd save its database, so that later crashes do not lose the persons.
  lyskomd?.kill('SIGTERM')
  await lyskomd?.restart()
  const ownSockets = lyskomd && (await openSockets(lyskomd.pid))
  await komgate.probe.call('heldBytes')
  return {
    komgate,
    log,
    ledger,
    places,
    targets,
    clients: async () => ({
      calm: await demo.call('connected', calmPort),
      rough: await demo.call('connected', roughPort),
      ...(lyskomd && { lyskomd: (await openSockets(lyskomd.pid)) - (ownSockets ?? 0) }),
    }),
    handles: await openHandles(komgate.pid),
  }
}

async function startRealServer(scope: Scope): Promise<Lyskomd | undefined> {
  if (lyskomdInstalled()) return scope.use(await startLyskomd(), (server) => server.stop())
  process.stdout.write('lyskomd is not installed (apt-get install lyskom-server netbase): its part is left out\n')
  return undefined
}

async function target(scope: Scope, id: string, port: number, lyskomd?: Lyskomd): Promise<Target> {
  const proxy = scope.use(await FaultyProxy.start(port), (each) => each.close())
  return { place: { ...newPlace(id), weather: 'rough', forgets: lyskomd !== undefined }, proxy, lyskomd }
}

function newPlace(id: string): Place {
  return { id, weather: 'calm', forgets: false, crashes: 0, conference: 0, people: [], forgetful: [] }
}
