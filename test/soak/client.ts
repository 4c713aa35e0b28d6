import { setTimeout as sleep } from 'node:timers/promises'
import type { HttpResponse } from '../support/http-connection.ts'
import { type CheckedRequest, type ClientOptions, HttpClient } from './http-client.ts'
import { clientNameOf, Identity } from './identity.ts'
import type { Person } from './server.ts'

/** The request body that opens a session in which no person is logged in. */
export const OPEN_SESSION = { client: { name: 'soak', version: '1' } }

export interface TextJson {
  text_no: number
  subject: string
  body: string
  author: { pers_no: number }
}

/** What clients of each kind do. */
export type Kinds = Readonly<Record<string, (client: Client, options: ClientOptions) => Promise<void>>>

/** A client of a kind, with at most one session on its server. */
export class Client extends HttpClient {
  /** its connection id */
  id: string | undefined
  /** what its session is */
  readonly identity = new Identity(this.options.observations, `${this.options.kind} (${this.options.server.id})`)

  /**
   * Opens a session.
   * @param person who is going to log in, and no one else
   */
  async open(person?: Person): Promise<void> {
    const path = `/${this.options.server.id}/sessions/`
    const json =
      person === undefined ? OPEN_SESSION : { client: { ...OPEN_SESSION.client, name: clientNameOf(person) } }
    const response = await this.request({ method: 'POST', path, json, allow: [201] })
    const { connection_id, session_no } = jsonOf<{ connection_id: string; session_no: number }>(response)
    this.id = connection_id
    this.identity.sessionNo = session_no
  }

  /** Like that of `HttpClient`. Compares the response with the session to which it belongs. */
  override async requestOn(...args: Parameters<HttpClient['requestOn']>): Promise<HttpResponse> {
    const [, request] = args
    if (request.id === undefined || request.id !== this.id) return await super.requestOn(...args)
    const { person } = this.identity
    this.identity.sent(request)
    const response = await super.requestOn(...args)
    this.identity.received(request, response, person)
    return response
  }

  /** Opens a session and logs a random person in. Returns the person. */
  async openAndLogIn(): Promise<Person> {
    const person = this.options.random.pick(this.options.server.persons)
    await this.open(person)
    await this.login(person)
    return person
  }

  async login(person: Person): Promise<void> {
    await this.send('POST', '/sessions/current/login', [201], person)
  }

  /** Builds a request on the session; `path` is without the server id. */
  onSession(method: string, path: string, allow: readonly number[], json?: unknown): CheckedRequest {
    const id = this.id === undefined ? {} : { id: this.id }
    return { method, path: `/${this.options.server.id}${path}`, allow, ...id, ...(json !== undefined && { json }) }
  }

  send(method: string, path: string, allow: readonly number[], json?: unknown): Promise<HttpResponse> {
    return this.request(this.onSession(method, path, allow, json))
  }

  async get<T>(path: string): Promise<T> {
    return jsonOf<T>(await this.send('GET', path, [200]))
  }

  /** Posts a text of `size` characters through `send` and records it. Returns its number. */
  async post(
    subject: string,
    size: number,
    commentTo?: number,
    send = (request: CheckedRequest) => this.request(request),
  ): Promise<number> {
    const { server, observations } = this.options
    const textNo = await this.create(this.newText(subject, size, commentTo), send)
    observations.posted.push({ serverId: server.id, textNo, subject, size })
    return textNo
  }

  /** Creates a text and counts it; without a response its outcome is unknown. Returns its number. */
  async create(json: object, send = (request: CheckedRequest) => this.request(request)): Promise<number> {
    const { server, observations } = this.options
    observations.uncertain.add(server.id)
    const response = await send(this.onSession('POST', '/texts/', [201], json))
    observations.uncertain.add(server.id, -1)
    observations.created.add(server.id)
    return jsonOf<{ text_no: number }>(response).text_no
  }

  /**
   * Checks that a text matches what was posted, and reports whether it does.
   * @param author who has posted it, if that is known
   */
  async checkText(textNo: number, subject: string, size: number, author?: number | null): Promise<boolean> {
    const { server } = this.options
    const { crashes } = server
    const text = await this.get<TextJson>(`/texts/${textNo}`)
    // After a crash the server may reuse the number.
    if (server.crashes !== crashes) return true
    this.identity.compare('author of an own text', text.author.pers_no, author)
    if (text.subject === subject && text.body === bodyOf(subject, size)) return true
    this.wrong(`text ${textNo} was "${subject}" of ${size}, is "${text.subject}" with a body of ${text.body?.length}`)
    return false
  }

  /** Reports whether the session still exists. */
  async isAlive(): Promise<boolean> {
    return (await this.send('GET', '/sessions/current/who-am-i', [200, 403])).status === 200
  }

  /** Checks that the session still exists. Returns false if a fault has ended it, too. */
  async checkAlive(after: string): Promise<boolean> {
    if (await this.isAlive()) return true
    if (!this.options.server.isFaulty) this.wrong(`the session has ended after ${after}`)
    return false
  }

  /** Checks that the session no longer exists. */
  async checkGone(after: string): Promise<void> {
    if (await this.isAlive()) this.wrong(`the session still exists after ${after}`)
  }

  /** Records a response or behavior with wrong content. */
  wrong(description: string): void {
    const { observations, server, kind } = this.options
    observations.problem('wrong content', `${kind} (${server.id}): ${description}`)
  }

  /** Deletes the session. */
  async end(): Promise<void> {
    await this.send('DELETE', '/sessions/0', [204])
  }

  /** Waits for a random time. */
  async pause(minMs: number, maxMs: number): Promise<void> {
    await sleep(this.options.random.integer(minMs, maxMs))
  }

  /** The body that posts a text in the server's conference. */
  newText(subject: string, size: number, commentTo?: number): object {
    return {
      subject,
      body: bodyOf(subject, size),
      content_type: 'text/plain',
      recipient_list: [{ type: 'to', recpt: { conf_no: this.options.server.conference } }],
      comment_to_list: commentTo === undefined ? [] : [{ type: 'comment', text_no: commentTo }],
    }
  }
}

export function jsonOf<T>({ body }: HttpResponse): T {
  return JSON.parse(body.toString()) as T
}

/** Resolves when all have settled. Rejects with the first error. */
export async function allSettled(promises: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(promises)) if (result.status === 'rejected') throw result.reason
}

/** Returns a text body of `size` characters that is unique to `subject`. */
function bodyOf(subject: string, size: number): string {
  return `${subject} åäö. `.repeat(Math.ceil(size / (subject.length + 6))).slice(0, size)
}
