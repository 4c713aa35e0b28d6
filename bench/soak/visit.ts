import { setTimeout as sleep } from 'node:timers/promises'
import { Browser } from './browser.ts'
import type { Ledger } from './ledger.ts'
import type { Person, Place } from './place.ts'
import type { Random } from './random.ts'
import { Session } from './session.ts'

/** Number of addresses per kind of client. */
const ADDRESSES = 50

export interface Scenery {
  /** the gateway's */
  port: number
  ledger: Ledger
  places: readonly Place[]
}

/** One client: its server, its random choices and its connections. */
export class Visit {
  readonly browser: Browser
  /** its address on the loopback network */
  readonly address: string
  readonly port: number
  readonly ledger: Ledger

  constructor(
    { port, ledger }: Scenery,
    readonly place: Place,
    readonly random: Random,
    /** kind name for reports, and the number of the kind */
    kind: { name: string; no: number },
  ) {
    this.port = port
    this.ledger = ledger
    this.address = `127.1.${kind.no}.${random.whole(1, ADDRESSES)}`
    this.browser = new Browser({ port, address: this.address, ledger, place, kind: kind.name })
  }

  person(): Person {
    return this.random.pick(this.place.people)
  }

  /** Opens a session on the visit's server. */
  open(): Promise<Session> {
    return Session.open(this)
  }

  async pause(minMs: number, maxMs: number): Promise<void> {
    await sleep(this.random.whole(minMs, maxMs))
  }
}
