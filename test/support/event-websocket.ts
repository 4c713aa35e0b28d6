import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { ReceivedEvent } from './event-client.ts'

/** Receives the events of a session on a WebSocket. */
export class EventWebSocket {
  readonly socket: WebSocket
  /** the events received so far */
  readonly events: ReceivedEvent[] = []
  /** resolves with the close code when the WebSocket is closed */
  readonly ended: Promise<number>
  // biome-ignore lint/suspicious/noExplicitAny: the expectations of a test check the type
  readonly #replies: any[] = []
  #notify: () => void = () => undefined
  #hasEnded = false

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data) => {
      const received = JSON.parse(String(data))
      if (received.event === undefined) this.#replies.push(received)
      else this.events.push({ id: received.id, type: received.event, data: received.data })
      this.#notify()
    })
    this.ended = once(socket, 'close').then(([code]) => {
      this.#hasEnded = true
      this.#notify()
      return code
    })
  }

  /** Opens a WebSocket. @param url base URL of the gateway */
  static async open(url: string, id: string): Promise<EventWebSocket> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/websocket?Httpkom-Connection=${id}`)
    await once(socket, 'open')
    return new EventWebSocket(socket)
  }

  /** Requests events, and resolves with the reply. */
  async request(request: object = {}): Promise<{ reply?: { position: string }; error?: string }> {
    this.socket.send(JSON.stringify({ protocol: 'events', ref_no: 1, request }))
    await this.#until(() => this.#replies.length > 0)
    return this.#replies.shift()
  }

  /** Resolves with the first `count` events when they have arrived. Rejects if the WebSocket is closed before. */
  async first(count: number): Promise<ReceivedEvent[]> {
    await this.#until(() => this.events.length >= count)
    return this.events.slice(0, count)
  }

  /** Disconnects, and resolves when the WebSocket is closed. */
  async close(): Promise<void> {
    this.socket.terminate()
    await this.ended
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#hasEnded) throw new Error(`the WebSocket was closed after ${JSON.stringify(this.events)}`)
      await new Promise<void>((resolve) => {
        this.#notify = resolve
      })
    }
  }
}
