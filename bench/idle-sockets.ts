import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export { heldBytes } from './memory-probe.ts'

const AT_ONCE = 32
const sockets: Socket[] = []

/** Opens `count` more idle sockets. */
export async function connectSockets(port: number, count: number): Promise<void> {
  let left = count
  const connectOne = async (): Promise<void> => {
    while (left-- > 0) {
      const socket = connect(port, '127.0.0.1')
      sockets.push(socket)
      await once(socket, 'connect')
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, connectOne))
}

export async function closeSockets(): Promise<void> {
  await Promise.all(sockets.splice(0).map((socket) => once(socket.destroy(), 'close')))
}
