import type { Browser } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import type { Stored } from '../contract/author.ts'
import type { Backend } from '../contract/backends.ts'
import { onStage, type Stage } from '../contract/stage.ts'
import { build } from '../support/built-command.ts'
import { startChromium } from '../support/chromium.ts'
import { openReader, type ReaderPage } from './reader-page.ts'

const START_MS = 60_000

type ReaderOptions = Parameters<typeof openReader>[2]

/** A LysKOM server with the cast, a gateway and Chromium, for the tests of one `describe` block. */
export class ReaderStage {
  readonly stage: Stage
  browser!: Browser

  constructor(stage: Stage) {
    this.stage = stage
  }

  /** Opens the reader in a new context. */
  open(options: ReaderOptions = {}): Promise<ReaderPage> {
    return openReader(this.browser, this.stage.gateway.url, options)
  }

  /** Runs a test with a page on which a person is logged in. */
  async asPerson(
    player: 'alice' | 'bob',
    test: (reader: ReaderPage) => Promise<void>,
    options: ReaderOptions = {},
  ): Promise<void> {
    const reader = await this.open(options)
    await reader.logIn(this.stage.cast[player].name, this.stage.cast[player].passwd)
    await test(reader)
    await reader.close()
  }

  /** Writes a text by bob: its subject, a line feed, and its body. By default in the club. */
  async write(text: string, more: Omit<Stored, 'text'> = {}): Promise<number> {
    const bob = await this.stage.author('bob')
    return await bob.write({ text: Buffer.from(text), to: [this.stage.cast.club.no], ...more })
  }

  /** Returns the unread texts of alice in the club. */
  async unreadOfAlice(): Promise<number[]> {
    const { alice, club } = this.stage.cast
    const { json } = await (await this.stage.as('alice')).get(`/persons/${alice.no}/memberships/${club.no}/unread`)
    return json.unread_texts
  }

  /** Marks all texts as read by alice. */
  async readAll(): Promise<void> {
    const client = await this.stage.as('alice')
    const { alice, club, secret, closed } = this.stage.cast
    for (const { no } of [club, secret, closed, alice]) {
      await client.post(`/persons/current/memberships/${no}/unread`, { no_of_unread: 0 })
    }
  }
}

/**
 * Starts a stage with Chromium before the tests of the enclosing `describe` block and ends it after them.
 *
 * @param start starts the LysKOM server
 */
export function onReaderStage(start: () => Promise<Backend>): ReaderStage {
  const reader = new ReaderStage(onStage(start))
  beforeAll(async () => {
    await build()
    reader.browser = await startChromium()
  }, START_MS)
  afterAll(() => reader.browser?.close())
  return reader
}
