import { EventClient, type ReceivedEvent } from './event-client.ts'
import { startProxy } from './proxy.ts'
import { SessionSocket } from './session-socket.ts'

/** One connection of a follower, which lasts until it is cut. */
export interface Cut {
  transport: 'SSE' | 'WebSocket'
  /** reset (RST) or end (FIN) of the connection by the network, or the client leaves it */
  how: 'reset' | 'end' | 'leave'
  /** bytes from the gateway before the cut; for `leave`, a fiftieth of them is the number of events */
  bytes: number
  /** delay of each packet from the gateway, milliseconds */
  delayMs: number
}

const UNCUT: Cut = { transport: 'SSE', how: 'end', bytes: Number.POSITIVE_INFINITY, delayMs: 0 }
const BYTES_PER_EVENT = 50

/** A session whose events are followed. */
export interface Followed {
  /** address of the gateway */
  url: string
  /** id of the LysKOM server */
  server: string
  /** id of the session */
  id: string
  /** position to begin after */
  since: string
}

/** Receives the events of a session on one connection after another, each from where the one before it was cut. */
export class CutFollower {
  /** the events received so far, on all connections */
  readonly events: ReceivedEvent[] = []
  /** number of connections so far */
  connections = 0
  /** why the gateway refused the last connection, if it did */
  refusal: string | undefined
  /** resolves when the last connection has ended */
  readonly ended: Promise<void>
  readonly #followed: Followed
  #since: string
  #hasStopped = false
  #leave: () => void = () => undefined

  /** @param cuts of its first connections; the last one is not cut */
  constructor(followed: Followed, cuts: readonly Cut[]) {
    this.#followed = followed
    this.#since = followed.since
    this.ended = this.#follow([...cuts, UNCUT])
  }

  /** Disconnects. */
  async stop(): Promise<void> {
    this.#hasStopped = true
    this.#leave()
    await this.ended
  }

  async #follow(connections: readonly Cut[]): Promise<void> {
    for (const cut of connections) {
      if (this.#hasEnded) return
      const { hostname: host, port } = new URL(this.#followed.url)
      const proxy = await startProxy({ host, port: Number(port) }, (line) => {
        line.toClient.delay(cut.delayMs)
        if (cut.how !== 'leave' && cut !== UNCUT) line.cut(cut.bytes, cut.how)
      })
      const url = `http://${proxy.host}:${proxy.port}`
      this.connections++
      try {
        // `stop` may have been called while the proxy started.
        if (this.#hasStopped) return
        if (cut.transport === 'SSE') await this.#readStream(url, cut)
        else await this.#readSocket(url, cut)
      } finally {
        await proxy.close()
      }
    }
  }

  get #hasEnded(): boolean {
    return this.#hasStopped || this.refusal !== undefined || this.events.at(-1)?.type === 'closed'
  }

  async #readStream(url: string, cut: Cut): Promise<void> {
    const headers = { 'Last-Event-ID': this.#since }
    const { id, server } = this.#followed
    const path = `/${server}/sessions/current/events`
    const stream = await EventClient.open(url + path, { id, headers }).catch(() => undefined)
    // The connection was cut before the response.
    if (stream === undefined) return
    if (stream.response.status !== 200) {
      this.refusal = `${stream.response.status}`
      await stream.close()
      return
    }
    this.#leave = () => void stream.close()
    if (this.#hasStopped) this.#leave()
    this.#take(stream, cut)
    await stream.ended
  }

  async #readSocket(url: string, cut: Cut): Promise<void> {
    const socket = new SessionSocket(url, this.#followed.id)
    this.#leave = () => void socket.close()
    this.#take(socket, cut)
    const reply = await socket.ask('events', { since: this.#since }).catch(() => undefined)
    if (reply?.error !== undefined) {
      this.refusal = reply.error
      await socket.close()
      return
    }
    await socket.closed
  }

  /** Takes over the events of a connection as they arrive. */
  #take(source: Pick<SessionSocket, 'events' | 'onEvent'>, cut: Cut): void {
    let count = 0
    const take = () => {
      for (const event of source.events.slice(count)) {
        if (cut.how === 'leave' && count >= cut.bytes / BYTES_PER_EVENT) return this.#leave()
        count++
        this.events.push(event)
        this.#since = event.id
      }
    }
    source.onEvent(take)
    // Some may have arrived before.
    take()
  }
}
