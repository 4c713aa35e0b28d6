import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { type Handler, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const WHO_AM_I = '/kom/sessions/current/who-am-i'

const ACTIVE = '/kom/sessions/current/active'
const USER_ACTIVE = 82

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(handler?: Handler): Promise<TestGateway> {
  const server = await startFakeServer(handler)
  const gateway = await startTestGateway([{ id: 'kom', port: server.port }], { callTimeoutMs: 300 })
  closing.push(server.close, gateway.close)
  return gateway
}

function requests(gateway: TestGateway, path: string): { status: number; ms: number }[] {
  return gateway.log.map((line) => JSON.parse(line)).filter((line) => line.msg === 'request' && line.path === path)
}

it('the gateway logs and counts a request before the client receives the response', async () => {
  const gateway = await start()
  const id = await gateway.open()
  for (let n = 1; n <= 20; n++) {
    const { status } = await gateway.send('GET', WHO_AM_I, { id })
    expect([status, requests(gateway, WHO_AM_I).length]).toEqual([200, n])
  }
  expect((await gateway.send('GET', '/stats')).json['komgate.http.responses.sent.200.last']).toBe(20)
})

it('the gateway logs a request once if its client disconnects before the response', async () => {
  const gateway = await start(({ call }) => call === USER_ACTIVE)
  const id = await gateway.open()
  const asking = fetch(gateway.url + ACTIVE, {
    method: 'POST',
    headers: { 'httpkom-connection': id },
    signal: AbortSignal.timeout(100),
  })
  await expect(asking).rejects.toThrow()
  expect(requests(gateway, ACTIVE)).toEqual([])
  await expect.poll(() => requests(gateway, ACTIVE), { timeout: 3000 }).toHaveLength(1)
  const [{ status, ms } = { status: 0, ms: 0 }] = requests(gateway, ACTIVE)
  expect([status, ms > 250]).toEqual([504, true])
  expect((await gateway.send('GET', '/stats')).json['komgate.http.responses.sent.504.last']).toBe(1)
})

it('the gateway logs each pipelined request once if its client disconnects before the responses', async () => {
  const gateway = await start(({ call }) => call === USER_ACTIVE)
  const id = await gateway.open()
  const { hostname, port } = new URL(gateway.url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  const head = (line: string) => `${line} HTTP/1.1\r\nHost: x\r\nHttpkom-Connection: ${id}\r\n`
  socket.write(`${head(`POST ${ACTIVE}`)}Content-Length: 0\r\n\r\n${head('GET /')}\r\n`)
  await sleep(100)
  socket.destroy()
  await expect.poll(() => requests(gateway, ACTIVE), { timeout: 3000 }).toMatchObject([{ status: 504 }])
  await expect.poll(() => requests(gateway, '/')).toMatchObject([{ status: 200 }])
  expect(requests(gateway, ACTIVE)).toHaveLength(1)
})

it.each([
  ['/start-%C2%9B31m', '/start-%C2%9B31m'],
  ['/start-%1b%5B31m', '/start-%1B[31m'],
  ['/start-%E2%80%AEtxt.%E2%81%A6', '/start-%E2%80%AEtxt.%E2%81%A6'],
  ['/start-%0d%0afake', '/start-%0D%0Afake'],
  ['/start-%7f%C2%AD%E2%80%A8', '/start-%7F%C2%AD%E2%80%A8'],
  ['/start-%C3%A5%F0%9F%98%80', '/start-å😀'],
])('the gateway logs the path %s as %s, without control and format characters', async (path, logged) => {
  const gateway = await start()
  expect((await gateway.send('GET', path)).status).toBe(404)
  await expect.poll(() => requests(gateway, logged)).toHaveLength(1)
})
