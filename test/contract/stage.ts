import { afterAll, beforeAll } from 'vitest'
import { type Answer, type SendOptions, startTestGateway, type TestGateway } from '../support/gateway.ts'
import { Author } from './author.ts'
import type { Backend } from './backends.ts'
import { type Cast, makeCast } from './cast.ts'

type Player = 'alice' | 'bob' | 'carol'

/** One session, as a client of the API. Paths go without the server's id. */
export interface Client {
  readonly id: string
  get(path: string, headers?: Record<string, string>): Promise<Answer>
  head(path: string): Promise<Answer>
  post(path: string, json?: unknown): Promise<Answer>
  put(path: string, json?: unknown): Promise<Answer>
  delete(path: string): Promise<Answer>
}

/** A LysKOM server with its cast, and a gateway before it, for the tests of one `describe`. */
export class Stage {
  backend!: Backend
  gateway!: TestGateway
  cast!: Cast
  readonly #clients = new Map<Player, Promise<Client>>()
  readonly #authors = new Map<Player, Promise<Author>>()

  send(method: string, path: string, options?: SendOptions): Promise<Answer> {
    return this.gateway.send(method, `/kom${path}`, options)
  }

  /** The session of somebody who has been logged in since the first test that asked. */
  as(player: Player): Promise<Client> {
    return kept(this.#clients, player, () => this.fresh(player))
  }

  /** A new session, on which somebody is logged in, or nobody. */
  async fresh(player?: Player): Promise<Client> {
    const client = this.#client(await this.gateway.open())
    if (player !== undefined) await this.login(client, player)
    return client
  }

  async login(client: Client, player: Player): Promise<void> {
    const { no, passwd } = this.cast[player]
    const answer = await client.post('/sessions/current/login', { pers_no: no, passwd })
    if (answer.status !== 201) throw new Error(`${player} cannot log in: ${answer.text}`)
  }

  /** Somebody who writes texts past the gateway. */
  author(player: Player): Promise<Author> {
    return kept(this.#authors, player, () => this.authorOf(this.cast[player]))
  }

  /** The same of anybody; its connection is to be closed. */
  authorOf(person: { no: number; passwd: string }): Promise<Author> {
    return Author.login(this.backend.port, person)
  }

  async end(): Promise<void> {
    for (const author of this.#authors.values()) await (await author).connection.close()
    await this.gateway?.close()
    await this.backend?.stop()
  }

  #client(id: string): Client {
    const send = (method: string, path: string, json?: unknown) =>
      this.send(method, path, json === undefined ? { id } : { id, json })
    return {
      id,
      get: (path, headers = {}) => this.send('GET', path, { id, headers }),
      head: (path) => send('HEAD', path),
      post: (path, json) => send('POST', path, json),
      put: (path, json) => send('PUT', path, json),
      delete: (path) => send('DELETE', path),
    }
  }
}

/** Sets the stage before the tests around the call, and clears it behind them. */
export function onStage(start: () => Promise<Backend>): Stage {
  const stage = new Stage()
  beforeAll(async () => {
    stage.backend = await start()
    stage.cast = await makeCast(stage.backend)
    const { host, port } = stage.backend
    stage.gateway = await startTestGateway([
      { id: 'kom', host, port },
      { id: 'twin', host, port },
    ])
  })
  afterAll(() => stage.end())
  return stage
}

function kept<K, V>(map: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const known = map.get(key) ?? make()
  map.set(key, known)
  return known
}
