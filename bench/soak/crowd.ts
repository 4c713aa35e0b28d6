import { CutShort } from './browser.ts'
import { countOne } from './ledger.ts'
import type { OpeningHours } from './opening-hours.ts'
import type { Random } from './random.ts'
import { type Scenery, Visit } from './visit.ts'
import { VISITS } from './visits/index.ts'
import { within } from './within.ts'

/** Longer visits are stuck. */
const VISIT_MS = 90_000
/** Names of the kinds, repeated by weight. */
const KINDS = Object.entries(VISITS).flatMap(([kind, { weight }]) => Array.from({ length: weight }, () => kind))
const ORDER = Object.keys(VISITS)

/** Keeps `clients` clients running while it is `open`. Resolves when all have left. */
export async function crowd(scenery: Scenery, random: Random, clients: number, open: OpeningHours): Promise<void> {
  let last = 0
  const comeAndGo = async (first: number): Promise<void> => {
    // Staggers the first clients.
    await new Promise((resolve) => setTimeout(resolve, first * 20))
    while (open.isOpen) await visitOnce(scenery, random.fork(`visit ${++last}`))
  }
  await Promise.all(Array.from({ length: clients }, (_, i) => comeAndGo(i)))
}

async function visitOnce(scenery: Scenery, random: Random): Promise<void> {
  const { ledger, places } = scenery
  const kind = random.pick(KINDS)
  const visit = new Visit(scenery, random.pick(places), random, { name: kind, no: ORDER.indexOf(kind) })
  countOne(ledger.visits, kind)
  try {
    const end = await within(VISIT_MS, VISITS[kind]?.visit(visit) ?? Promise.resolve())
    if (end === 'late') ledger.problem('stuck', `${kind} (${visit.place.id})`)
    visit.browser.close()
  } catch (error) {
    // After a fault the client leaves without cleanup.
    visit.browser.vanish()
    if (error instanceof CutShort) countOne(ledger.cutShort, kind)
    else ledger.problem('wrong answer', `${kind} (${visit.place.id}): ${(error as Error).stack}`)
    // Delays the next client after a failed one.
    await visit.pause(50, 300)
  }
}
