import { afterEach, expect, it } from 'vitest'
import { expectWithin, timed } from '../support/bound.ts'
import { type FakeConnection, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway } from '../support/gateway.ts'
import { lyskomdInstalled, startLyskomd } from '../support/lyskomd.ts'
import { type ProxyLine, startProxy } from '../support/proxy.ts'
import { message, reply } from '../support/wire.ts'

const ACTIVE = 82
const CALL_MS = 1000
const SETTINGS = { keepaliveMs: 200, keepaliveTimeoutMs: 200, callTimeoutMs: 5000 }
/** For faults that the gateway must detect without the keepalive. */
const PATIENT = { keepaliveMs: 5000 }
const SILENCE_MS = SETTINGS.keepaliveMs + SETTINGS.keepaliveTimeoutMs
const WHO_AM_I = '/kom/sessions/current/who-am-i'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Opens two sessions on a server that never replies to user-active, and sends `waiting` requests on the first. */
async function waitOn(waiting: number, settings = {}) {
  const server = await startFakeServer(({ call }) => call === ACTIVE)
  const proxy = await startProxy(server)
  const gateway = await startTestGateway([{ id: 'kom', port: proxy.port }], { ...SETTINGS, ...settings })
  closing.push(server.close, proxy.close, gateway.close)
  const id = await gateway.open()
  const other = await gateway.open()
  const [fake] = server.connections as [FakeConnection]
  const [line] = proxy.lines as [ProxyLine]
  const active = () => gateway.send('POST', '/kom/sessions/current/active', { id })
  const requests = Array.from({ length: waiting }, active)
  const refs = () => fake.received.filter(({ call }) => call === ACTIVE).map(({ ref }) => ref)
  await expect.poll(() => refs().length, { interval: 5 }).toBe(waiting)
  return { gateway, id, other, fake, line, requests, refs: refs() }
}

type Stage = Awaited<ReturnType<typeof waitOn>>

/** Measures the responses of a session from the start of a fault on. */
async function measure({ gateway, id, other, requests }: Stage, fault: () => void) {
  const { ms, value: answers } = await timed(() => {
    fault()
    return Promise.all(requests)
  })
  const next = await timed(() => gateway.send('GET', WHO_AM_I, { id }))
  const neighbour = await timed(() => gateway.send('GET', WHO_AM_I, { id: other }))
  return { ms, statuses: new Set(answers.map(({ status }) => status)), next, neighbour }
}

it.each<[string, number, (stage: Stage) => void]>([
  ['loses all packets in both directions', SILENCE_MS, ({ line }) => line.stall()],
  ['loses all packets from the server', SILENCE_MS, ({ line }) => line.toClient.stall()],
  [
    'stops in the middle of a message',
    SILENCE_MS,
    ({ fake, line, refs }) => {
      line.toClient.stall(6)
      fake.send('=', refs[0] as number, ' 100Hhalf of it')
    },
  ],
  [
    'stops in the middle of a message and acknowledges sent data',
    SILENCE_MS,
    ({ fake, line, refs }) => {
      line.toServer.drop()
      fake.send('=', refs[0] as number, ' 100Hhalf of it')
    },
  ],
  ['resets', 0, ({ line }) => line.reset()],
  ['closes while 20 calls wait', 0, ({ fake }) => fake.end()],
  ['sends %%', 0, ({ fake }) => fake.send('%% LysKOM protocol error.\n')],
  ['sends garbage', 0, ({ fake }) => fake.send('\0\xff what? \n')],
  ['sends a megabyte of garbage', 0, ({ fake }) => fake.send(Buffer.alloc(1_000_000, '%=:{*\n'))],
  ['replies to a call never made', 0, ({ fake }) => fake.send(reply(4711))],
  ['announces a string of 100 MB', 0, ({ fake, refs }) => fake.send('=', refs[0] as number, ' 100000000H')],
])('a LysKOM connection that %s yields 403 for its session only', async (fault, boundMs, act) => {
  const stage = await waitOn(20, boundMs === 0 ? PATIENT : {})
  const { ms, statuses, next, neighbour } = await measure(stage, () => act(stage))
  expect([...statuses]).toEqual([403])
  expectWithin(boundMs, ms, fault)
  expect(next.value.status).toBe(403)
  expectWithin(0, next.ms, `${fault}: the next request`)
  expect(neighbour.value.status).toBe(200)
})

