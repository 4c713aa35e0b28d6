import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { KeyedMutex } from '../../src/store/keyed-mutex.ts'

/** A proxy of a MongoDB server on 127.0.0.1. */
export interface SerialProxy {
  readonly port: number
  /** Closes all connections and stops listening. */
  close(): Promise<void>
}

/**
 * Starts a proxy that passes on one command at a time, of all connections together. FerretDB reads the document of an
 * update, changes it and writes it back without a lock, so that concurrent updates are lost; MongoDB updates a document
 * atomically.
 * @param target port of the server on 127.0.0.1
 */
export async function startSerialProxy(target: number): Promise<SerialProxy> {
  const mutex = new KeyedMutex()
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (client) => {
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true })
    let onReply: () => void = () => undefined
    const close = () => {
      for (const socket of [client, far]) {
        socket.destroy()
        sockets.delete(socket)
      }
      onReply()
    }
    for (const socket of [client, far]) sockets.add(socket.on('error', close).on('close', close))
    onMessage(far, (reply) => {
      client.write(reply)
      onReply()
    })
    onMessage(client, (command) => {
      void mutex.runExclusive('', async () => {
        if (far.destroyed) return
        const replied = new Promise<void>((resolve) => {
          onReply = resolve
        })
        far.write(command)
        await replied
      })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server.close(), 'close')
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** Calls `listener` with each complete message. A message begins with its length in bytes. */
function onMessage(socket: Socket, listener: (message: Buffer) => void): void {
  let unread = Buffer.alloc(0)
  socket.on('data', (bytes) => {
    unread = Buffer.concat([unread, bytes])
    while (unread.length >= 4 && unread.length >= unread.readInt32LE(0)) {
      const length = unread.readInt32LE(0)
      listener(unread.subarray(0, length))
      unread = unread.subarray(length)
    }
  })
}
