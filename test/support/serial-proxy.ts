import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { KeyedMutex } from '../../src/store/keyed-mutex.ts'

/**
 * Starts a proxy that passes on one command at a time, of all connections together. FerretDB reads the document of an
 * update, changes it and writes it back without a lock, so that concurrent updates are lost; MongoDB updates a document
 * atomically.
 * @param target port of the server on 127.0.0.1
 * @returns the port of the proxy on 127.0.0.1, and a function that closes it and all connections
 */
export async function startSerialProxy(target: number): Promise<{ port: number; close(): Promise<void> }> {
  const mutex = new KeyedMutex()
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (client) => {
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true })
    let onReply: () => void = () => undefined
    const close = () => {
      client.destroy()
      far.destroy()
      onReply()
    }
    for (const socket of [client, far]) sockets.add(socket.on('error', close).on('close', close))
    far.on('data', (reply) => {
      client.write(reply)
      onReply()
    })
    let unread = Buffer.alloc(0)
    client.on('data', (bytes) => {
      unread = Buffer.concat([unread, bytes])
      // A message begins with its length in bytes.
      while (unread.length >= 4 && unread.length >= unread.readInt32LE(0)) {
        const command = unread.subarray(0, unread.readInt32LE(0))
        unread = unread.subarray(command.length)
        void mutex.runExclusive('', async () => {
          if (far.destroyed) return
          far.write(command)
          await new Promise<void>((resolve) => {
            onReply = resolve
          })
        })
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    const closed = once(server.close(), 'close')
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return { port: (server.address() as AddressInfo).port, close }
}
