import { afterEach, expect, it } from 'vitest'
import { show } from '../support/bound.ts'
import { type FakeConnection, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway } from '../support/gateway.ts'

const ACTIVE = 82
const MB = 1_000_000
const REPLY_BYTES = 100 * MB
const MAX_MESSAGE_BYTES = 8 * MB
/** Maximum memory: a full buffer, the new buffer of twice its size, and old buffers before their garbage collection. */
const MAX_BUFFERED_BYTES = 5 * MAX_MESSAGE_BYTES
const WHO_AM_I = '/kom/sessions/current/who-am-i'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

it.each([
  ['with an announced length', ` ${REPLY_BYTES}H`],
  ['without end', ' '],
  // Each string is below the bound, the message is above it.
  ['of many short strings', ' 1000000 { '],
])(
  'a reply of 100 MB %s yields 403 and uses less memory than five messages of maximum size',
  async (how, beginning) => {
    const server = await startFakeServer(({ call }) => call === ACTIVE)
    const gateway = await startTestGateway([{ id: 'kom', port: server.port }], { maxMessageBytes: MAX_MESSAGE_BYTES })
    closing.push(server.close, gateway.close)
    const id = await gateway.open()
    const other = await gateway.open()
    const waiting = gateway.send('POST', '/kom/sessions/current/active', { id })
    const [fake] = server.connections as [FakeConnection]
    const call = () => fake.received.find((request) => request.call === ACTIVE)
    await expect.poll(call).toBeDefined()

    const { sent, peak } = await sendReply(
      fake,
      `=${call()?.ref}${beginning}`,
      Buffer.from('9Hand so on '.repeat(5000)),
    )
    expect((await waiting).status).toBe(403)
    expect((await gateway.send('GET', WHO_AM_I, { id })).status).toBe(403)
    expect((await gateway.send('GET', WHO_AM_I, { id: other })).status).toBe(200)
    const mb = (bytes: number) => `${(bytes / MB).toFixed(1)} MB`
    show(`a reply of 100 MB ${how}: memory`, mb(MAX_BUFFERED_BYTES), `${mb(peak)}, after ${mb(sent)} had been sent`)
    expect(peak).toBeLessThan(MAX_BUFFERED_BYTES)
  },
)

/**
 * Sends the reply until the gateway closes the connection.
 * @returns the number of sent bytes and the peak growth of the memory for array buffers, bytes
 */
async function sendReply(
  fake: FakeConnection,
  beginning: string,
  piece: Buffer,
): Promise<{ sent: number; peak: number }> {
  const { socket } = fake
  const { arrayBuffers: before } = process.memoryUsage()
  let peak = 0
  fake.send(beginning)
  while (socket.bytesWritten < REPLY_BYTES && !socket.closed) {
    const canContinue = socket.write(piece)
    peak = Math.max(peak, process.memoryUsage().arrayBuffers - before)
    if (!canContinue) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), fake.closed])
  }
  return { sent: socket.bytesWritten, peak }
}
