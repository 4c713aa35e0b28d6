import { setTimeout as sleep } from 'node:timers/promises'
import { type Cut, CutFollower } from '../support/cut-follower.ts'
import { SessionSocket } from '../support/session-socket.ts'
import type { Client } from './client.ts'
import { Interrupted } from './http-client.ts'
import type { Random } from './random.ts'
import { RESPONSE_MS } from './settings.ts'
import { withDeadline } from './with-deadline.ts'

const FOLLOWERS = 2
const MAX_CUTS = 40
const MAX_BYTES = 1500
const POLL_MS = 20

/** The events of a client's session, on followers whose event streams and WebSockets are cut at random. */
export class Streams {
  readonly #client: Client
  readonly #begin: string
  readonly #followers: readonly CutFollower[]
  readonly #tag: string
  #sent = 0

  private constructor(client: Client, begin: string) {
    const { port, server, random } = client.options
    const followed = { url: urlOf(port), server: server.id, id: client.id as string, since: begin }
    this.#client = client
    this.#begin = begin
    this.#tag = `follower ${random.integer(0, 2 ** 48).toString(36)}`
    this.#followers = Array.from({ length: FOLLOWERS }, () => new CutFollower(followed, randomCuts(random)))
  }

  /** Begins to follow the session of a client. Rejects with `Interrupted` if a fault has ended it. */
  static async open(client: Client): Promise<Streams> {
    const socket = new SessionSocket(urlOf(client.options.port), client.id as string)
    const answer = await withDeadline(
      RESPONSE_MS,
      socket.ask('events', {}).catch((error: Error) => ({ error: error.message })),
    )
    await socket.close()
    if (answer.reply !== undefined) return new Streams(client, answer.reply.position)
    if (!client.options.server.isFaulty) client.wrong(`the events of its session: ${answer.error ?? answer}`)
    throw new Interrupted('no events')
  }

  /** Sends a message to the person of the session. */
  async send(recipient: number): Promise<void> {
    const message = `${this.#tag} ${this.#sent + 1}`
    await this.#client.send('POST', '/messages', [204], { recipient, message })
    this.#sent++
  }

  /** Waits until all followers have received all messages, and records what they have received. */
  async checkAll(): Promise<void> {
    const { observations } = this.#client.options
    const deadline = performance.now() + RESPONSE_MS
    const areAllHere = (): boolean => this.#followers.every((follower) => this.#messages(follower) === this.#sent)
    while (!areAllHere() && performance.now() < deadline && (await this.#client.isAlive())) await sleep(POLL_MS)
    // A fault has ended the session.
    if (!areAllHere() && !(await this.#client.checkAlive('following its events'))) return
    for (const follower of this.#followers) {
      observations.events.expected += this.#sent
      observations.events.received += this.#messages(follower)
    }
  }

  /** Disconnects the followers, and checks that they have received every event once and in order. */
  async close(): Promise<void> {
    const { identity } = this.#client
    const { observations, kind, server } = this.#client.options
    for (const follower of this.#followers) {
      if ((await withDeadline(RESPONSE_MS, follower.stop())) === 'late') this.#client.wrong('a stream does not end')
      observations.events.connections += follower.connections
      for (const { data } of follower.events) {
        if (data.type === 'send-message') identity.compare('recipient of a message', data.recipient, identity.person)
      }
      const [epoch, first] = this.#begin.split('-')
      const ids = follower.events.map(({ id }) => id)
      const gap = ids.findIndex((id, i) => id !== `${epoch}-${Number(first) + i + 1}`)
      if (gap === -1) continue
      const near = JSON.stringify(follower.events.slice(Math.max(0, gap - 1), gap + 2)).slice(0, 1000)
      observations.problem('wrong events', `${kind} (${server.id}): event ${gap} after ${this.#begin}: ${near}`)
    }
  }

  /** Returns the number of messages that a follower has received, each in its turn. */
  #messages({ events }: CutFollower): number {
    let count = 0
    for (const { data } of events) if (data.message === `${this.#tag} ${count + 1}`) count++
    return count
  }
}

function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`
}

function randomCuts(random: Random): Cut[] {
  return Array.from({ length: random.integer(1, MAX_CUTS) }, () => ({
    transport: random.pick(['SSE', 'WebSocket'] as const),
    how: random.pick(['reset', 'end', 'leave'] as const),
    bytes: random.integer(0, MAX_BYTES),
    delayMs: random.pick([0, 0, 1, 20]),
  }))
}
