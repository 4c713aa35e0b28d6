import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { listen } from '../../src/http/node/listener.ts'
import { UnreadBudget } from '../../src/http/node/unread-budget.ts'
import { DEFAULTS } from '../support/config.ts'

const unreadBudget = new UnreadBudget(DEFAULTS)

it('the listener drops a client that reads no responses, and close does not wait for such clients', async () => {
  const answer = () => Promise.resolve(new Response('x'.repeat(2 ** 20)))
  const listener = await listen(answer, { http: { ...DEFAULTS, port: 0, httpStallMs: 200 }, unreadBudget })
  const socket = connect(Number(new URL(listener.url).port), '127.0.0.1')
  await once(socket, 'connect')
  socket.pause()
  socket.on('error', () => undefined)
  // More than the kernel buffers for a slow reader.
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(100))
  await sleep(1000)
  let read = 0
  socket.on('data', (chunk: Buffer) => {
    read += chunk.length
  })
  socket.resume()
  await once(socket, 'close')
  expect(read).toBeLessThan(50 * 2 ** 20)
  const start = performance.now()
  await listener.close()
  expect(performance.now() - start).toBeLessThan(1000)
})

it('the listener finishes a request in flight when it closes', async () => {
  let finish = (_: Response): void => undefined
  const answer = () =>
    new Promise<Response>((resolve) => {
      finish = resolve
    })
  const listener = await listen(answer, { http: { ...DEFAULTS, port: 0 }, unreadBudget })
  const asking = fetch(listener.url)
  await sleep(100)
  const closing = listener.close()
  await sleep(100)
  finish(new Response('done'))
  expect(await (await asking).text()).toBe('done')
  await closing
})
