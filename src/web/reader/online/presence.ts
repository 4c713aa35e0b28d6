import { signal } from '@preact/signals'
import type { ConferenceName, Kom, KomEvent, OnlineSession } from 'komgate/client'
import type { Names } from '../reading/names.ts'

/** A session of a person, as far as it is known. */
export interface Seen extends Omit<OnlineSession, 'idle'> {
  /** when the person was last active, in milliseconds since 1970 */
  activeAt: number
}

/** What a `Presence` needs of the reader. */
export interface PresenceSource {
  kom: Pick<Kom, 'sessions' | 'call'>
  names: Pick<Names, 'of'>
  onEvent(listener: (event: KomEvent) => void): () => void
}

/** Who is on: the sessions are requested once, and events keep them current. */
export class Presence {
  /** the sessions, the last active first; undefined until they are there */
  readonly sessions = signal<readonly Seen[] | undefined>(undefined)
  readonly error = signal<unknown>(undefined)
  readonly #source: PresenceSource
  readonly #stop: () => void
  /** The events during a request for the sessions, which may be older or newer than its response. */
  #waiting: KomEvent[] | undefined
  #isClosed = false
  readonly #persNo: number | undefined

  /** @param persNo the person whose sessions are followed. Default: all */
  constructor(source: PresenceSource, persNo?: number) {
    this.#source = source
    this.#persNo = persNo
    this.#stop = source.onEvent((event) => {
      if (this.#waiting === undefined) this.#apply(event)
      else this.#waiting.push(event)
    })
    void this.load()
  }

  /** Requests the sessions again. */
  async load(): Promise<void> {
    if (this.#waiting !== undefined) return
    const waiting: KomEvent[] = []
    this.#waiting = waiting
    this.error.value = undefined
    try {
      const { sessions } = await this.#source.kom.sessions.list()
      const followed = sessions.filter(({ person }) => this.#isFollowed(person.pers_no))
      this.#show(followed.map(({ idle, ...session }) => ({ ...session, activeAt: Date.now() - 1000 * idle })))
    } catch (error) {
      if (!this.#isClosed) this.error.value = error
    }
    this.#waiting = undefined
    for (const event of waiting) this.#apply(event)
  }

  /** Ends following. */
  close(): void {
    this.#isClosed = true
    this.#stop()
  }

  #apply(event: KomEvent): void {
    if (event.type === 'reset') void this.load()
    else if (event.type === 'logout') this.#without(event.session_no)
    else if (event.type === 'login') {
      if (this.#isFollowed(event.pers_no)) void this.#add(event.session_no, event.pers_no)
    } else if (event.type === 'i-am-on') {
      const { session, person, working_conference, what_am_i_doing } = event.info
      if (this.#isFollowed(person)) void this.#move(session, person, working_conference, what_am_i_doing)
    } else if (event.type === 'new-name') this.#rename({ conf_no: event.conf_no, name: event.new_name })
  }

  #isFollowed(persNo: number): boolean {
    return this.#persNo === undefined || this.#persNo === persNo
  }

  #without(sessionNo: number): void {
    this.#set((sessions) => sessions.filter(({ session_no }) => session_no !== sessionNo))
  }

  /** Adds a session that has just logged in. */
  async #add(session: number, persNo: number): Promise<void> {
    const { kom, names } = this.#source
    const added: Seen = {
      session_no: session,
      person: { pers_no: persNo, pers_name: '' },
      working_conference: null,
      client: null,
      what_am_i_doing: '',
      address: null,
      activeAt: Date.now(),
    }
    try {
      const [person, client, version, { hostname }] = await Promise.all([
        names.of(persNo),
        kom.call('get-client-name', { session }),
        kom.call('get-client-version', { session }),
        kom.call('get-static-session-info', { session_no: session }),
      ])
      this.#set((sessions) => [
        {
          ...added,
          // It may have moved meanwhile.
          ...sessions.find(({ session_no }) => session_no === session),
          person: { pers_no: persNo, pers_name: person.name },
          client: { name: client, version },
          address: hostname,
        },
        ...sessions.filter(({ session_no }) => session_no !== session),
      ])
    } catch {
      // The session has ended again, or the next request shows it.
    }
  }

  async #move(sessionNo: number, persNo: number, confNo: number, doing: string): Promise<void> {
    const isKnown = this.sessions.peek()?.some(({ session_no }) => session_no === sessionNo)
    if (!isKnown) await this.#add(sessionNo, persNo)
    const conference = confNo === 0 ? null : await this.#source.names.of(confNo).catch(() => null)
    this.#set((sessions) =>
      sessions.map((session) =>
        session.session_no === sessionNo
          ? { ...session, working_conference: conference, what_am_i_doing: doing, activeAt: Date.now() }
          : session,
      ),
    )
  }

  #rename({ conf_no, name }: ConferenceName): void {
    this.#set((sessions) =>
      sessions.map((session) => ({
        ...session,
        person: session.person.pers_no === conf_no ? { pers_no: conf_no, pers_name: name } : session.person,
        working_conference:
          session.working_conference?.conf_no === conf_no ? { conf_no, name } : session.working_conference,
      })),
    )
  }

  /** Changes the list, unless it could not be loaded: a part of it would look like all. */
  #set(change: (sessions: readonly Seen[]) => readonly Seen[]): void {
    const sessions = this.sessions.peek()
    if (sessions !== undefined) this.#show(change(sessions))
  }

  #show(sessions: readonly Seen[]): void {
    if (!this.#isClosed) this.sessions.value = [...sessions].sort((a, b) => b.activeAt - a.activeAt)
  }
}
