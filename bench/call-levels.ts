/**
 * Runs inside the gateway's process and measures the depth of an operation: the number of round trips if any number of
 * calls could be in flight. It holds replies back until all calls made so far are answered and then delivers them
 * together; calls made after that are one level deeper.
 */

/** Longer than the gateway needs to make the follow-up calls of a reply. */
const QUIET_MS = 25

const KOMGATE = new URL('../../../dist/connection/connection.js', import.meta.url)

export interface Levels {
  depth: number
  calls: number
}

let levels: Levels | undefined
let unanswered = 0
const keptBack: (() => void)[] = []
let quiet: NodeJS.Timeout | undefined

/** Starts counting. */
export function begin(): void {
  levels = { depth: 0, calls: 0 }
}

/** Stops counting and returns the counts. */
export function end(): Levels {
  if (levels === undefined) throw new Error('nothing was counted')
  const counted = levels
  levels = undefined
  return counted
}

async function kept<T>(counted: Levels, answer: Promise<T>): Promise<T> {
  counted.calls++
  unanswered++
  try {
    return await answer
  } finally {
    unanswered--
    await new Promise<void>((handOut) => {
      keptBack.push(handOut)
      clearTimeout(quiet)
      quiet = setTimeout(nextLevel, QUIET_MS, counted)
    })
  }
}

function nextLevel(counted: Levels): void {
  // The last reply triggers this again.
  if (unanswered > 0) return
  counted.depth++
  for (const handOut of keptBack.splice(0)) handOut()
}

const { Connection } = (await import(KOMGATE.href)) as typeof import('../src/connection/connection.ts')
type Call = (...args: unknown[]) => Promise<unknown>
const call = Connection.prototype.call as Call
Object.assign(Connection.prototype, {
  call(this: unknown, ...args: unknown[]): Promise<unknown> {
    const answer = call.apply(this, args)
    return levels === undefined ? answer : kept(levels, answer)
  },
})
