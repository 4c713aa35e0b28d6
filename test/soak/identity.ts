import { type HttpRequest, type HttpResponse, header } from '../support/http-connection.ts'
import type { Observations } from './observations.ts'
import type { Person } from './server.ts'

/** The name of clients whose sessions are those of one person, so that a list of sessions shows whose they are. */
export function clientNameOf(person: Person): string {
  return `soak of ${person.pers_no}`
}

/** What a session is, by which its responses are recognized. */
export class Identity {
  /** the number of the session at the LysKOM server */
  sessionNo: number | undefined
  /** who is logged in: null for no person, undefined while that changes or is not known */
  person: number | null | undefined = null
  /** a value that is in the client's data in the session alone */
  tag: string | undefined
  readonly #observations: Observations
  /** kind of client and id of the server, for reports */
  readonly #client: string

  constructor(observations: Observations, client: string) {
    this.#observations = observations
    this.#client = client
  }

  /** Compares a part of a response with what belongs to the session. */
  compare(part: string, found: unknown, expected: unknown): void {
    if (expected === undefined) return
    this.#observations.compared.add(part)
    if (found === expected) return
    this.#observations.problem('another session', `${this.#client}: ${part} is ${found} instead of ${expected}`)
  }

  /** Notes that a request may change the person of the session, which is not known until its response. */
  sent({ method, path }: HttpRequest): void {
    if (method === 'POST' && /\/sessions\/current\/log(in|out)$/.test(path)) this.person = undefined
  }

  /**
   * Compares every part of a response that names the session or its person.
   * @param before the person before the request was sent
   */
  received(request: HttpRequest, response: HttpResponse, before: Identity['person']): void {
    const { status, body } = response
    const [, path = ''] = /^\/\w+(\/.*)$/.exec(request.path) ?? []
    if (path === '/sessions/current/logout' && status === 204) this.person = null
    if (path === '/sessions/current/login' && status !== 201) this.person = before
    const isJson = header(response, 'content-type')?.startsWith('application/json') === true
    if (status >= 300 || !isJson || body.length === 0) return
    const json = JSON.parse(body.toString())
    if (path === '/sessions/current/login') {
      this.compare('person of a login', json.pers_no, (request.json as Person).pers_no)
      this.person = json.pers_no
    } else if (path === '/sessions/current/who-am-i') {
      this.compare('session of who-am-i', json.session_no, this.sessionNo)
      this.compare('person of who-am-i', json.person === null ? null : json.person.pers_no, this.person)
    } else if (path === '/sessions/current/data') {
      this.compare('data of the session', json.tag, this.tag)
    } else if (path === '/sessions/mine') {
      for (const { client } of json.sessions as { client: string }[]) {
        this.compare('client in a list of own sessions', client, this.person && `soak of ${this.person} 1`)
      }
    } else if (/^\/persons\/\d+\/memberships\//.test(path) && request.method === 'GET') {
      for (const { pers_no } of (json.list ?? json.memberships) as Person[]) {
        this.compare('person of a membership', pers_no, this.person)
      }
    }
  }
}
