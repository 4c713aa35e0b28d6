/**
 * Runs inside komgate's process and finds out how deep an operation is: how many round trips it would wait for if any
 * number of calls could be on their way at once. What the server has answered is kept back until all calls that have
 * been made are answered, and then handed out at once; whatever is called for next is one level deeper.
 */

/** Long after everything that follows from an answer has been called for. */
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

/** Counts from now on. */
export function begin(): void {
  levels = { depth: 0, calls: 0 }
}

/** Counts no longer; returns what was counted. */
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
  // The last one to be answered will ask again.
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
