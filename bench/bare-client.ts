import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { CallName } from '../src/protocol/calls/index.ts'
import { writeRequest } from '../src/protocol/envelope.ts'
import { Framer } from '../src/protocol/framer.ts'

/** A call as JSON, since it may be sent to another process. */
export interface BareRequest {
  name: CallName
  params: object
}

const MAX_MESSAGE_BYTES = 2 ** 25
const REPLY = 0x3d
/** Acknowledges a reply that lyskomd sent in parts: docs/lyskomd.md, delayed acknowledgements. */
const ACK = ' '

/** A LysKOM client that writes requests and waits for as many replies, without decoding them. */
export class BareClient {
  readonly #socket: Socket
  #refNo = 0
  #missing = 0
  #done: () => void = () => undefined

  private constructor(socket: Socket, acknowledges: boolean) {
    this.#socket = socket
    const framer = new Framer((line) => {
      if (line[0] === REPLY && --this.#missing === 0) this.#done()
    }, MAX_MESSAGE_BYTES)
    socket.on('data', (chunk: Buffer) => {
      framer.push(chunk)
      if (acknowledges && this.#missing > 0) socket.write(ACK)
    })
  }

  /** @param acknowledges whether to avoid lyskomd's delays, as komgate does */
  static async connect(port: number, acknowledges: boolean): Promise<BareClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    socket.write('A5Hbench\n')
    await once(socket, 'data')
    return new BareClient(socket, acknowledges)
  }

  /** Formats a request without its reference number. */
  static format({ name, params }: BareRequest): string {
    return writeRequest(0, name, params as never)
      .toString('latin1')
      .slice(2)
  }

  /** Sends formatted requests together and waits for all replies. */
  exchange(requests: readonly string[]): Promise<void> {
    this.#missing = requests.length
    this.#socket.write(requests.map((request) => `${++this.#refNo} ${request}`).join(''), 'latin1')
    return new Promise((resolve) => {
      this.#done = resolve
    })
  }

  close(): void {
    this.#socket.destroy()
  }
}

const idle: Socket[] = []

/** Opens `count` more sockets that do nothing. */
export async function connectSockets(port: number, count: number): Promise<void> {
  const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1'))
  idle.push(...sockets)
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
}

export async function closeSockets(): Promise<void> {
  await Promise.all(idle.splice(0).map((socket) => once(socket.destroy(), 'close')))
}
