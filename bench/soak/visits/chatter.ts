import { once } from 'node:events'
import { WebSocket } from 'ws'
import { CutShort } from '../browser.ts'
import type { Session } from '../session.ts'
import { ANSWER_MS, LEASE_MS } from '../times.ts'
import type { Visit } from '../visit.ts'
import { within } from '../within.ts'

/** Calls of Protocol A, some of which fail. */
const CALLS = ['78 1', '78 65000', '90 1', '35', '56', '76 4Hsoak 1 1', '94', '9999', 'nonsense', '25 1 0 20']

/** A program on a WebSocket: asks for many things at once, and each is answered once. */
export async function chatter(visit: Visit): Promise<void> {
  const { random, place, ledger } = visit
  const session = await visit.open()
  await session.login(visit.person())
  const talk = await Talk.open(visit, session)
  for (let round = random.whole(1, 3); round > 0; round--) {
    const asking = Array.from({ length: random.whole(1, 40) }, () =>
      random.chance(0.2) ? talk.ask('echo', ['å', round]) : talk.ask('a', random.pick(CALLS)),
    )
    if (random.chance(0.1)) talk.vanish()
    const ends = await Promise.allSettled(asking)
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    await visit.pause(50, 500)
  }
  if (random.chance(0.2)) {
    // While it is open, no lease runs out.
    await visit.pause(LEASE_MS.max, LEASE_MS.max + 500)
    await talk.ask('a', '35')
  }
  if (random.chance(0.3)) {
    await session.end()
    await talk.isClosed(1001)
    return
  }
  talk.close()
  if (!(await session.isAlive()) && place.weather === 'calm') {
    ledger.problem('untrue', 'a session has ended with its WebSocket')
    return
  }
  if (random.chance(0.7)) await session.end()
}

/** An open WebSocket. */
class Talk {
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
      // Where nothing goes wrong only the client itself, or the end of its session, closes it.
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

  /** Asks, and waits for the answer. Rejects with `CutShort` when there is none. */
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

  /** Leaves without a word. */
  vanish(): void {
    this.#leave()
    this.#socket.terminate()
  }

  /** Whether the end of the session has closed it, and how. */
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
