import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

const WHO_AM_I = '56'
const GET_TIME = '35'
const DISCONNECT = '55'
const GET_UCONF_STAT = '78'
const TIME = ' 0 0 12 1 0 126 4 0 0'
const UCONF_STAT = ' 21HSomebody in a LysKOM. 00001000 1 77'

/** The connections of a server, and the calls that they have made. */
export interface Connected {
  /** in the order of their session numbers */
  readonly sockets: Socket[]
  calls: number
}

const servers = new Map<number, Connected>()

/**
 * Starts a minimal LysKOM server and returns its port. It supports the handshake, who-am-i, get-time, get-uconf-stat and
 * disconnect, and gives an empty reply to other calls. Packets must contain whole requests, as those of the gateway do
 * here.
 */
export async function listen(): Promise<number> {
  const connected: Connected = { sockets: [], calls: 0 }
  const server = createServer({ noDelay: true }, (socket) => accept(socket, connected))
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  servers.set(port, connected)
  return port
}

/** Returns the connections of the server on a port. */
export function connectedTo(port: number): Connected {
  return servers.get(port) ?? { sockets: [], calls: 0 }
}

/** Returns the number of calls that the server on a port has received. */
export function callsTo(port: number): number {
  return connectedTo(port).calls
}

function accept(socket: Socket, connected: Connected): void {
  const sessionNo = connected.sockets.push(socket)
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
      const [refNo, call = ''] = request.trimStart().split(' ', 2)
      if (call === '') continue
      connected.calls++
      replies += `=${refNo}${dataOf(call, sessionNo)}\n`
      ends ||= call === DISCONNECT
    }
    if (ends) socket.end(replies, 'latin1')
    else if (replies !== '') socket.write(replies, 'latin1')
  }
}

function dataOf(call: string, sessionNo: number): string {
  if (call === WHO_AM_I) return ` ${sessionNo}`
  if (call === GET_TIME) return TIME
  return call === GET_UCONF_STAT ? UCONF_STAT : ''
}
