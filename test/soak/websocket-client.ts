import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { Client } from './client.ts'
import { Interrupted } from './http-client.ts'
import { RESPONSE_MS } from './settings.ts'
import { withDeadline } from './with-deadline.ts'

/** The reply to a message; undefined for an error of the LysKOM server. */
interface Reply {
  reply?: unknown
}

/** The WebSocket of a client. */
export class WebSocketClient {
  readonly #socket: WebSocket
  readonly #client: Client
  readonly #pending = new Map<number, (result: Reply | 'closed') => void>()
  #lastRef = 0
  #hasLeft = false

  private constructor(socket: WebSocket, client: Client) {
    this.#socket = socket
    this.#client = client
    client.closeAtEnd(this)
    socket.on('message', (data) => this.#receive(String(data)))
    socket.on('error', () => undefined)
    socket.on('close', (code) => {
      const { server, observations } = client.options
      // Without faults, only the client or the end of its session closes the socket.
      if (!this.#hasLeft && this.#pending.size > 0 && !server.isFaulty) {
        const pending = `${this.#pending.size} requests were pending`
        observations.problem('no response', `a WebSocket was closed with ${code} while ${pending}`)
      }
      this.#leave()
    })
  }

  /** Opens a WebSocket for the session of the client, which ends with the client. */
  static async open(client: Client): Promise<WebSocketClient> {
    const { port, address, server, observations } = client.options
    const url = `ws://127.0.0.1:${port}/websocket?Httpkom-Connection=${client.id}`
    const socket = new WebSocket(url, { localAddress: address, handshakeTimeout: RESPONSE_MS })
    const websocket = new WebSocketClient(socket, client)
    try {
      await once(socket, 'open')
    } catch (error) {
      if (!server.isFaulty) observations.problem('no response', `no WebSocket: ${(error as Error).message}`)
      throw new Interrupted('no WebSocket')
    }
    return websocket
  }

  /** Sends a request and waits for its reply, which is undefined for an error. Rejects with `Interrupted` if there is none. */
  async request(protocol: 'a' | 'echo', request: unknown): Promise<unknown> {
    const { observations, server } = this.#client.options
    observations.messages.sent++
    if (this.#socket.readyState !== WebSocket.OPEN) {
      observations.messages.aborted++
      throw new Interrupted('the WebSocket is closed')
    }
    const ref_no = ++this.#lastRef
    const ended = new Promise<Reply | 'closed'>((resolve) => this.#pending.set(ref_no, resolve))
    this.#socket.send(JSON.stringify({ protocol, ref_no, request }))
    const result = await withDeadline(RESPONSE_MS, ended)
    if (result === 'late') observations.problem('no response', `${protocol} ${request} on a WebSocket (${server.id})`)
    if (typeof result === 'string') throw new Interrupted(`the WebSocket: ${result}`)
    return result.reply
  }

  /** Compares the number of the session with that of its client. */
  async whoAmI(): Promise<void> {
    const { identity } = this.#client
    identity.compare('session on a WebSocket', Number(await this.request('a', '56')), identity.sessionNo)
  }

  /** Compares an echo with what was sent. */
  async echo(text: string): Promise<void> {
    this.#client.identity.compare('echo on a WebSocket', await this.request('echo', text), text)
  }

  close(): void {
    this.#leave()
    this.#socket.close()
  }

  /** Stops reading and writing, ping replies included, like a suspended machine. */
  freeze(): void {
    this.#leave()
    this.#socket.pause()
  }

  /** Disconnects without a close frame. */
  reset(): void {
    this.#leave()
    this.#socket.terminate()
  }

  /** Checks that the end of the session closes the socket with `expected`. */
  async checkClosed(expected: number): Promise<void> {
    this.#hasLeft = true
    if (this.#socket.readyState === WebSocket.CLOSED) return
    const code = await withDeadline(RESPONSE_MS, once(this.#socket, 'close'))
    if (code !== 'late' && code[0] === expected) return
    this.#client.wrong(`close code at the end of the session: ${code}`)
  }

  #receive(text: string): void {
    const { observations } = this.#client.options
    const { ref_no, reply } = JSON.parse(text) as Reply & { ref_no: number }
    const resolve = this.#pending.get(ref_no)
    if (resolve !== undefined) {
      this.#pending.delete(ref_no)
      observations.messages.answered++
      resolve({ reply })
    } else if (!this.#hasLeft) observations.problem('unsolicited', `a response to message ${ref_no} of a WebSocket`)
  }

  #leave(): void {
    this.#hasLeft = true
    this.#client.options.observations.messages.aborted += this.#pending.size
    for (const resolve of this.#pending.values()) resolve('closed')
    this.#pending.clear()
  }
}
