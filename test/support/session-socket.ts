import { type RawData, WebSocket } from 'ws'
import type { ReceivedEvent } from './event-client.ts'

// biome-ignore lint/suspicious/noExplicitAny: the callers know the replies
type Reply = any

/** A WebSocket of a session, with its events. */
export class SessionSocket {
  /** the events received so far */
  readonly events: ReceivedEvent[] = []
  /** resolves when the WebSocket is closed */
  readonly closed: Promise<void>
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, { resolve: (reply: Reply) => void; reject: (error: Error) => void }>()
  #lastRef = 0
  #onEvent: () => void = () => undefined

  /** @param url of the gateway @param id of the session */
  constructor(url: string, id: string) {
    this.#socket = new WebSocket(`${url.replace('http', 'ws')}/websocket?Httpkom-Connection=${id}`)
    // `close` follows.
    this.#socket.on('error', () => undefined)
    this.#socket.on('message', (data) => this.#receive(data))
    this.closed = new Promise<void>((resolve) => {
      // `once` of node:events would reject at `error`.
      this.#socket.once('close', () => resolve())
    }).then(() => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the WebSocket has been closed'))
      this.#onEvent()
    })
  }

  /** Calls a function after each event and after the end. */
  onEvent(listener: () => void): void {
    this.#onEvent = listener
  }

  /** Sends a request. Resolves with the reply or the error. Rejects if the WebSocket closes before. */
  async ask(protocol: string, request: unknown): Promise<Reply> {
    if (this.#socket.readyState === WebSocket.CONNECTING) {
      await new Promise((resolve) => this.#socket.once('open', resolve).once('close', resolve))
    }
    if (this.#socket.readyState !== WebSocket.OPEN) throw new Error('the WebSocket is closed')
    const ref_no = ++this.#lastRef
    const reply = new Promise<Reply>((resolve, reject) => this.#waiting.set(ref_no, { resolve, reject }))
    this.#socket.send(JSON.stringify({ protocol, ref_no, request }))
    return await reply
  }

  /** Disconnects. */
  async close(): Promise<void> {
    this.#socket.terminate()
    await this.closed
  }

  #receive(data: RawData): void {
    const message = JSON.parse(String(data))
    if (message.ref_no === undefined) {
      this.events.push({ id: message.id, type: message.event, data: message.data })
      this.#onEvent()
    } else {
      this.#waiting.get(message.ref_no)?.resolve(message)
      this.#waiting.delete(message.ref_no)
    }
  }
}
