import { type ReadonlySignal, signal } from '@preact/signals'
import { connect, type Kom, KomgateError, SessionLostError } from 'komgate/client'

/** The session of the explorer on a LysKOM server. */
export type SessionState =
  | { status: 'none'; reason?: 'ended' }
  | { status: 'opening' }
  | { status: 'failed'; message: string }
  | { status: 'open'; kom: Kom; person: string | undefined }

/** Opens and ends the session with which the explorer makes its requests. */
export class ExplorerSession {
  readonly #state = signal<SessionState>({ status: 'none' })
  readonly #url: URL
  #isLeaving = false

  /** @param url the base URL of the gateway */
  constructor(url: URL) {
    this.#url = url
  }

  /** What the session is at the moment. */
  get state(): ReadonlySignal<SessionState> {
    return this.#state
  }

  /** The connection id, undefined without a session. */
  get connectionId(): string | undefined {
    const { value } = this.#state
    return value.status === 'open' ? value.kom.connectionId : undefined
  }

  /** Opens a session on a LysKOM server. */
  async open(server: string): Promise<void> {
    const opening: SessionState = { status: 'opening' }
    this.#isLeaving = false
    this.#state.value = opening
    const options = {
      url: this.#url,
      server,
      client: { name: 'komgate console', version: '1' },
      fetch: (...[url, init]: Parameters<typeof fetch>) => fetch(url, { ...init, keepalive: this.#isLeaving }),
    }
    try {
      const kom = await connect(options)
      if (this.#state.value === opening) this.#state.value = { status: 'open', kom, person: undefined }
      // The person has left the explorer or has chosen another server.
      else await kom.close()
    } catch (error) {
      if (this.#state.value === opening) this.#state.value = { status: 'failed', message: messageOf(error) }
    }
  }

  /** Logs a person in by name. @throws KomgateError */
  async logIn(name: string, password: string): Promise<void> {
    const { value } = this.#state
    if (value.status !== 'open') return
    try {
      const { pers_name } = await value.kom.login({ pers_name: name, passwd: password })
      this.#update(value.kom, pers_name)
    } catch (error) {
      if (error instanceof SessionLostError) this.#lose(value.kom)
      throw error
    }
  }

  /** Logs the person out. */
  async logOut(): Promise<void> {
    const { value } = this.#state
    if (value.status !== 'open') return
    await value.kom.logout().catch(() => undefined)
    await this.refresh()
  }

  /** Asks who is logged in: a request may have changed it, or ended the session. */
  async refresh(): Promise<void> {
    const { value } = this.#state
    if (value.status !== 'open') return
    try {
      const { person } = await value.kom.whoAmI()
      this.#update(value.kom, person?.pers_name)
    } catch (error) {
      if (error instanceof SessionLostError) this.#lose(value.kom)
    }
  }

  /** Ends the session. @param isLeaving whether the page is being closed */
  end(isLeaving = false): void {
    const { value } = this.#state
    this.#state.value = { status: 'none' }
    if (value.status !== 'open') return
    // The request is made in a later task.
    this.#isLeaving = isLeaving
    // The gateway closes it when it is idle.
    value.kom.close().catch(() => undefined)
  }

  #update(kom: Kom, person: string | undefined): void {
    const { value } = this.#state
    if (value.status === 'open' && value.kom === kom) this.#state.value = { status: 'open', kom, person }
  }

  #lose(kom: Kom): void {
    const { value } = this.#state
    if (value.status === 'open' && value.kom === kom) this.#state.value = { status: 'none', reason: 'ended' }
  }
}

/** Returns the message of an error. */
export function messageOf(error: unknown): string {
  return error instanceof KomgateError || error instanceof Error ? error.message : String(error)
}
