import type { ConferenceName, Kom, KomEvent, LiveState } from 'komgate/client'

/** The names of persons and conferences by number, each requested once. */
export class Names {
  readonly #kom: Kom
  readonly #state: () => LiveState
  readonly #requested = new Map<number, Promise<ConferenceName>>()

  /** @param state returns the state, which has the names of the person's own conferences */
  constructor(kom: Kom, state: () => LiveState) {
    this.#kom = kom
    this.#state = state
  }

  /** Returns the name of a conference or person. Rejects if there is none, or if the person may not know of it. */
  of(confNo: number): Promise<ConferenceName> {
    const membership = this.#state().memberships.find(({ conference }) => conference.conf_no === confNo)
    if (membership !== undefined) return Promise.resolve(membership.conference)
    const known = this.#requested.get(confNo)
    if (known !== undefined) return known
    const requested = this.#kom.conferences.get(confNo).then(({ conf_no, name }) => ({ conf_no, name }))
    this.#requested.set(confNo, requested)
    requested.catch(() => this.#requested.delete(confNo))
    return requested
  }

  /** Forgets a name that has changed. */
  onEvent(event: KomEvent): void {
    if (event.type === 'new-name') this.#requested.delete(event.conf_no)
  }
}
