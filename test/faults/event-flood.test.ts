import { setImmediate as nextTick, setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { show } from '../support/bound.ts'
import { configFor } from '../support/config.ts'
import { type FakeConnection, type Handler, startFakeServer } from '../support/fake-server.ts'
import { array, fields, h, message, omitted, reply, time } from '../support/wire.ts'

const UCONF = 78
const LEAVE_CONF = 8
const NEW_TEXT = 15
const NOW = time(new Date('2026-01-07T09:45:00Z'))
const PER_SECOND = 10_000
const FLOOD_MS = 2000
const INTERVAL_MS = 10
const SESSIONS = 5
/** Bound on the CPU time of one event-loop tick during the flood, milliseconds. */
const MAX_TICK_MS = 200

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const names: Handler = ({ ref, call, args }) => call === UCONF && reply(ref, h(`Name ${args}`), '10010000', 1, 77)

const newText = (no: number, author: number) =>
  message(NEW_TEXT, no, NOW, author, 1, 10, 0, array([fields(0, 8), fields(6, no)]), omitted(0))

async function send(gateway: Gateway, method: string, path: string, id?: string): Promise<Response> {
  const headers = { 'content-type': 'application/json', ...(id !== undefined && { 'httpkom-connection': id }) }
  const body = id === undefined ? JSON.stringify({ client: { name: 'x', version: '1' } }) : null
  return gateway.fetch(new Request(`http://x${path}`, { method, headers, body }), {} as never) as Promise<Response>
}

async function open(gateway: Gateway): Promise<string> {
  return ((await (await send(gateway, 'POST', '/kom/sessions/')).json()) as { connection_id: string }).connection_id
}

/** Follows the events of a session. The text is parsed only later, so that the flood measures the gateway. */
async function follow(gateway: Gateway, id: string) {
  const { body } = await send(gateway, 'GET', '/kom/sessions/current/events', id)
  const reader = (body as ReadableStream<Uint8Array>).getReader()
  const chunks: Uint8Array[] = []
  let isCut = false
  void (async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) chunks.push(part.value)
  })().catch(() => {
    isCut = true
  })
  closing.push(() => reader.cancel().catch(() => undefined))
  return {
    isCut: () => isCut,
    /** The number of each event, or `reset`. */
    received: (): (number | 'reset')[] =>
      Buffer.concat(chunks)
        .toString()
        .split('\n\n')
        .map((block) => /^data: (.*)$/m.exec(block)?.[1])
        .filter((data) => data !== undefined)
        .map((data) => JSON.parse(data) as { type: string; text_no?: number; conf_no: number })
        .map(({ type, text_no, conf_no }) => (type === 'reset' ? type : (text_no ?? conf_no))),
  }
}

/** Sends 10,000 messages a second. Resolves with their number. */
async function flood(connection: FakeConnection, messages: readonly Buffer[]): Promise<number> {
  const start = performance.now()
  let sent = 0
  for (let ms = 0; ms < FLOOD_MS; ms = performance.now() - start) {
    const due = Math.floor((ms * PER_SECOND) / 1000)
    connection.send(...messages.slice(sent, due))
    sent = due
    await sleep(INTERVAL_MS)
  }
  return sent
}

/** Sends requests on other sessions until `work` is done. Returns how many ticks each takes, and the longest tick. */
async function measure<T>(gateway: Gateway, ids: readonly string[], work: Promise<T>) {
  let isDone = false
  void work.finally(() => {
    isDone = true
  })
  let tick = 0
  let tickMs = 0
  let last = process.cpuUsage()
  let counting = setImmediate(function count() {
    const { user, system } = process.cpuUsage(last)
    last = process.cpuUsage()
    tickMs = Math.max(tickMs, (user + system) / 1000)
    tick++
    counting = setImmediate(count)
  })
  const ticks: number[] = []
  while (!isDone) {
    const start = tick
    const { status } = await send(gateway, 'GET', '/kom/sessions/current/who-am-i', ids[ticks.length % ids.length])
    if (status !== 200) throw new Error(`a request of another session was answered with ${status}`)
    ticks.push(tick - start)
    await nextTick()
  }
  clearImmediate(counting)
  return { ticks, tickMs, value: await work }
}

/** The conference in the events after the flood. */
const LAST = 65_535

const p99 = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length * 0.99)] as number

// Ticks do not depend on the load of the machine, see neighbours.test.ts; CPU time hardly does.
describe('a LysKOM server that sends 10,000 messages a second to a session with event streams', () => {
  it.each<[string, (no: number) => Buffer]>([
    ['without names', (no) => message(LEAVE_CONF, no)],
    ['with names that the gateway knows', (no) => newText(no, 6)],
    ['with a new name in each', (no) => newText(no, no)],
  ])('does not delay other sessions, and no event is lost silently (%s)', { timeout: 60_000 }, async (what, make) => {
    const server = await startFakeServer(names)
    const gateway = await createGateway(configFor([{ id: 'kom', port: server.port }]))
    closing.push(server.close, () => gateway.close())
    const id = await open(gateway)
    const ids = await Promise.all(Array.from({ length: SESSIONS }, () => open(gateway)))
    const followers = [await follow(gateway, id), await follow(gateway, id)]
    const messages = Array.from({ length: 2 * PER_SECOND * (FLOOD_MS / 1000) }, (_, i) => make(i + 1))
    const quiet = await measure(gateway, ids, sleep(FLOOD_MS))
    const connection = server.connections[0] as FakeConnection
    const flooded = await measure(gateway, ids, flood(connection, messages))
    const sent = flooded.value
    for (const { received, isCut } of followers) {
      // When the flood is over, an event arrives, unless the gateway has cut the stream.
      const isOver = (): boolean => {
        connection.send(message(LEAVE_CONF, LAST))
        return isCut() || received().at(-1) === LAST
      }
      await expect.poll(isOver, { timeout: 20_000 }).toBe(true)
      let isAfterReset = false
      let before = 0
      for (const no of received().filter((each) => each !== LAST)) {
        if (no !== 'reset' && isAfterReset) expect(no).toBeGreaterThan(before)
        else if (no !== 'reset') expect(no).toBe(before + 1)
        isAfterReset = no === 'reset'
        if (no !== 'reset') before = no
      }
      if (!isCut() && !isAfterReset) expect(before).toBe(sent)
    }
    const [before, during] = [p99(quiet.ticks), p99(flooded.ticks)]
    const measured = `${during / before} x, ${during} event-loop ticks; longest tick ${flooded.tickMs.toFixed(0)} ms`
    show(`10,000 messages a second ${what}: p99 of other sessions`, `1.5 x, ${MAX_TICK_MS} ms`, measured)
    // A request without calls in between may end in the tick in which it began.
    expect(during).toBeLessThanOrEqual(Math.max(1.5 * before, before + 1))
    expect(flooded.tickMs).toBeLessThan(MAX_TICK_MS)
  })
})
