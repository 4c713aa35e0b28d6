import type { Kom } from 'komgate/client'

/** The shortest time between two reports of activity. */
const INTERVAL_MS = 60_000

/**
 * Reports to others where the person reads and that they are active. It makes no requests of its own: what there is to
 * report goes with the read markings.
 */
export class Activity {
  readonly #kom: Pick<Kom, 'setWorkingConference' | 'active'>
  readonly #confNo: () => number | undefined
  #reportedConfNo: number | undefined
  #reportedAt = Number.NEGATIVE_INFINITY

  /** @param confNo returns the conference in which the person reads */
  constructor(kom: Pick<Kom, 'setWorkingConference' | 'active'>, confNo: () => number | undefined) {
    this.#kom = kom
    this.#confNo = confNo
  }

  /** Returns the requests that are due. A report that fails is not repeated: the next one follows soon. */
  reports(now = Date.now()): Promise<void>[] {
    const due: Promise<void>[] = []
    const confNo = this.#confNo()
    if (confNo !== undefined && confNo !== this.#reportedConfNo) {
      this.#reportedConfNo = confNo
      due.push(this.#kom.setWorkingConference(confNo))
    }
    if (now - this.#reportedAt >= INTERVAL_MS) {
      this.#reportedAt = now
      due.push(this.#kom.active())
    }
    return due
  }
}
