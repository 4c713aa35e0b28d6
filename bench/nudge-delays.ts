import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Connection } from '../src/connection/connection.ts'
import type { CallName, Params } from '../src/protocol/calls/index.ts'
import { writeHello, writeRequest } from '../src/protocol/envelope.ts'
import { Framer } from '../src/protocol/framer.ts'
import { MESSAGES } from '../src/protocol/messages.ts'
import { connectTo } from '../test/support/connection.ts'
import { alternate, median } from './rounds.ts'

const ADMINISTRATOR = { person: 5, passwd: 'gazonk', invisible: false }
const LONG_TEXT_BYTES = 50_000
const PIPELINED = 20
const WARM_UP = 3
const CALLS = 9
const ROUNDS = 5
const MAX_MESSAGE_BYTES = 2 ** 25

/** Medians of single rounds, in milliseconds. */
export interface Delays {
  komgate: number[]
  /** a client that sends nothing while it waits */
  bare: number[]
}

interface Client {
  call<N extends CallName>(name: N, params: Params<N>): Promise<unknown>
}

/**
 * Measures the delays caused by lyskomd and the kernel together, through the gateway's connection and without its
 * workaround.
 */
export async function measureDelays(port: number): Promise<Record<'post' | 'fetch' | 'pipelined', Delays>> {
  const connection = await connectTo(port, {}, ['async-new-text'])
  const bare = await BareClient.connect(port)
  try {
    await connection.call('login', ADMINISTRATOR)
    await bare.call('login', ADMINISTRATOR)
    const text = await postText(connection, Buffer.alloc(LONG_TEXT_BYTES, 'text '))
    return {
      post: await compare(connection, bare, (client) => postText(client, Buffer.from('a subject\na body'))),
      fetch: await compare(connection, bare, (client) =>
        client.call('get-text', { text, startChar: 0, endChar: 2 ** 31 - 1 }),
      ),
      pipelined: await compare(connection, bare, (client) =>
        Promise.all(Array.from({ length: PIPELINED }, (_, i) => client.call('get-conf-stat', { confNo: 1 + (i % 5) }))),
      ),
    }
  } finally {
    await connection.close()
    bare.close()
  }
}

async function compare(
  connection: Connection,
  bare: BareClient,
  work: (client: Client) => Promise<unknown>,
): Promise<Delays> {
  return await alternate(ROUNDS, {
    komgate: () => p50(() => work(connection as Client)),
    bare: () => p50(() => work(bare)),
  })
}

async function p50(work: () => Promise<unknown>): Promise<number> {
  for (let i = 0; i < WARM_UP; i++) await work()
  const times: number[] = []
  for (let i = 0; i < CALLS; i++) {
    const start = performance.now()
    await work()
    times.push(performance.now() - start)
  }
  return median(times)
}

/** Posts to the administrator's letterbox. Resolves with the text number. */
async function postText(client: Client, text: Buffer): Promise<number> {
  const miscInfo: Params<'create-text'>['miscInfo'] = [{ kind: 'recpt', value: ADMINISTRATOR.person }]
  return (await client.call('create-text', { text, miscInfo, auxItems: [] })) as number
}

/** A plain client: it writes requests and waits for as many replies, in order. */
class BareClient implements Client {
  readonly #socket: Socket
  readonly #waiting: (() => void)[] = []
  #refNo = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    const framer = new Framer((line) => {
      if (String.fromCharCode(line[0] as number) === '=') this.#waiting.shift()?.()
    }, MAX_MESSAGE_BYTES)
    socket.on('data', (chunk: Buffer) => framer.push(chunk))
  }

  static async connect(port: number): Promise<BareClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    socket.write(writeHello('bench', 'bare'))
    await once(socket, 'data')
    const client = new BareClient(socket)
    await client.call('accept-async', { requestList: [MESSAGES['async-new-text'].number] })
    return client
  }

  call<N extends CallName>(name: N, params: Params<N>): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      if (this.#waiting.length === 1) {
        this.#socket.cork()
        process.nextTick(() => this.#socket.uncork())
      }
      this.#socket.write(writeRequest(++this.#refNo, name, params))
    })
  }

  close(): void {
    this.#socket.destroy()
  }
}
