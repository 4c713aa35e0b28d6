import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Framer } from '../src/protocol/framer.ts'

const MAX_MESSAGE_BYTES = 2 ** 25
const HEADERS = { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-store' }
const COMMENT = ':\n\n'

/**
 * A minimal gateway: each request opens a connection to the LysKOM server, and its response streams the asynchronous
 * messages as server-sent events. It splits the bytes into messages, splits these at spaces, and formats the parts as
 * JSON. It knows neither their types nor names, and keeps nothing. Returns its port.
 */
export async function listenRelay(lyskomPort: number): Promise<number> {
  return await listen((_request, response) => {
    const socket = connect({ port: lyskomPort, host: '127.0.0.1', noDelay: true })
    let events = 0
    const framer = new Framer((message) => {
      const [mark, , textNo, ...textStat] = message.toString('latin1').trimEnd().split(' ')
      if (mark === 'LysKOM') response.write(COMMENT)
      if (mark?.[0] !== ':') return
      events++
      const data = JSON.stringify({ type: 'new-text', text_no: Number(textNo), text_stat: textStat })
      response.write(`id: bare-${events}\nevent: new-text\ndata: ${data}\n\n`)
    }, MAX_MESSAGE_BYTES)
    socket.write('A5Hbench\n')
    socket.on('data', (chunk: Buffer) => framer.push(chunk))
    socket.on('error', () => response.destroy())
    response.on('close', () => socket.destroy())
    response.writeHead(200, HEADERS)
  })
}

/** A server whose responses are streams that stay open without events. Returns its port. */
export async function listenIdle(): Promise<number> {
  return await listen((_request, response) => {
    response.writeHead(200, HEADERS).write(COMMENT)
  })
}

async function listen(handle: RequestListener): Promise<number> {
  const server = createServer(handle)
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
