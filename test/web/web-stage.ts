import type { Browser } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import type { Stored } from '../contract/author.ts'
import type { Backend } from '../contract/backends.ts'
import { onStage, type Stage } from '../contract/stage.ts'
import { build } from '../support/built-command.ts'
import { startChromium } from '../support/chromium.ts'
import { openReader, type ReaderPage } from './reader-page.ts'

const START_MS = 60_000

/** A LysKOM server with the cast, a gateway, and a browser. */
export interface WebStage {
  readonly stage: Stage
  /** Runs a test with a page on which a person is logged in. */
  asPerson(
    person: 'alice' | 'bob',
    test: (reader: ReaderPage) => Promise<void>,
    options?: Parameters<typeof openReader>[2],
  ): Promise<void>
  /** Writes a text by bob: its subject, a line feed, and its body. By default in the club. */
  write(text: string, more?: Omit<Stored, 'text'>): Promise<number>
  /** Marks all texts of alice as read. */
  readAll(): Promise<void>
}

/** Prepares a stage and a browser for the tests of the enclosing `describe` block. */
export function onWebStage(start: () => Promise<Backend>): WebStage {
  const stage = onStage(start)
  let browser: Browser
  beforeAll(async () => {
    await build()
    browser = await startChromium()
  }, START_MS)
  afterAll(() => browser.close())
  return {
    stage,
    async asPerson(person, test, options = {}) {
      const reader = await openReader(browser, stage.gateway.url, options)
      await reader.logIn(stage.cast[person].name, stage.cast[person].passwd)
      await test(reader)
      await reader.close()
    },
    async write(text, more = {}) {
      const bob = await stage.author('bob')
      return await bob.write({ text: Buffer.from(text), to: [stage.cast.club.no], ...more })
    },
    async readAll() {
      const alice = await stage.as('alice')
      const { club, secret, closed } = stage.cast
      for (const { no } of [club, secret, closed, stage.cast.alice]) {
        await alice.post(`/persons/current/memberships/${no}/unread`, { no_of_unread: 0 })
      }
    },
  }
}
