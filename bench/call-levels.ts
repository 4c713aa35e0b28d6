/**
 * Preloaded into the gateway's process to measure the depth of an operation: the number of round trips if any number of
 * calls could be in flight. It holds replies back until all calls made so far are answered and then delivers them
 * together; calls made after that are one level deeper. The inspector calls `callLevels.begin()` and `callLevels.end()`.
 */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Longer than the gateway needs to make the follow-up calls of a reply. */
const QUIET_MS = 25

export interface Levels {
  depth: number
  calls: number
}

let levels: Levels | undefined
let unanswered = 0
const held: (() => void)[] = []
let quiet: NodeJS.Timeout | undefined

async function hold<T>(counted: Levels, reply: Promise<T>): Promise<T> {
  counted.calls++
  unanswered++
  try {
    return await reply
  } finally {
    unanswered--
    await new Promise<void>((release) => {
      held.push(release)
      clearTimeout(quiet)
      quiet = setTimeout(nextLevel, QUIET_MS, counted)
    })
  }
}

function nextLevel(counted: Levels): void {
  // The last reply triggers this again.
  if (unanswered > 0) return
  counted.depth++
  for (const release of held.splice(0)) release()
}

const url = pathToFileURL(resolve('dist/connection/connection.js')).href
const { Connection } = (await import(url)) as typeof import('../src/connection/connection.ts')
type Call = (...args: unknown[]) => Promise<unknown>
const call = Connection.prototype.call as Call
Object.assign(Connection.prototype, {
  call(this: unknown, ...args: unknown[]): Promise<unknown> {
    const reply = call.apply(this, args)
    return levels === undefined ? reply : hold(levels, reply)
  },
})
Object.assign(globalThis, {
  callLevels: {
    begin: (): void => {
      levels = { depth: 0, calls: 0 }
    },
    end: (): Levels | undefined => {
      const counted = levels
      levels = undefined
      return counted
    },
  },
})
