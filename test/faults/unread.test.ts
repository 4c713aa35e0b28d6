import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { UnreadBudget } from '../../src/http/node/unread-budget.ts'
import type { TestSettings } from '../support/config.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { openRaw, rawRequest, WEBSOCKET_FIELDS } from '../support/raw-http.ts'
import { repetitions } from '../support/repetitions.ts'

const MEGABYTE = 2 ** 20
/** Number of connections that read nothing. It is large enough to exceed every limit. */
const CONNECTIONS = repetitions(30, 8)
const TEXT_BYTES = 130_000
const LIMITS = { maxUnreadBytesPerAddress: 8 * MEGABYTE, maxUnreadBytes: 16 * MEGABYTE }

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Starts a gateway with a large text and a session with a logged-in person. */
async function start(settings: TestSettings = {}) {
  const gateway = await startTestGateway([{ id: 'demo', demo: true }], { ...LIMITS, ...settings })
  closing.push(gateway.close)
  const id = await gateway.open()
  await gateway.send('POST', '/demo/sessions/current/login', { id, json: { pers_name: 'demo reader', passwd: 'demo' } })
  const text = { subject: 's', body: 'x'.repeat(TEXT_BYTES), content_type: 'text/x-kom-basic', recipient_list: [] }
  const { json } = await gateway.send('POST', '/demo/texts/', { id, json: text })
  return { gateway, id, textNo: json.text_no as number }
}

/** Opens connections, each of which sends a request many times and reads nothing. */
async function pipeline(gateway: TestGateway, connections: number, request: string, times: number): Promise<Socket[]> {
  const sockets = []
  for (let i = 0; i < connections; i++) {
    const { socket } = await openRaw(gateway.url)
    closing.push(async () => void socket.destroy())
    socket.pause()
    socket.write(request.repeat(times))
    sockets.push(socket)
  }
  return sockets
}

async function metric(gateway: TestGateway, name: string): Promise<number> {
  const { text } = await gateway.send('GET', '/metrics')
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.split(' ')[1],
  )
}

const hits = (gateway: TestGateway, limit: string) => metric(gateway, `komgate_limit_hits_total{limit="${limit}"}`)
const unreadBytes = (gateway: TestGateway) => metric(gateway, 'komgate_http_unread_bytes')

/** Expects the gateway to serve other clients at the same time. */
async function expectServed({ gateway, id }: { gateway: TestGateway; id: string }): Promise<void> {
  for (let i = 0; i < 20; i++) {
    expect((await gateway.send('GET', '/demo/sessions/current/who-am-i', { id })).status).toBe(200)
  }
}