it('a server that never replies yields 504 at the call timeout and ends the session at twice the timeout', async () => {
  const stage = await waitOn(5, { callTimeoutMs: CALL_MS })
  const talking = setInterval(() => stage.fake.send(message(9, 5, 2)), 20)
  const { ms, statuses, next } = await measure(stage, () => undefined)
  expect([...statuses]).toEqual([504])
  // The gateway checks its timeouts at a quarter of the shortest one.
  const CHECK_MS = 50
  expectWithin(CALL_MS + CHECK_MS, ms, 'sends messages and no replies')
  expect(next.value.status).toBe(200)
  const { ms: more } = await timed(() =>
    expect.poll(async () => (await stage.gateway.send('GET', WHO_AM_I, { id: stage.id })).status).toBe(403),
  )
  clearInterval(talking)
  expectWithin(2 * CALL_MS + CHECK_MS, ms + more, 'sends messages and no replies: the session ends')
})

it('a server that replies late causes no errors', async () => {
  const { gateway, id, line } = await waitOn(0)
  line.toClient.delay(SETTINGS.keepaliveTimeoutMs / 2)
  for (let n = 0; n < 5; n++) expect((await gateway.send('GET', WHO_AM_I, { id })).status).toBe(200)
})

it('a server that stops reading megabytes of requests yields 403 within the keepalive timeouts', async () => {
  const { gateway, id, line } = await waitOn(0, { maxBodyBytes: 10_000_000 })
  line.toServer.stall()
  const body = { pers_name: 'x', passwd: 'x' }
  const large = { subject: 's', body: 'x'.repeat(5_000_000), content_type: 'text/x-kom-basic', recipient_list: [] }
  const login = gateway.send('POST', '/kom/sessions/current/login', { id, json: body })
  const { ms, value } = await timed(() =>
    Promise.all([login, gateway.send('POST', '/kom/texts/', { id, json: large })]),
  )
  expect(value.map(({ status }) => status)).toEqual([403, 401])
  expectWithin(SILENCE_MS, ms, 'stops reading')
})

it('deleting a session on a dead connection yields 204 within 2 s, and then 403 for its waiting requests', async () => {
  const { gateway, id, line, requests } = await waitOn(20, PATIENT)
  line.stall()
  const deleted = await timed(() => gateway.send('DELETE', '/kom/sessions/0', { id }))
  expect(deleted.value.status).toBe(204)
  expectWithin(2000, deleted.ms, 'loses all packets, and the session is deleted')
  const { ms, value } = await timed(() => Promise.all(requests))
  expect([...new Set(value.map(({ status }) => status))]).toEqual([403])
  expectWithin(0, ms, 'loses all packets, and the session is deleted: the waiting requests, after the 204')
})

it.skipIf(!lyskomdInstalled())(
  'a lyskomd that hangs yields 403 within the keepalive timeouts, and sessions on other servers continue',
  async () => {
    const [hung, well] = await Promise.all([startLyskomd(), startLyskomd()])
    const servers = [
      { id: 'kom', port: hung.port },
      { id: 'well', port: well.port },
    ]
    const gateway = await startTestGateway(servers, SETTINGS)
    closing.push(hung.stop, well.stop, gateway.close)
    const id = await gateway.open()
    const other = await gateway.open('well')
    hung.kill('SIGSTOP')
    const { ms, value } = await timed(() => gateway.send('GET', WHO_AM_I, { id }))
    expect(value.status).toBe(403)
    expectWithin(SILENCE_MS, ms, 'a lyskomd hangs (SIGSTOP)')
    expect((await gateway.send('GET', '/well/sessions/current/who-am-i', { id: other })).status).toBe(200)
  },
)
