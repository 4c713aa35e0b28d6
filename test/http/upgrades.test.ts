import { afterEach, describe, expect, it } from 'vitest'
import { startFakeServer } from '../support/fake-server.ts'
import { startTestGateway } from '../support/gateway.ts'
import { openRaw, rawRequest, statuses, WEBSOCKET_FIELDS } from '../support/raw-http.ts'

const H2C = {
  Connection: 'Upgrade, HTTP2-Settings',
  Upgrade: 'h2c',
  'HTTP2-Settings': 'AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA',
}
const OPENING = '{"client":{"name":"x","version":"1"}}'
const JSON_FIELD = { 'Content-Type': 'application/json' }

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start() {
  const server = await startFakeServer()
  const gateway = await startTestGateway([{ id: 'kom', port: server.port }])
  closing.push(server.close, gateway.close)
  const client = async () => {
    const raw = await openRaw(gateway.url)
    closing.push(async () => void raw.socket.destroy())
    return raw
  }
  return { gateway, client, id: await gateway.open() }
}

/** The last response without the fields that differ between requests. */
const comparable = (text: string) => text.replace(/^(X-Request-Id|Date): .*\r\n/gim, '')

describe('requests with an Upgrade field', () => {
  it.each([
    ['h2c', H2C],
    ['h2c and keep-alive', { ...H2C, Connection: 'keep-alive, Upgrade, HTTP2-Settings' }],
    ['websocket', WEBSOCKET_FIELDS],
    ['TLS/1.0', { Connection: 'upgrade', Upgrade: 'TLS/1.0' }],
    ['websocket without a Connection field', { Upgrade: 'websocket' }],
  ])('the gateway ignores Upgrade: %s, and the connection stays usable', async (_, upgrade) => {
    const { client, id } = await start()
    const session = { 'Httpkom-Connection': id }
    for (const [method, path, fields] of [
      ['GET', '/', {}],
      ['GET', '/kom/sessions/current/who-am-i', session],
      ['HEAD', '/', {}],
      ['OPTIONS', '/', {}],
      ['GET', '/nowhere', {}],
      ['GET', '/kom/websocket', session],
      ['DELETE', '/websocket', session],
      ['POST', `/websocket?Httpkom-Connection=${id}`, {}],
    ] as const) {
      const [plain, upgrading] = [await client(), await client()]
      const end = rawRequest('GET', '/end', { Connection: 'close' })
      plain.socket.write(rawRequest(method, path, fields) + end)
      upgrading.socket.write(rawRequest(method, path, { ...fields, ...upgrade }) + end)
      const expected = comparable(await plain.closed())
      expect(statuses(expected)).toHaveLength(2)
      expect(comparable(await upgrading.closed())).toBe(expected)
    }
  })

  it.each([
    ['with a length', rawRequest('POST', '/kom/sessions/', { ...JSON_FIELD, ...H2C }, OPENING)],
    [
      'in chunks',
      `${rawRequest('POST', '/kom/sessions/', { ...JSON_FIELD, ...H2C, 'Transfer-Encoding': 'chunked' })}5\r\n${OPENING.slice(0, 5)}\r\n${(OPENING.length - 5).toString(16)}\r\n${OPENING.slice(5)}\r\n0\r\n\r\n`,
    ],
  ])('the gateway reads a body %s that arrives whole or in pieces', async (_, request) => {
    const { client } = await start()
    const whole = await client()
    whole.socket.write(request)
    await whole.received(/"connection_id"/)
    expect(statuses(whole.text)).toEqual([201])
    const pieces = await client()
    for (let at = 0; at < request.length; at += 40) {
      pieces.socket.write(request.slice(at, at + 40))
      await new Promise(setImmediate)
    }
    await pieces.received(/"connection_id"/)
    expect(statuses(pieces.text)).toEqual([201])
  })

  it('the gateway opens a WebSocket, also when the client offers other protocols', async () => {
    const { client, id } = await start()
    for (const upgrade of ['websocket', 'WebSocket', 'h2c, websocket']) {
      const raw = await client()
      raw.socket.write(
        rawRequest('GET', `/websocket?Httpkom-Connection=${id}`, { ...WEBSOCKET_FIELDS, Upgrade: upgrade }),
      )
      await raw.received(/\r\n\r\n/)
      expect(statuses(raw.text)).toEqual([101])
    }
  })

  it('the gateway rejects an upgrade that violates the handshake of RFC 6455 with 400', async () => {
    const { client, id } = await start()
    const path = `/websocket?Httpkom-Connection=${id}`
    for (const request of [
      rawRequest('GET', path, { Connection: 'close', Upgrade: 'websocket' }),
      rawRequest('GET', path, { ...H2C, Connection: 'close, Upgrade' }),
      rawRequest('GET', path, WEBSOCKET_FIELDS).replace('HTTP/1.1', 'HTTP/1.0'),
    ]) {
      const raw = await client()
      raw.socket.write(request)
      const text = await raw.closed()
      expect(statuses(text)).toEqual([400])
      expect(text).toContain('"error_msg":"This endpoint accepts WebSocket upgrades only."')
    }
  })

  it('the gateway rejects CONNECT with 405, after the response to an earlier request', async () => {
    const { client } = await start()
    const raw = await client()
    raw.socket.write(rawRequest('GET', '/') + rawRequest('CONNECT', 'example.org:443'))
    const text = await raw.closed()
    expect(statuses(text)).toEqual([200, 405])
    expect(text).toContain('"error_msg":"CONNECT is not allowed here."')
  })
})
