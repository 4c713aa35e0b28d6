import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { resetSocket } from '../../src/http/node/reset-socket.ts'

/** A TCP proxy that cuts its connections. */
export interface CuttingProxy {
  url: string
  /** connections so far */
  readonly connections: number
  close(): Promise<void>
}

/**
 * Starts a proxy on loopback.
 *
 * @param port the port of the server
 * @param nextCut returns the number of bytes to the client after which the next connection is reset
 */
export async function startCuttingProxy(port: number, nextCut: () => number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer((client) => {
    connections++
    const far = connect(port, '127.0.0.1')
    let left = nextCut()
    far.on('data', (chunk) => {
      client.write(chunk.subarray(0, left))
      left -= chunk.length
      if (left > 0) return
      far.destroy()
      // The bytes before the cut arrive first.
      client.write('', () => resetSocket(client))
    })
    client.on('data', (chunk) => far.write(chunk))
    for (const [socket, other] of [
      [client, far],
      [far, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('end', () => other.end())
      socket.on('close', () => {
        sockets.delete(socket)
        if (left > 0) other.destroy()
      })
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