describe('clients that read no responses', () => {
  it.each([
    ['texts', (id: string, no: number) => rawRequest('GET', `/demo/texts/${no}`, { 'Httpkom-Connection': id })],
    ['metrics', () => rawRequest('GET', '/metrics')],
    ['the list of servers', () => 'GET / HTTP/1.1\r\nHost:\r\n\r\n'],
  ])('use no more memory than the limit of their address if they pipeline requests for %s', async (_, request) => {
    const { gateway, id, textNo } = await start()
    await pipeline(gateway, CONNECTIONS, request(id, textNo), 690)
    await expect.poll(() => hits(gateway, 'unread-bytes-per-address'), { timeout: 10_000 }).toBeGreaterThan(0)
    await expectServed({ gateway, id })
    expect(await unreadBytes(gateway)).toBeLessThanOrEqual(LIMITS.maxUnreadBytesPerAddress)
    expect(await hits(gateway, 'requests-per-connection')).toBeGreaterThan(0)
  })

  it('use no more memory than the limit of all clients, also behind a trusted proxy', async () => {
    const { gateway, id, textNo } = await start({ trustedProxies: ['127.0.0.1'], maxUnreadBytes: 8 * MEGABYTE })
    await pipeline(gateway, CONNECTIONS, rawRequest('GET', `/demo/texts/${textNo}`, { 'Httpkom-Connection': id }), 690)
    await expect.poll(() => hits(gateway, 'unread-bytes'), { timeout: 10_000 }).toBeGreaterThan(0)
    await expectServed({ gateway, id })
    expect(await unreadBytes(gateway)).toBeLessThanOrEqual(8 * MEGABYTE)
    expect(await hits(gateway, 'unread-bytes-per-address')).toBe(0)
  })

  it('lose their connections, but a client of the same address that reads its responses does not', async () => {
    const { gateway, id, textNo } = await start()
    const request = rawRequest('GET', `/demo/texts/${textNo}`, { 'Httpkom-Connection': id })
    const reader = await openRaw(gateway.url)
    closing.push(async () => void reader.socket.destroy())
    await pipeline(gateway, CONNECTIONS, request, 690)
    reader.socket.write(request.repeat(50))
    await expect.poll(() => reader.text.match(/HTTP\/1\.1 200/g)?.length, { timeout: 10_000 }).toBe(50)
    await expect.poll(() => hits(gateway, 'unread-bytes-per-address'), { timeout: 10_000 }).toBeGreaterThan(0)
    expect(reader.socket.closed).toBe(false)
  })

  it('use no more memory than the limit of their address if they open WebSockets', async () => {
    const { gateway, textNo } = await start({ maxUnreadBytesPerConnection: 200_000 })
    const message = (ref_no: number) => JSON.stringify({ protocol: 'a', ref_no, request: `25 ${textNo} 0 200000` })
    for (let session = 0; session < 4; session++) {
      const id = await gateway.open()
      await gateway.send('POST', '/demo/sessions/current/login', {
        id,
        json: { pers_name: 'demo reader', passwd: 'demo' },
      })
      for (let i = 0; i < 8; i++) {
        const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/websocket?Httpkom-Connection=${id}`)
        closing.push(async () => socket.terminate())
        socket.on('error', () => undefined)
        await once(socket, 'open')
        socket.pause()
        for (let ref = 0; ref < 200; ref++) socket.send(message(ref))
      }
    }
    await expect.poll(() => hits(gateway, 'unread-bytes-per-address'), { timeout: 10_000 }).toBeGreaterThan(0)
    expect(await unreadBytes(gateway)).toBeLessThanOrEqual(LIMITS.maxUnreadBytesPerAddress)
  })
})

describe('clients that do not finish requests', () => {
  const UPLOAD_BYTES = 2 * MEGABYTE

  /** Opens WebSockets that send an unfinished message. */
  async function openUnfinishedMessages(gateway: TestGateway, count: number): Promise<void> {
    const head = Buffer.from([0x01, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    head.writeBigUInt64BE(BigInt(UPLOAD_BYTES), 2)
    for (let i = 0; i < count; i++) {
      const id = await gateway.open()
      const { socket } = await openRaw(gateway.url)
      closing.push(async () => void socket.destroy())
      socket.write(rawRequest('GET', `/websocket?Httpkom-Connection=${id}`, WEBSOCKET_FIELDS))
      await once(socket, 'data')
      socket.write(Buffer.concat([head, Buffer.alloc(UPLOAD_BYTES - 1)]))
    }
  }

  async function openUnfinishedBodies(gateway: TestGateway, count: number, path: string, chunked = false) {
    const fields = chunked ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': String(UPLOAD_BYTES) }
    const head = rawRequest('POST', path, { 'Content-Type': 'application/json', ...fields })
    const start = chunked ? `${UPLOAD_BYTES.toString(16)}\r\n` : ''
    for (let i = 0; i < count; i++) {
      const { socket } = await openRaw(gateway.url)
      closing.push(async () => void socket.destroy())
      socket.write(Buffer.concat([Buffer.from(head + start), Buffer.alloc(UPLOAD_BYTES - 1, ' ')]))
    }
  }

  it.each([
    ['bodies', (gateway: TestGateway) => openUnfinishedBodies(gateway, 8, '/demo/sessions/')],
    ['chunked bodies', (gateway: TestGateway) => openUnfinishedBodies(gateway, 8, '/demo/sessions/', true)],
    ['WebSocket messages', (gateway: TestGateway) => openUnfinishedMessages(gateway, 8)],
  ])('hold no more memory than their address may (%s)', async (_, attack) => {
    const target = await start()
    await attack(target.gateway)
    await expect.poll(() => hits(target.gateway, 'unread-bytes-per-address'), { timeout: 10_000 }).toBeGreaterThan(0)
    expect(await unreadBytes(target.gateway)).toBeLessThanOrEqual(LIMITS.maxUnreadBytesPerAddress)
    expect(await unreadBytes(target.gateway)).toBeGreaterThan(0)
    await expectServed(target)
  })

  it('hold no more memory than all clients together may, also behind a trusted proxy', async () => {
    const target = await start({ trustedProxies: ['127.0.0.1'], maxUnreadBytes: 4 * MEGABYTE })
    await openUnfinishedBodies(target.gateway, 8, '/demo/sessions/')
    await expect.poll(() => hits(target.gateway, 'unread-bytes'), { timeout: 10_000 }).toBeGreaterThan(0)
    expect(await unreadBytes(target.gateway)).toBeLessThanOrEqual(4 * MEGABYTE)
    await expectServed(target)
  })

  it('lose their connections before a client that goes on sending', async () => {
    const dropped: string[] = []
    const budget = new UnreadBudget({
      maxUnreadBytesPerConnection: 10,
      maxUnreadBytesPerAddress: 11,
      maxUnreadBytes: 100,
    })
    const source = (name: string) => ({
      bytes: 0,
      network: 'one network',
      unreadBytes() {
        return this.bytes
      },
      drop: () => dropped.push(name),
    })
    const sources = { a: source('a'), b: source('b'), c: source('c') }
    for (const name of ['a', 'b', 'a', 'c'] as const) {
      sources[name].bytes += 3
      budget.progress(sources[name])
      // The budget compares times.
      await sleep(2)
    }
    expect(dropped).toEqual(['b'])
  })

  it('are no longer counted after their response', async () => {
    const { gateway, id } = await start()
    const text = { subject: 's', body: 'x'.repeat(UPLOAD_BYTES), content_type: 'text/plain', recipient_list: [] }
    for (let i = 0; i < 8; i++) {
      expect((await gateway.send('POST', '/demo/texts/', { id, json: text })).status).toBe(400)
    }
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/websocket?Httpkom-Connection=${id}`)
    closing.push(async () => socket.terminate())
    await once(socket, 'open')
    for (let i = 0; i < 8; i++) {
      socket.send(
        JSON.stringify({ protocol: 'a', ref_no: i, request: `4 ${UPLOAD_BYTES}H${'x'.repeat(UPLOAD_BYTES)}` }),
      )
      const [reply] = await once(socket, 'message')
      expect(JSON.parse(String(reply))).toMatchObject({ ref_no: i, error_type: 'protocol-a' })
    }
    await expect.poll(() => unreadBytes(gateway)).toBe(0)
    expect(await hits(gateway, 'unread-bytes-per-address')).toBe(0)
  })
})

describe('a WebSocket client that reads slowly', () => {
  it('receives every reply, and the gateway pauses reading from it', async () => {
    const { gateway, id, textNo } = await start({ maxUnreadBytesPerConnection: 200_000 })
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/websocket?Httpkom-Connection=${id}`)
    closing.push(async () => socket.terminate())
    await once(socket, 'open')
    const received: number[] = []
    socket.on('message', (data) => received.push(JSON.parse(String(data)).ref_no))
    socket.pause()
    const refs = Array.from({ length: 150 }, (_, i) => i)
    for (const ref_no of refs) socket.send(JSON.stringify({ protocol: 'a', ref_no, request: `25 ${textNo} 0 200000` }))
    await expect.poll(() => hits(gateway, 'unread-bytes-per-connection'), { timeout: 10_000 }).toBeGreaterThan(0)
    socket.resume()
    await expect.poll(() => received.length, { timeout: 10_000 }).toBe(refs.length)
    expect(received.toSorted((a, b) => a - b)).toEqual(refs)
    socket.send(JSON.stringify({ protocol: 'echo', ref_no: 'after', request: 1 }))
    await expect.poll(() => received.length).toBe(refs.length + 1)
    await expect.poll(() => unreadBytes(gateway)).toBe(0)
  })
})
