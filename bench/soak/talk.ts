import { once } from 'node:events'
import { WebSocket } from 'ws'
import { CutShort } from './browser.ts'
import type { Session } from './session.ts'
import { ANSWER_MS } from './times.ts'
import type { Visit } from './visit.ts'
import { within } from './within.ts'

/** A client's WebSocket. */
export class Talk {
  readonly #socket: WebSocket
  readonly #visit: Visit
  readonly #waiting = new Map<number, () => void>()
  readonly #closed: Promise<'closed'>
  #lastRef = 0
  #gone = false

  private constructor(socket: WebSocket, visit: Visit) {
    this.#socket = socket
    this.#visit = visit
    socket.on('message', (data) => this.#take(String(data)))
    socket.on('error', () => undefined)
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve('closed')))
    socket.on('close', (code) => {
      // Without faults, only the client or the end of its session closes the socket.
      if (!this.#gone && this.#waiting.size > 0 && visit.place.weather === 'calm') {
        visit.ledger.problem(
          'unanswered',
          `a WebSocket was closed with ${code} while ${this.#waiting.size} requests waited`,
        )
      }
      this.#leave()
    })
  }

  static async open(visit: Visit, { id }: Session): Promise<Talk> {
    const { port, address, ledger, place } = visit
    const url = `ws://127.0.0.1:${port}/websocket?Httpkom-Connection=${id}`
    const socket = new WebSocket(url, { localAddress: address, handshakeTimeout: ANSWER_MS })
    const talk = new Talk(socket, visit)
    ledger.websockets.opened++
    try {
      await once(socket, 'open')
    } catch (error) {
      if (place.weather === 'calm') ledger.problem('unanswered', `no WebSocket: ${(error as Error).message}`)
      throw new CutShort('no WebSocket')
    }
    return talk
  }

  /** Sends a request and waits for its response. Rejects with `CutShort` if there is none. */
  async ask(protocol: 'a' | 'echo', request: unknown): Promise<void> {
    const { ledger, place } = this.#visit
    ledger.websockets.asked++
    if (this.#socket.readyState !== WebSocket.OPEN) {
      ledger.websockets.left++
      throw new CutShort('the WebSocket is closed')
    }
    const ref_no = ++this.#lastRef
    const answered = new Promise<'answered'>((resolve) => this.#waiting.set(ref_no, () => resolve('answered')))
    this.#socket.send(JSON.stringify({ protocol, ref_no, request }))
    const end = await within(ANSWER_MS, Promise.race([answered, this.#closed]))
    if (end === 'late') ledger.problem('unanswered', `${protocol} ${request} on a WebSocket (${place.id})`)
    if (end !== 'answered') throw new CutShort(`the WebSocket: ${end}`)
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
  vanish(): void {
    this.#leave()
    this.#socket.terminate()
  }

  /** Checks that the end of the session has closed the socket with `code`. */
  async isClosed(code: number): Promise<void> {
    const { ledger } = this.#visit
    this.#gone = true
    if (this.#socket.readyState === WebSocket.CLOSED) return
    const closed = once(this.#socket, 'close').then(([was]) => was as number)
    const was = await within(ANSWER_MS, closed)
    if (was === code) return
    ledger.problem('untrue', `a WebSocket whose session has ended was closed: ${was}`)
    this.#socket.terminate()
  }

  #take(text: string): void {
    const { ref_no } = JSON.parse(text) as { ref_no: number }
    const answered = this.#waiting.get(ref_no)
    if (answered === undefined) {
      if (!this.#gone) this.#visit.ledger.problem('unasked', `an answer to message ${ref_no} of a WebSocket`)
      return
    }
    this.#waiting.delete(ref_no)
    this.#visit.ledger.websockets.answered++
    answered()
  }

  #leave(): void {
    this.#gone = true
    this.#visit.ledger.websockets.left += this.#waiting.size
    this.#waiting.clear()
  }
}
