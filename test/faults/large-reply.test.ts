import { afterEach, expect, it } from 'vitest'
import { show } from '../support/bound.ts'
import { type FakeConnection, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway } from '../support/gateway.ts'

const ACTIVE = 82
const MB = 1_000_000
const REPLY_BYTES = 100 * MB
const MAX_MESSAGE_BYTES = 8 * MB
/** A growing buffer, its successor of twice the size, and predecessors that are not collected yet. */
const PROMISED_BYTES = 5 * MAX_MESSAGE_BYTES
const WHO_AM_I = '/kom/sessions/current/who-am-i'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

it.each([
  ['with an announced length', ` ${REPLY_BYTES}H`],
  ['without end', ' '],
  // Each string is short, the message is not.
  ['of many short strings', ' 1000000 { '],
])('a reply of 100 MB %s yields 403 and buffers five of the largest messages at most', async (how, beginning) => {
  const server = await startFakeServer(({ call }) => call === ACTIVE)
  const gateway = await startTestGateway([{ id: 'kom', port: server.port }], { maxMessageBytes: MAX_MESSAGE_BYTES })
  closing.push(server.close, gateway.close)
  const id = await gateway.open()
  const other = await gateway.open()
  const waiting = gateway.send('POST', '/kom/sessions/current/active', { id })
  const [fake] = server.connections as [FakeConnection]
  const call = () => fake.received.find((request) => request.call === ACTIVE)
  await expect.poll(call).toBeDefined()

  const { taken, peak } = await pour(fake, `=${call()?.ref}${beginning}`, Buffer.from('9Hand so on '.repeat(5000)))
  expect((await waiting).status).toBe(403)
  expect((await gateway.send('GET', WHO_AM_I, { id })).status).toBe(403)
  expect((await gateway.send('GET', WHO_AM_I, { id: other })).status).toBe(200)
  const mb = (bytes: number) => `${(bytes / MB).toFixed(1)} MB`
  show(`a reply of 100 MB ${how}: memory`, mb(PROMISED_BYTES), `${mb(peak)}, after ${mb(taken)} had been sent`)
  expect(peak).toBeLessThan(PROMISED_BYTES)
})

/** Sends the reply for as long as the gateway reads it, and measures the memory of array buffers. */
async function pour(fake: FakeConnection, beginning: string, piece: Buffer): Promise<{ taken: number; peak: number }> {
  const { socket } = fake
  const { arrayBuffers: before } = process.memoryUsage()
  let peak = 0
  fake.send(beginning)
  while (socket.bytesWritten < REPLY_BYTES && !socket.closed) {
    const isTaken = socket.write(piece)
    peak = Math.max(peak, process.memoryUsage().arrayBuffers - before)
    if (!isTaken) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), fake.closed])
  }
  return { taken: socket.bytesWritten, peak }
}
