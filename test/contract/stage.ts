import { afterAll, beforeAll } from 'vitest'
import { startDescribedGateway } from '../support/described-gateway.ts'
import type { Answer, SendOptions, TestGateway } from '../support/gateway.ts'
import { Author } from './author.ts'
import type { Backend } from './backends.ts'
import { type Cast, makeCast } from './cast.ts'

/** A person of the cast who logs in. */
type Player = 'alice' | 'bob' | 'carol'

/** A session of an HTTP client. Paths do not contain the server id. */
export interface Client {
  readonly id: string
  get(path: string, headers?: Record<string, string>): Promise<Answer>
  head(path: string): Promise<Answer>
  post(path: string, json?: unknown): Promise<Answer>
  put(path: string, json?: unknown): Promise<Answer>
  delete(path: string): Promise<Answer>
}

/** A LysKOM server with the cast, and a gateway in front of it, for the tests of one `describe` block. */
export class Stage {
  backend!: Backend
  gateway!: TestGateway
  cast!: Cast
  readonly #clients = new Map<Player, Promise<Client>>()
  readonly #authors = new Map<Player, Promise<Author>>()

  /** Sends a request to the gateway. The path does not contain the server id. */
  send(method: string, path: string, options?: SendOptions): Promise<Answer> {
    return this.gateway.send(method, `/kom${path}`, options)
  }

  /** Returns the session of a player. The first call opens it and logs in. */
  as(player: Player): Promise<Client> {
    return getOrMake(this.#clients, player, () => this.fresh(player))
  }

  /** Opens a new session and logs in the player, if one is given. */
  async fresh(player?: Player): Promise<Client> {
    const client = this.#client(await this.gateway.open())
    if (player !== undefined) await this.login(client, player)
    return client
  }

  /** Logs a player in on a session. Throws an `Error` if the login fails. */
  async login(client: Client, player: Player): Promise<void> {
    const { no, passwd } = this.cast[player]
    const answer = await client.post('/sessions/current/login', { pers_no: no, passwd })
    if (answer.status !== 201) throw new Error(`login of ${player} failed: ${answer.text}`)
  }

  /** Returns an author who is logged in on the LysKOM server directly. The stage closes the connection. */
  author(player: Player): Promise<Author> {
    return getOrMake(this.#authors, player, () => this.authorOf(this.cast[player]))
  }

  /** Like `author`, for any person. The caller closes the connection. */
  authorOf(person: { no: number; passwd: string }): Promise<Author> {
    return Author.login(this.backend.port, person)
  }

  /**
   * Ends the gateway and starts another one, which does not have its sessions.
   *
   * @param whileAway called in between
   */
  async restartGateway(whileAway: () => Promise<void> = async () => undefined): Promise<void> {
    await this.gateway.close()
    await whileAway()
    this.gateway = await startGatewayOf(this.backend)
    this.forgetClients()
  }

  /** Makes `as` open new sessions, because the present ones have been lost. */
  forgetClients(): void {
    this.#clients.clear()
  }

  /** Closes the connections of the authors, the gateway and the LysKOM server. */
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

/**
 * Starts the stage before the tests of the enclosing `describe` block and ends it after them.
 *
 * @param start starts the LysKOM server
 */
export function onStage(start: () => Promise<Backend>): Stage {
  const stage = new Stage()
  beforeAll(async () => {
    stage.backend = await start()
    stage.cast = await makeCast(stage.backend)
    stage.gateway = await startGatewayOf(stage.backend)
  })
  afterAll(() => stage.end())
  return stage
}

/** Starts a gateway that has the LysKOM server twice. */
function startGatewayOf({ host, port }: Backend): Promise<TestGateway> {
  return startDescribedGateway([
    { id: 'kom', host, port },
    { id: 'twin', host, port },
  ])
}

/** Returns the value of a key; makes it if there is none. */
function getOrMake<K, V>(map: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const known = map.get(key) ?? make()
  map.set(key, known)
  return known
}
