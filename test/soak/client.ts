import { setTimeout as sleep } from 'node:timers/promises'
import type { HttpResponse } from '../support/http-connection.ts'
import { type CheckedRequest, HttpClient, type HttpClientOptions } from './http-client.ts'
import type { Random } from './random.ts'
import type { Person } from './server.ts'

/** The request body that opens a session. */
export const OPEN_SESSION = { client: { name: 'soak', version: '1' } }

export interface TextJson {
  text_no: number
  subject: string
  body: string
}

/** A client of a kind, with at most one session on its server. */
export class Client extends HttpClient {
  readonly random: Random
  /** its connection id */
  id: string | undefined

  constructor(options: HttpClientOptions & { random: Random }) {
    super(options)
    this.random = options.random
  }

  /** Opens a session. */
  async open(): Promise<void> {
    const path = `/${this.server.id}/sessions/`
    const response = await this.request({ method: 'POST', path, json: OPEN_SESSION, allow: [201] })
    this.id = jsonOf<{ connection_id: string }>(response).connection_id
  }

  /** Opens a session and logs a random person in. Returns the person. */
  async openAndLogIn(): Promise<Person> {
    const person = this.random.pick(this.server.persons)
    await this.open()
    await this.login(person)
    return person
  }

  async login(person: Person): Promise<void> {
    await this.send('POST', '/sessions/current/login', [201], person)
  }

  /** Builds a request on the session; `path` is without the server id. */
  onSession(method: string, path: string, allow: readonly number[], json?: unknown): CheckedRequest {
    const id = this.id === undefined ? {} : { id: this.id }
    return { method, path: `/${this.server.id}${path}`, allow, ...id, ...(json !== undefined && { json }) }
  }

  send(method: string, path: string, allow: readonly number[], json?: unknown): Promise<HttpResponse> {
    return this.request(this.onSession(method, path, allow, json))
  }

  async get<T>(path: string): Promise<T> {
    return jsonOf<T>(await this.send('GET', path, [200]))
  }

  /** Posts a text of `size` characters and records it. Returns its number. */
  async post(subject: string, size: number, commentTo?: number): Promise<number> {
    const json = this.newText(subject, size, commentTo)
    const response = await this.posting(() => this.send('POST', '/texts/', [201], json))
    const { text_no: textNo } = jsonOf<{ text_no: number }>(response)
    this.observations.posted.push({ serverId: this.server.id, textNo, subject, size })
    return textNo
  }

  /** Counts the text that `request` creates; without a response its outcome is unknown. */
  async posting(request: () => Promise<HttpResponse>): Promise<HttpResponse> {
    const { uncertain, created } = this.observations
    uncertain.add(this.server.id)
    const response = await request()
    uncertain.add(this.server.id, -1)
    created.add(this.server.id)
    return response
  }

  /** Checks that a text matches what was posted. */
  async checkText(textNo: number, subject: string, size: number): Promise<void> {
    const { crashes, id } = this.server
    const text = await this.get<TextJson>(`/texts/${textNo}`)
    if (text.subject === subject && text.body === bodyOf(subject, size)) return
    // After a crash the server may reuse the number.
    if (this.server.crashes !== crashes) return
    const found = `"${text.subject}" with a body of ${text.body?.length}`
    this.observations.problem('wrong content', `text ${textNo} (${id}) was "${subject}" of ${size}, is ${found}`)
  }

  /** Reports whether the session still exists. */
  async isAlive(): Promise<boolean> {
    return (await this.send('GET', '/sessions/current/who-am-i', [200, 403])).status === 200
  }

  /** Checks that the session still exists. Returns false if a fault has ended it, too. */
  async checkAlive(after: string): Promise<boolean> {
    if (await this.isAlive()) return true
    if (!this.server.isFaulty) this.observations.problem('wrong content', `the session has ended after ${after}`)
    return false
  }

  /** Checks that the session no longer exists. */
  async checkGone(after: string): Promise<void> {
    if (await this.isAlive()) {
      this.observations.problem('wrong content', `the session still exists after ${after} (${this.server.id})`)
    }
  }

  /** Deletes the session. */
  async end(): Promise<void> {
    await this.send('DELETE', '/sessions/0', [204])
  }

  /** Waits for a random time. */
  async pause(minMs: number, maxMs: number): Promise<void> {
    await sleep(this.random.integer(minMs, maxMs))
  }

  /** The body that posts a text in the server's conference. */
  newText(subject: string, size: number, commentTo?: number): object {
    return {
      subject,
      body: bodyOf(subject, size),
      content_type: 'text/plain',
      recipient_list: [{ type: 'to', recpt: { conf_no: this.server.conference } }],
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
