import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { mapConcurrent } from '../src/map-concurrent.ts'

const sockets: Socket[] = []

/** Opens `count` more idle sockets. */
export async function connectSockets(port: number, count: number): Promise<void> {
  await mapConcurrent(new Array(count).fill(port) as number[], async () => {
    const socket = connect(port, '127.0.0.1')
    sockets.push(socket)
    await once(socket, 'connect')
  })
}

export async function closeSockets(): Promise<void> {
  await Promise.all(sockets.splice(0).map((socket) => once(socket.destroy(), 'close')))
}
