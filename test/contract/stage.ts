import { afterAll, beforeAll } from 'vitest'
import { type Answer, type SendOptions, startTestGateway, type TestGateway } from '../support/gateway.ts'
import { Author } from './author.ts'
import type { Backend } from './backends.ts'
import { type Cast, makeCast } from './cast.ts'

type Player = 'alice' | 'bob' | 'carol'

/** A session of an API client. Paths do not contain the server id. */
export interface Client {
  readonly id: string
  get(path: string, headers?: Record<string, string>): Promise<Answer>
  head(path: string): Promise<Answer>
  post(path: string, json?: unknown): Promise<Answer>
  put(path: string, json?: unknown): Promise<Answer>
  delete(path: string): Promise<Answer>
}

/** A LysKOM server with its cast and a gateway in front of it, for the tests of one `describe` block. */
export class Stage {
  backend!: Backend
  gateway!: TestGateway
  cast!: Cast
  readonly #clients = new Map<Player, Promise<Client>>()
  readonly #authors = new Map<Player, Promise<Author>>()

  send(method: string, path: string, options?: SendOptions): Promise<Answer> {
    return this.gateway.send(method, `/kom${path}`, options)
  }

  /** Returns the session of a player, which is opened and logged in on first use. */
  as(player: Player): Promise<Client> {
    return kept(this.#clients, player, () => this.fresh(player))
  }

  /** Opens a new session and logs in the player, if one is given. */
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

  /** Returns an author who writes texts to the LysKOM server directly. */
  author(player: Player): Promise<Author> {
    return kept(this.#authors, player, () => this.authorOf(this.cast[player]))
  }

  /** Like `author`, for any person. The caller closes the connection. */
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

/** Starts the stage before the tests of the enclosing `describe` block and stops it after them. */
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
