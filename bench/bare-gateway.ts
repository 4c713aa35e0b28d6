import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import type { CallName } from '../src/protocol/calls/index.ts'
import { writeRequest } from '../src/protocol/envelope.ts'
import { Framer } from '../src/protocol/framer.ts'
import type { Login } from './http-load.ts'

/** A call in JSON form, since it is sent to another process. */
export interface BareCall {
  name: CallName
  params: object
}

/** Groups of calls. The calls of a group are sent together, the next group after all replies. */
export type BareRoute = readonly (readonly BareCall[])[]

const MAX_MESSAGE_BYTES = 1024 * 1024
/** Acknowledges a reply that lyskomd sent in parts: docs/lyskomd.md, delayed acknowledgements. */
const NUDGE = ' '

/**
 * A minimal gateway with Hono: each route writes its calls to a raw socket, waits for the replies and responds with a
 * few bytes of JSON. It does not decode, validate or log anything.
 *
 * The header `Httpkom-Connection` selects the socket, a number from 0 to `count - 1`.
 * @returns the port
 */
export async function listen(
  lyskomPort: number,
  login: Login,
  count: number,
  routes: Readonly<Record<string, BareRoute>>,
): Promise<number> {
  const lines = await Promise.all(Array.from({ length: count }, () => BareLine.open(lyskomPort, login)))
  const app = new Hono()
  for (const [path, levels] of Object.entries(routes)) {
    const requests = levels.map((calls) => calls.map(requestText))
    app.get(path, async (c) => {
      const line = lines[Number(c.req.header('Httpkom-Connection'))]
      if (line === undefined) return c.json({ error: 'no such line' }, 403)
      for (const level of requests) await line.exchange(level)
      return c.json({ levels: requests.length })
    })
  }
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** A request without its reference number. */
function requestText({ name, params }: BareCall): string {
  return writeRequest(0, name, params as never)
    .toString('latin1')
    .replace(/^0 /, '')
}

class BareLine {
  readonly #socket: Socket
  #refNo = 0
  #waiting = 0
  #done: () => void = () => undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    const framer = new Framer(() => {
      if (--this.#waiting === 0) this.#done()
    }, MAX_MESSAGE_BYTES)
    socket.on('data', (chunk: Buffer) => {
      framer.push(chunk)
      if (this.#waiting > 0) socket.write(NUDGE)
    })
  }

  static async open(port: number, { pers_no, passwd }: Login): Promise<BareLine> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    socket.write('A5Hbench\n')
    await once(socket, 'data')
    const line = new BareLine(socket)
    await line.exchange(
      [
        { name: 'accept-async', params: { requestList: [] } },
        { name: 'login', params: { person: pers_no, passwd, invisible: true } },
      ].map((call) => requestText(call as BareCall)),
    )
    return line
  }

  exchange(requests: readonly string[]): Promise<void> {
    this.#waiting = requests.length
    this.#socket.write(requests.map((request) => `${++this.#refNo} ${request}`).join(''), 'latin1')
    return new Promise((resolve) => {
      this.#done = resolve
    })
  }
}
