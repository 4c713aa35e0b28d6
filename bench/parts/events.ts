import { setTimeout as sleep } from 'node:timers/promises'
import { type KomgateOptions, startInspectedKomgate, startKomgate } from '../../test/support/komgate-process.ts'
import type { Scope } from '../../test/support/scope.ts'
import { type Child, startChild, startInspectedChild } from '../child.ts'
import { growth } from '../growth.ts'
import { alternate, compare, precise, progress, type Row, runPart } from '../part.ts'
import { pin } from '../pin.ts'

const LATENCY_ROUNDS = 15
const LATENCY_TEXTS = 500
const NEW_AUTHORS = 200
const STREAMS = 2000
const TEXTS_PER_SECOND = 50
const BROADCAST_WARM_UP_MS = 2000
const BROADCAST_MS = 10_000
const MEMORY_ROUNDS = 3
const FLOOD_PER_SECOND = 10_000
const FLOOD_ROUNDS = 7
const FLOOD_MS = 3000
const FLOOD_START_MS = 1000
/** Until the gateway recognizes the end of the flood. */
const FLOOD_END_MS = 2500
const OTHER_SESSIONS = 8
const REQUEST_INTERVAL_MS = 10
const LIMITS = '--max-sessions-per-address 20000 --max-sessions 20000 --max-openings-per-minute 10000000'.split(' ')

type Load = Child<typeof import('../event-load.ts')>
type Requests = Child<typeof import('../http-load.ts')>

/** Measures event streams against bare servers of the same kind. */
async function measure(scope: Scope): Promise<Row[]> {
  const load: Load = await startChild(scope, 'event-load')
  const requests: Requests = await startChild(scope, 'http-load')
  return [
    ...(await latencyRows(scope.inner(), load, requests)),
    await broadcastRow(scope.inner(), load, requests),
    await memoryRow(scope.inner(), load, requests),
    await floodRow(scope.inner(), load, requests),
  ]
}

const pathOf = (serverId: string): string => `/${serverId}/sessions/current/events`

/** One stream: the time from the bytes of a text to its event, and the calls that a text takes. */
async function latencyRows(scope: Scope, load: Load, requests: Requests): Promise<Row[]> {
  const [lyskom, bareLyskom] = [await load.call('listen'), await load.call('listen')]
  const komgate = await startKomgate(scope, { servers: { fake: lyskom } })
  const ids = await requests.call('openSessions', komgate.port, 'fake', 1)
  const bare = await startChild<typeof import('../bare-streams.ts')>(scope, 'bare-streams')
  const relay = await bare.call('listenRelay', bareLyskom)
  await load.call('openStreams', { port: komgate.port, path: pathOf('fake'), ids })
  await load.call('openStreams', { port: relay, path: '/', ids: [''] })
  // Each message goes to the other core, as between programs with cores of their own.
  await pin('0', load.pid)
  for (const { pid } of [komgate, bare]) await pin('1', pid)
  const times = await alternate('latency', LATENCY_ROUNDS, {
    komgate: () => load.call('p50', komgate.port, lyskom, LATENCY_TEXTS),
    relay: () => load.call('p50', relay, bareLyskom, LATENCY_TEXTS),
  })
  const texts = (LATENCY_ROUNDS + 1) * LATENCY_TEXTS
  const before = await load.call('callsTo', lyskom)
  await load.call('p50', komgate.port, lyskom, LATENCY_TEXTS)
  const known = (await load.call('callsTo', lyskom)) - before
  const time = await load.call('p50', komgate.port, lyskom, NEW_AUTHORS, true)
  const unknown = (await load.call('callsTo', lyskom)) - before - known
  await load.call('closeStreams', komgate.port)
  await load.call('closeStreams', relay)
  const names = { what: 'p50 from the bytes of a new text to its event', against: 'a bare relay', aim: '<= 1.5' }
  const perText = `${precise(known / texts)} by a known author, ${precise(unknown / NEW_AUTHORS)} by an unknown one`
  return [
    compare(names, times.komgate, times.relay, 'ms'),
    { what: 'calls for each new text', aim: '<= 1', figures: `${perText}, whose event takes ${precise(time)} ms` },
  ]
}

