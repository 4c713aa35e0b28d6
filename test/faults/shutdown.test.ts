import { afterEach, describe, expect, it } from 'vitest'
import { timed } from '../support/bound.ts'
import { type FakeConnection, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway } from '../support/gateway.ts'
import { openRaw, rawRequest, statuses, WEBSOCKET_FIELDS } from '../support/raw-http.ts'
import { reply } from '../support/wire.ts'

const ACTIVE = 82
const DISCONNECT = 55
const TIMEOUT_MS = 500
/** The time after the shutdown timeout for closing the LysKOM sessions and the store, milliseconds. */
const CLOSING_MS = 1000
const BODY = '{"client":{"name":"x","version":"1"}}'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start() {
  const server = await startFakeServer(({ call }) => call === ACTIVE)
  closing.push(server.close)
  const gateway = await startTestGateway([{ id: 'kom', port: server.port }], { shutdownTimeoutMs: TIMEOUT_MS })
  const id = await gateway.open()
  const fake = server.connections[0] as FakeConnection
  const client = async () => {
    const raw = await openRaw(gateway.url)
    closing.push(async () => void raw.socket.destroy())
    return raw
  }
  return {
    gateway,
    id,
    fake,
    client,
    upgrade: rawRequest('GET', `/websocket?Httpkom-Connection=${id}`, WEBSOCKET_FIELDS),
  }
}

/** Expects the gateway to close at most a second after the timeout, and to send disconnect to the LysKOM server. */
async function expectClosed(closed: Promise<void>, fake: FakeConnection): Promise<void> {
  const { ms } = await timed(() => closed)
  expect(ms).toBeLessThan(TIMEOUT_MS + CLOSING_MS)
  expect(fake.received.at(-1)?.call).toBe(DISCONNECT)
}

describe('a gateway that shuts down', () => {
  it('opens no WebSocket on a connection whose request is unfinished', async () => {
    const { gateway, fake, client, upgrade } = await start()
    const raw = await client()
    const fields = { 'Content-Type': 'application/json', 'Content-Length': `${BODY.length}`, Expect: '100-continue' }
    raw.socket.write(rawRequest('POST', '/kom/sessions/', fields) + BODY.slice(0, 10))
    await raw.received(/100 Continue/)
    const closed = gateway.close()
    raw.socket.write(BODY.slice(10) + upgrade)
    await expectClosed(closed, fake)
    expect(statuses(await raw.closed())).toEqual([100, 503, 503])
  })

  it('opens no WebSocket that waits for an earlier response', async () => {
    const { gateway, id, fake, client, upgrade } = await start()
    const raw = await client()
    raw.socket.write(rawRequest('POST', '/kom/sessions/current/active', { 'Httpkom-Connection': id }) + upgrade)
    const asked = () => fake.received.find(({ call }) => call === ACTIVE)
    await expect.poll(asked, { interval: 2 }).toBeDefined()
    const closed = gateway.close()
    fake.send(reply(asked()?.ref as number))
    await expectClosed(closed, fake)
    const text = await raw.closed()
    expect(statuses(text)).toEqual([204, 503])
    expect(text).toContain('"error_msg":"The gateway is shutting down."')
    expect(text).toContain('\r\nRetry-After: 5\r\n')
  })

  it('terminates WebSockets that ignore the close frame at the shutdown timeout', async () => {
    const { gateway, fake, client, upgrade } = await start()
    const raws = [await client(), await client()]
    for (const raw of raws) {
      raw.socket.write(upgrade)
      await raw.received(/ 101 .*\r\n\r\n/s)
    }
    raws[1]?.socket.pause()
    await expectClosed(gateway.close(), fake)
  })

  it('does not wait for clients that hold a request, a response or an ignored upgrade open', async () => {
    const { gateway, id, fake, client } = await start()
    const active = rawRequest('POST', '/kom/sessions/current/active', { 'Httpkom-Connection': id })
    const h2c = rawRequest('GET', '/', { Connection: 'Upgrade', Upgrade: 'h2c' })
    for (const bytes of [active, active + h2c, 'GET / HTTP/1.1\r\nX:', active.repeat(3), `${active}garbage\r\n\r\n`]) {
      ;(await client()).socket.write(bytes)
    }
    const asked = () => fake.received.filter(({ call }) => call === ACTIVE).length
    await expect.poll(asked, { interval: 2 }).toBe(4)
    await expectClosed(gateway.close(), fake)
  })
})
