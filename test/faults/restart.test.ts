import { afterEach, expect, it } from 'vitest'
import { expectWithin, timed } from '../support/bound.ts'
import { startFakeServer } from '../support/fake-server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { lyskomdInstalled, startLyskomd } from '../support/lyskomd.ts'

const SESSIONS = 100
const WHO_AM_I = '/kom/sessions/current/who-am-i'
const CLIENT = { client: { name: 'test', version: '1.0' } }

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(port: number): Promise<TestGateway> {
  const gateway = await startTestGateway([{ id: 'kom', port }])
  closing.push(gateway.close)
  return gateway
}

const times = <T>(count: number, work: () => Promise<T>) => Promise.all(Array.from({ length: count }, work))
const statuses = (answers: { status: number }[]) => [...new Set(answers.map(({ status }) => status))]
const up = async (gateway: TestGateway) => (await gateway.send('GET', '/')).json.kom.up
const active = async (gateway: TestGateway) =>
  (await gateway.send('GET', '/stats')).json['komgate.sessions.active.last']

/** Checks the responses to clients while the server is down and after its restart. */
async function expectRecovery(gateway: TestGateway, ids: string[], comeBack: () => Promise<unknown>): Promise<void> {
  expect(statuses(await Promise.all(ids.map((id) => gateway.send('GET', WHO_AM_I, { id }))))).toEqual([403])
  expect(await up(gateway)).toBe(null)
  expect((await gateway.send('POST', '/kom/sessions/', { json: CLIENT })).status).toBe(502)
  expect(await up(gateway)).toBe(false)
  await comeBack()
  const again = await times(SESSIONS, () => gateway.open())
  expect(await up(gateway)).toBe(true)
  expect(statuses(await Promise.all(again.map((id) => gateway.send('GET', WHO_AM_I, { id }))))).toEqual([200])
  expect(statuses(await Promise.all(ids.map((id) => gateway.send('GET', WHO_AM_I, { id }))))).toEqual([403])
  expect(await active(gateway)).toBe(SESSIONS)
}

it.skipIf(!lyskomdInstalled()).each(['SIGTERM', 'SIGKILL'] as const)(
  'restarting a lyskomd after %s ends all its sessions immediately, and new sessions open',
  async (signal) => {
    const server = await startLyskomd()
    closing.push(server.stop)
    const gateway = await start(server.port)
    const ids = await times(SESSIONS, () => gateway.open())
    const { exited } = server
    server.kill(signal)
    await exited
    const { ms } = await timed(() => expect.poll(() => active(gateway), { interval: 2 }).toBe(0))
    expectWithin(0, ms, `lyskomd with ${SESSIONS} sessions ends by ${signal}`)
    await expectRecovery(gateway, ids, () => server.restart())
  },
)

it('restarting a server while all sessions wait yields 403 immediately, and new sessions open', async () => {
  const server = await startFakeServer(({ call }) => call === 82)
  const gateway = await start(server.port)
  const ids = await times(SESSIONS, () => gateway.open())
  const waiting = ids.map((id) => gateway.send('POST', '/kom/sessions/current/active', { id }))
  await expect.poll(() => server.connections.every(({ received }) => received.at(-1)?.call === 82)).toBe(true)
  const { ms, value } = await timed(async () => {
    await server.close()
    return Promise.all(waiting)
  })
  expect(statuses(value)).toEqual([403])
  expectWithin(0, ms, `restarts while ${SESSIONS} sessions wait`)
  await expectRecovery(gateway, ids, async () => {
    const again = await startFakeServer(undefined, { port: server.port })
    closing.unshift(again.close)
  })
})
