import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

const WHO_AM_I = '56'
const GET_TIME = '35'
const DISCONNECT = '55'
const TIME = ' 0 0 12 1 0 126 4 0 0'

/**
 * Starts a minimal LysKOM server and returns its port. It supports the handshake, who-am-i, get-time and disconnect, and
 * gives an empty reply to other calls. Packets must contain whole requests, as those of the gateway do here.
 */
export async function listen(): Promise<number> {
  let sessions = 0
  const server = createServer({ noDelay: true }, (socket) => accept(socket, ++sessions))
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function accept(socket: Socket, sessionNo: number): void {
  // A broken connection must not stop the measurement.
  socket.on('error', () => undefined)
  socket.once('data', (greeting: Buffer) => {
    socket.write('LysKOM\n')
    answer(greeting.subarray(greeting.indexOf('\n') + 1))
    socket.on('data', answer)
  })
  const answer = (chunk: Buffer): void => {
    let replies = ''
    let ends = false
    for (const request of chunk.toString('latin1').split('\n')) {
      const [refNo, call] = request.trimStart().split(' ', 2)
      if (call === undefined) continue
      const data = call === WHO_AM_I ? ` ${sessionNo}` : call === GET_TIME ? TIME : ''
      replies += `=${refNo}${data}\n`
      ends ||= call === DISCONNECT
    }
    if (ends) socket.end(replies, 'latin1')
    else if (replies !== '') socket.write(replies, 'latin1')
  }
}
