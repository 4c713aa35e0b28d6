import { readFileSync } from 'node:fs'
import type { Hub } from './context.ts'
import { contentType } from './demo-data.ts'
import { deleteText } from './handlers/deleting.ts'
import { announceText } from './handlers/texts.ts'
import { maySubmit } from './permissions.ts'

/** A thread that the bot writes, in the format of fixtures/demo-bot.json. */
export interface BotThread {
  /** number of the conference that receives the texts */
  readonly conference: number
  readonly texts: readonly {
    /** person number */
    readonly author: number
    readonly subject: string
    readonly body: string
    /** index of the text of the thread that this one comments */
    readonly commentTo?: number
  }[]
}

/** Options of `startLiveBot`. */
export interface LiveBotOptions {
  /** Default: fixtures/demo-bot.json */
  readonly threads?: readonly BotThread[]
  /** Shortest and longest time between two texts, in milliseconds. Default: one to four minutes */
  readonly intervalMs?: readonly [number, number]
  /** The bot deletes the oldest of its texts above this number. Default 100 */
  readonly maxTexts?: number
  /** Returns a number from 0 up to, but not including, 1. Default: `Math.random` */
  readonly random?: () => number
  /** Runs an action after a time in milliseconds. Returns a function that cancels it. */
  readonly schedule?: (action: () => void, ms: number) => () => void
}

const INTERVAL_MS = [60_000, 240_000] as const
const MAX_TEXTS = 100
const CONTENT_TYPE = 'text/x-kom-basic'

/**
 * Lets the persons of the demo server write texts from time to time, so that clients receive messages. Threads are
 * written one after the other, in random order, and repeated. The texts do not count towards the limits of clients.
 *
 * @returns a function that stops the bot
 */
export function startLiveBot(hub: Hub, options: LiveBotOptions = {}): () => void {
  const { threads = bundledThreads(), intervalMs: [shortest, longest] = INTERVAL_MS } = options
  const { maxTexts = MAX_TEXTS, random = Math.random, schedule = scheduleUnref } = options
  /** The numbers of the bot's texts, oldest first. */
  const written: number[] = []
  /** The threads that follow the current one. */
  let waiting: BotThread[] = []
  let thread: BotThread | undefined
  /** The numbers of the texts of the current thread. */
  let numbers: number[] = []
  let cancel = (): void => undefined

  const wait = (): void => {
    cancel = schedule(
      () => {
        writeNext()
        wait()
      },
      shortest + random() * (longest - shortest),
    )
  }

  function writeNext(): void {
    if (thread === undefined || numbers.length === thread.texts.length) {
      if (waiting.length === 0) waiting = shuffled(threads, random)
      thread = waiting.pop()
      numbers = []
    }
    const no = thread && writeText(hub, thread, numbers)
    if (no === undefined) {
      // Clients have deleted the conference, a person or a text: the next text begins another thread.
      thread = undefined
      return
    }
    numbers.push(no)
    written.push(no)
    for (const old of written.splice(0, written.length - maxTexts)) {
      const text = hub.db.texts.get(old)
      if (text !== undefined) deleteText(hub, text)
    }
  }

  wait()
  return () => cancel()
}

/**
 * Writes the next text of a thread and notifies the sessions of it.
 *
 * @param numbers the numbers of the texts of the thread that are written
 * @returns the number of the text; undefined if the conference, the author or the commented text is missing, or if the
 * author may not write to the conference
 */
function writeText(hub: Hub, thread: BotThread, numbers: readonly number[]): number | undefined {
  const { db } = hub
  const next = thread.texts[numbers.length]
  const conf = db.conferences.get(thread.conference)
  if (next === undefined || conf === undefined || !db.persons.has(next.author)) return undefined
  if (!maySubmit(db, { person: next.author, level: 0 }, conf)) return undefined
  const linked = next.commentTo === undefined ? [] : [numbers[next.commentTo] ?? 0]
  if (!linked.every((no) => db.texts.has(no))) return undefined
  const created = new Date()
  const text = db.addText({
    author: next.author,
    created,
    body: Buffer.from(`${next.subject}\n${next.body}`),
    misc: [{ kind: 'recpt', conf: conf.no }, ...linked.map((no) => ({ kind: 'comm-to' as const, text: no }))],
    auxItems: contentType(CONTENT_TYPE, next.author, created),
  })
  announceText(hub, text)
  return text.no
}

/** Reads fixtures/demo-bot.json. A test checks that it fits fixtures/demo.json. */
export function bundledThreads(): BotThread[] {
  return JSON.parse(readFileSync(new URL('../../fixtures/demo-bot.json', import.meta.url), 'utf8'))
}

/** Returns the elements in random order. */
function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const left = [...items]
  return items.flatMap(() => left.splice(Math.floor(random() * left.length), 1))
}

/** Sets a timer that does not keep the process running. */
function scheduleUnref(action: () => void, ms: number): () => void {
  const timer = setTimeout(action, ms)
  timer.unref()
  return () => clearTimeout(timer)
}
