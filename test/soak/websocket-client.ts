import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { Client } from './client.ts'
import { Interrupted } from './http-client.ts'
import { RESPONSE_MS } from './settings.ts'
import { withDeadline } from './with-deadline.ts'

/** The WebSocket of a client. */
export class WebSocketClient {
  readonly #socket: WebSocket
  readonly #client: Client
  readonly #pending = new Map<number, () => void>()
  readonly #closed: Promise<'closed'>
  #lastRef = 0
  #hasLeft = false

  private constructor(socket: WebSocket, client: Client) {
    this.#socket = socket
    this.#client = client
    socket.on('message', (data) => this.#receive(String(data)))
    socket.on('error', () => undefined)
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve('closed')))
    socket.on('close', (code) => {
      // Without faults, only the client or the end of its session closes the socket.
      if (!this.#hasLeft && this.#pending.size > 0 && !client.server.isFaulty) {
        const pending = `${this.#pending.size} requests were pending`
        client.observations.problem('no response', `a WebSocket was closed with ${code} while ${pending}`)
      }
      this.#leave()
    })
  }

  /** Opens a WebSocket for the session of the client. */
  static async open(client: Client): Promise<WebSocketClient> {
    const url = `ws://127.0.0.1:${client.port}/websocket?Httpkom-Connection=${client.id}`
    const socket = new WebSocket(url, { localAddress: client.address, handshakeTimeout: RESPONSE_MS })
    const websocket = new WebSocketClient(socket, client)
    try {
      await once(socket, 'open')
    } catch (error) {
      const { message } = error as Error
      if (!client.server.isFaulty) client.observations.problem('no response', `no WebSocket: ${message}`)
      throw new Interrupted('no WebSocket')
    }
    return websocket
  }

  /** Sends a request and waits for its response. Rejects with `Interrupted` if there is none. */
  async request(protocol: 'a' | 'echo', request: unknown): Promise<void> {
    const { observations, server } = this.#client
    observations.messages.sent++
    if (this.#socket.readyState !== WebSocket.OPEN) {
      observations.messages.aborted++
      throw new Interrupted('the WebSocket is closed')
    }
    const ref_no = ++this.#lastRef
    const answered = new Promise<'answered'>((resolve) => this.#pending.set(ref_no, () => resolve('answered')))
    this.#socket.send(JSON.stringify({ protocol, ref_no, request }))
    const result = await withDeadline(RESPONSE_MS, Promise.race([answered, this.#closed]))
    if (result === 'late') observations.problem('no response', `${protocol} ${request} on a WebSocket (${server.id})`)
    if (result !== 'answered') throw new Interrupted(`the WebSocket: ${result}`)
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
  terminate(): void {
    this.#leave()
    this.#socket.terminate()
  }

  /** Checks that the end of the session closes the socket with `expected`. */
  async checkClosed(expected: number): Promise<void> {
    this.#hasLeft = true
    if (this.#socket.readyState === WebSocket.CLOSED) return
    const code = await withDeadline(
      RESPONSE_MS,
      once(this.#socket, 'close').then(([closeCode]) => closeCode as number),
    )
    if (code === expected) return
    this.#client.observations.problem('wrong content', `close code at the end of the session: ${code}`)
    this.#socket.terminate()
  }

  #receive(text: string): void {
    const { observations } = this.#client
    const { ref_no } = JSON.parse(text) as { ref_no: number }
    const answered = this.#pending.get(ref_no)
    if (answered !== undefined) {
      this.#pending.delete(ref_no)
      observations.messages.answered++
      answered()
    } else if (!this.#hasLeft) observations.problem('unsolicited', `a response to message ${ref_no} of a WebSocket`)
  }

  #leave(): void {
    this.#hasLeft = true
    this.#client.observations.messages.aborted += this.#pending.size
    this.#pending.clear()
  }
}
