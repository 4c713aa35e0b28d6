import type { Asked } from './browser.ts'
import type { HttpAnswer } from './http-answer.ts'
import type { Person, Place } from './place.ts'
import { bodyOf } from './text.ts'
import type { Visit } from './visit.ts'

/** The request body that opens a session. */
export const OPENING = { client: { name: 'soak', version: '1' } }

export interface TextJson {
  text_no: number
  subject: string
  body: string
}

/** An open session of a client and its requests. */
export class Session {
  private constructor(
    readonly visit: Visit,
    readonly id: string,
  ) {}

  static async open(visit: Visit): Promise<Session> {
    const path = `/${visit.place.id}/sessions/`
    const answer = await visit.browser.ask({ method: 'POST', path, json: OPENING, allow: [201] })
    return new Session(visit, (jsonOf(answer) as { connection_id: string }).connection_id)
  }

  get place(): Place {
    return this.visit.place
  }

  /** Builds a request on this session; `path` is without the server id. */
  asked(method: string, path: string, allow: readonly number[], json?: unknown): Asked {
    return { method, path: `/${this.place.id}${path}`, id: this.id, allow, ...(json !== undefined && { json }) }
  }

  ask(method: string, path: string, allow: readonly number[], json?: unknown): Promise<HttpAnswer> {
    return this.visit.browser.ask(this.asked(method, path, allow, json))
  }

  async get<T>(path: string): Promise<T> {
    return jsonOf(await this.ask('GET', path, [200])) as T
  }

  async login({ pers_no, passwd }: Person): Promise<void> {
    await this.ask('POST', '/sessions/current/login', [201], { pers_no, passwd })
  }

  /** Posts a text. Returns its number. */
  async post(subject: string, size: number, commentTo?: number): Promise<number> {
    const { ledger, place } = this.visit
    ledger.isPosting(place.id)
    const answer = await this.ask('POST', '/texts/', [201], newText(place, subject, size, commentTo))
    const { text_no: textNo } = jsonOf(answer) as { text_no: number }
    ledger.hasPosted(place.id, { textNo, subject, size })
    return textNo
  }

  /** Checks that a text matches what was posted. */
  async check(textNo: number, subject: string, size: number): Promise<void> {
    const { crashes } = this.place
    const text = await this.get<TextJson>(`/texts/${textNo}`)
    if (text.subject === subject && text.body === bodyOf(subject, size)) return
    // After a crash the server may reuse the number.
    if (this.place.crashes !== crashes) return
    const found = `"${text.subject}" with a body of ${text.body?.length}`
    this.visit.ledger.problem('untrue', `text ${textNo} (${this.place.id}) was "${subject}" of ${size}, is ${found}`)
  }

  /** Reports whether the session still exists. */
  async isAlive(): Promise<boolean> {
    return (await this.ask('GET', '/sessions/current/who-am-i', [200, 403])).status === 200
  }

  async end(): Promise<void> {
    await this.ask('DELETE', '/sessions/0', [204])
  }
}

/** The body that posts a text in the place's conference. */
export function newText({ conference }: Place, subject: string, size: number, commentTo?: number): unknown {
  return {
    subject,
    body: bodyOf(subject, size),
    content_type: 'text/plain',
    recipient_list: [{ type: 'to', recpt: { conf_no: conference } }],
    comment_to_list: commentTo === undefined ? [] : [{ type: 'comment', text_no: commentTo }],
  }
}

export function jsonOf({ body }: HttpAnswer): unknown {
  return JSON.parse(body.toString())
}
