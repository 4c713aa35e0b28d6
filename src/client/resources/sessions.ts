import { path, withQuery } from '../path.ts'
import type { RequestOptions, Send } from '../request.ts'
import type { JsonValue, OnlineSession, OwnSession, ServerInfo } from '../types.ts'

/** Sessions on the LysKOM server, and the person's own on the gateway. */
export class Sessions {
  readonly #send: Send

  constructor(send: Send) {
    this.#send = send
  }

  /** Lists the sessions of persons on the LysKOM server. `active_within` leaves out those that were idle for more seconds. */
  list({ active_within, ...options }: RequestOptions & { active_within?: number } = {}): Promise<{
    sessions: OnlineSession[]
  }> {
    return this.#send({ method: 'GET', path: withQuery(path`/sessions/`, { active_within }) }, options)
  }

  /** Ends another session on the LysKOM server, if that permits it. `Kom.close` ends the client's own. */
  end(sessionNo: number, options?: RequestOptions): Promise<void> {
    return this.#send({ method: 'DELETE', path: path`/sessions/${sessionNo}` }, options)
  }

  /** Lists the other sessions of the person on the gateway, the last active first. */
  mine(options?: RequestOptions): Promise<{ sessions: OwnSession[] }> {
    return this.#send({ method: 'GET', path: path`/sessions/mine` }, options)
  }

  /** Ends one of them. @param handle from `mine` */
  endMine(handle: string, options?: RequestOptions): Promise<void> {
    return this.#send({ method: 'DELETE', path: path`/sessions/mine/${handle}` }, options)
  }

  /** Ends all of them except for the client's own. `ended` is their number. */
  endOthers(options?: RequestOptions): Promise<{ ended: number }> {
    return this.#send({ method: 'DELETE', path: withQuery(path`/sessions/mine`, { except: 'current' }) }, options)
  }
}

/** Messages that other users see at once. */
export class Messages {
  readonly #send: Send

  constructor(send: Send) {
    this.#send = send
  }

  /** Sends a message. @param recipient a person or conference; 0 for everybody */
  send(recipient: number, message: string, options?: RequestOptions): Promise<void> {
    return this.#send({ method: 'POST', path: path`/messages`, body: { recipient, message } }, options)
  }
}

/** The LysKOM server. */
export class Server {
  readonly #send: Send

  constructor(send: Send) {
    this.#send = send
  }

  /** Returns the version and the special conferences of the server. */
  info(options?: RequestOptions): Promise<ServerInfo> {
    return this.#send({ method: 'GET', path: path`/server/info` }, options)
  }
}

/** Data that the client keeps in its session, at most 16 kB of JSON. */
export class SessionData {
  readonly #send: Send

  constructor(send: Send) {
    this.#send = send
  }

  /** Returns the data. */
  get(options?: RequestOptions): Promise<Record<string, JsonValue>> {
    return this.#send({ method: 'GET', path: path`/sessions/current/data` }, options)
  }

  /** Sets the given keys and keeps the others; null deletes a key. Returns all data. */
  patch(patch: Readonly<Record<string, JsonValue>>, options?: RequestOptions): Promise<Record<string, JsonValue>> {
    return this.#send({ method: 'PATCH', path: path`/sessions/current/data`, body: patch }, options)
  }
}
