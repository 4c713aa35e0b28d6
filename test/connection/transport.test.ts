import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { connectTcp } from '../../src/connection/transport.ts'

const BYTES = 2_000_000
const MAX_BYTES_PER_TICK = 131_072

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

it('reads 128 kB of a connection at most in one event-loop tick', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  closing.push(() => server.close())
  await once(server, 'listening')
  const perTick: number[] = []
  let received = 0
  let isSameTick = false
  let onClosed = (): void => undefined
  const closed = new Promise<void>((resolve) => {
    onClosed = resolve
  })
  const onData = ({ length }: Buffer): void => {
    if (!isSameTick) {
      perTick.push(0)
      isSameTick = true
      setImmediate(() => {
        isSameTick = false
      })
    }
    perTick.push((perTick.pop() ?? 0) + length)
    received += length
  }
  const connection = once(server, 'connection') as Promise<[Socket]>
  const { port } = server.address() as AddressInfo
  await connectTcp({ host: '127.0.0.1', port }, { onData, onClosed }, new AbortController().signal)
  const [socket] = await connection
  socket.end(Buffer.alloc(BYTES))
  await closed
  expect(received).toBe(BYTES)
  expect(Math.max(...perTick)).toBeLessThanOrEqual(MAX_BYTES_PER_TICK)
})
