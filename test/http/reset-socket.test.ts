import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, it } from 'vitest'
import { resetSocket } from '../../src/http/node/reset-socket.ts'

it.each([
  ['open', () => undefined],
  ['ended in the same event-loop tick', (socket: Socket) => socket.end()],
])('resetSocket closes a socket that is %s', async (_, prepare) => {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const peer = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  peer.resume()
  peer.on('error', () => undefined)
  const [socket] = (await once(server, 'connection')) as [Socket]
  const errors: Error[] = []
  socket.on('error', (error) => errors.push(error))
  const closed = once(socket, 'close')
  prepare(socket)
  resetSocket(socket)
  await closed
  expect(errors).toEqual([])
  peer.destroy()
  server.close()
})