/** Many streams: a text to all of them, many times a second. */
async function broadcastRow(scope: Scope, load: Load, requests: Requests): Promise<Row> {
  const [lyskom, bareLyskom] = [await load.call('listen'), await load.call('listen')]
  const komgate = await startKomgate(scope, { servers: { fake: lyskom }, args: LIMITS })
  const bare = await startChild<typeof import('../bare-streams.ts')>(scope, 'bare-streams')
  const relay = await bare.call('listenRelay', bareLyskom)
  const ids = await requests.call('openSessions', komgate.port, 'fake', STREAMS)
  await pin('0', load.pid)
  for (const { pid } of [komgate, bare]) await pin('1', pid)
  const arrivals = async (port: number, path: string, server: number) => {
    progress('events of many streams')
    await load.call('openStreams', { port, path, ids })
    await load.call('broadcast', port, server, TEXTS_PER_SECOND, BROADCAST_WARM_UP_MS)
    const measured = await load.call('broadcast', port, server, TEXTS_PER_SECOND, BROADCAST_MS)
    await load.call('closeStreams', port)
    return measured
  }
  const times = await arrivals(komgate.port, pathOf('fake'), lyskom)
  const bareTimes = await arrivals(relay, '/', bareLyskom)
  const medians = `p50 ${precise(times.p50)} / ${precise(bareTimes.p50)} ms`
  return {
    what: `p99 of the events of ${STREAMS.toLocaleString('en')} streams, ${TEXTS_PER_SECOND} texts/s`,
    against: 'bare relays',
    ratio: times.p99 / bareTimes.p99,
    aim: 'p99 < 1000 ms',
    figures: `${precise(times.p99)} / ${precise(bareTimes.p99)} ms; ${medians}; all ${precise(times.events)} arrived, ${times.texts} texts in ${times.writes} packets`,
  }
}

/** The memory of an idle stream without that of its session. */
async function memoryRow(scope: Scope, load: Load, requests: Requests): Promise<Row> {
  const lyskom = await load.call('listen')
  const { stream, bare } = await alternate('idle streams', MEMORY_ROUNDS, {
    stream: () => memoryOfStream(scope.inner(), load, requests, { servers: { fake: lyskom }, args: LIMITS }),
    bare: () => memoryOfBareStream(scope.inner(), load),
  })
  const what = `RSS of each of ${STREAMS.toLocaleString('en')} idle streams`
  return compare({ what, against: 'RSS of each of as many bare responses', aim: '<= 3' }, stream, bare, 'bytes')
}

async function memoryOfStream(scope: Scope, load: Load, requests: Requests, options: KomgateOptions): Promise<number> {
  const komgate = await startInspectedKomgate(scope, options)
  const ids = await requests.call('openSessions', komgate.port, 'fake', STREAMS)
  const open = (count: number) =>
    load.call('openStreams', { port: komgate.port, path: pathOf('fake'), ids: ids.slice(0, count) })
  const bytes = await growth(komgate, STREAMS, open, () => load.call('closeStreams', komgate.port))
  await load.call('closeStreams', komgate.port)
  await scope.close()
  return bytes
}

async function memoryOfBareStream(scope: Scope, load: Load): Promise<number> {
  const bare = await startInspectedChild<typeof import('../bare-streams.ts')>(scope, 'bare-streams')
  const port = await bare.call('listenIdle')
  const open = (count: number) => load.call('openStreams', { port, path: '/', ids: new Array<string>(count).fill('') })
  const bytes = await growth(bare, STREAMS, open, () => load.call('closeStreams', port))
  await load.call('closeStreams', port)
  await scope.close()
  return bytes
}

/** Requests of other sessions while one session with a stream receives many messages. */
async function floodRow(scope: Scope, load: Load, requests: Requests): Promise<Row> {
  const [flooded, calm] = [await load.call('listen'), await load.call('listen')]
  const { port } = await startKomgate(scope, { servers: { flooded, calm } })
  await load.call('openStreams', {
    port,
    path: pathOf('flooded'),
    ids: await requests.call('openSessions', port, 'flooded', 1),
  })
  const ids = await requests.call('openSessions', port, 'calm', OTHER_SESSIONS)
  const target = { port, path: '/calm/sessions/current/who-am-i', ids }
  const p99 = () => requests.call('p99', target, OTHER_SESSIONS, REQUEST_INTERVAL_MS, FLOOD_MS)
  await p99()
  const times = await alternate('flood', FLOOD_ROUNDS, {
    without: p99,
    with: async () => {
      await load.call('flood', flooded, FLOOD_PER_SECOND)
      // Until the gateway recognizes the flood, the session receives its events.
      await sleep(FLOOD_START_MS)
      const time = await p99()
      await load.call('stopFlood')
      await sleep(FLOOD_END_MS)
      return time
    },
  })
  await load.call('closeStreams', port)
  const what = `p99 of who-am-i in other sessions during a flood of ${FLOOD_PER_SECOND.toLocaleString('en')} texts/s`
  return compare({ what, against: 'the same without', aim: '<= 1.5' }, times.with, times.without, 'ms')
}

await runPart('events', measure)
