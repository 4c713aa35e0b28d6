import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Connection } from '../../src/connection/connection.ts'
import { noBits } from '../../src/protocol/codec.ts'
import { extendedConfType, membershipType } from '../../src/protocol/types.ts'
import { EventClient } from '../support/event-client.ts'
import { type Author, NO_AUX_FLAGS } from './author.ts'
import { BACKENDS } from './backends.ts'
import { type Client, onStage } from './stage.ts'

const MEMBER = noBits(membershipType)
const PASSIVE = { ...MEMBER, passive: true }
const ITEM = { tag: 20_000, flags: NO_AUX_FLAGS, inheritLimit: 0, data: Buffer.from('x') }

/** What a change outside the gateway is made of. */
interface Scene {
  /** another program of the person of the session */
  own: Connection
  /** another person, who also writes as `author` */
  other: Connection
  author: Author
  /** number of the person of the session */
  persNo: number
  /** a conference with both persons as members */
  conf: number
  /** a conference in which the person of the session is a passive member */
  passiveConf: number
  /** a text in `conf` with the local number 1, and a comment on it */
  text: number
  comment: number
  /** a text in the mailbox of the person who makes the changes as `other` */
  letter: number
}

/** Changes that the demo server does not support. */
const LYSKOMD_ONLY = new Set([
  'the type of a conference changes',
  'the garb-nice of a conference changes',
  'aux-items of a conference change',
])

/** The changes that docs/api.md lists as not reported. */
const UNREPORTED: Record<string, (scene: Scene) => Promise<unknown>> = {
  'the person reads texts': ({ own, conf }) => own.call('mark-as-read', { conference: conf, text: [1] }),
  'the person marks texts as unread': ({ own, conf }) => own.call('mark-as-unread', { conference: conf, text: 1 }),
  'the person sets what is unread': ({ own, conf }) => own.call('set-unread', { confNo: conf, noOfUnread: 1 }),
  'the person sets the last read text': ({ own, conf }) => own.call('set-last-read', { conference: conf, lastRead: 1 }),
  'the person sets the read ranges': ({ own, conf }) =>
    own.call('set-read-ranges', { conference: conf, readRanges: [] }),
  'the person marks a text': ({ own, text }) => own.call('mark-text', { text, markType: 1 }),
  'the person removes a mark': ({ own, text }) => own.call('unmark-text', { textNo: text }),
  'another person marks a text': ({ other, text }) => other.call('mark-text', { text, markType: 1 }),
  'the person leaves a conference that was read': async ({ own, conf }) => {
    await own.call('change-conference', { conference: conf })
    await own.call('change-conference', { conference: 0 })
  },
  'the priority of a membership changes': ({ own, conf, persNo }) =>
    own.call('add-member', { confNo: conf, persNo, priority: 7, where: 0, type: MEMBER }),
  'the flags of a membership change': ({ own, conf, persNo }) =>
    own.call('add-member', { confNo: conf, persNo, priority: 7, where: 0, type: { ...MEMBER, secret: true } }),
  'a text is no longer a comment': ({ other, text, comment }) =>
    other.call('sub-comment', { textNo: comment, commentTo: text }),
  'a text becomes a footnote': ({ other, text, comment }) =>
    other.call('add-footnote', { textNo: comment, footnoteTo: text }),
  'a text is no longer a footnote': ({ other, text, comment }) =>
    other.call('sub-footnote', { textNo: comment, footnoteTo: text }),
  'a text becomes a comment': ({ other, text, comment }) =>
    other.call('add-comment', { textNo: comment, commentTo: text }),
  'a recipient reads a letter': ({ other, letter }) => readLetter(other, letter),
  'a text is written in a conference with a passive membership': ({ author, passiveConf }) =>
    author.write({ text: 'x', to: [passiveConf] }),
  'a comment is written that the person may not read': ({ author, text, letter: _ }) =>
    author.write({ text: 'x', commentTo: [text] }),
  'a text without members among its recipients changes': ({ other, letter }) =>
    other.call('modify-text-info', { text: letter, delete: [], add: [ITEM] }),
  'the type of a conference changes': ({ other, conf }) =>
    other.call('set-conf-type', { confNo: conf, type: { ...noBits(extendedConfType), original: true } }),
  'the garb-nice of a conference changes': ({ other, conf }) => other.call('set-garb-nice', { confNo: conf, nice: 5 }),
  'aux-items of a conference change': ({ other, conf }) =>
    other.call('modify-conf-info', { conf, delete: [], add: [ITEM] }),
  'a conference is created': ({ other }) =>
    other.call('create-conf', { name: 'Unreported', type: noBits(extendedConfType), auxItems: [] }),
}

async function readLetter(reader: Connection, textNo: number): Promise<void> {
  const { miscInfo } = await reader.call('get-text-stat', { textNo })
  const conference = miscInfo.find(({ kind }) => kind === 'recpt')?.value as number
  const local = miscInfo.find(({ kind }) => kind === 'loc-no')?.value as number
  await reader.call('mark-as-read', { conference, text: [local] })
}

describe.each(BACKENDS)('no event of $name reports, outside the gateway, that', ({ name, start }) => {
  const changes = Object.entries(UNREPORTED).filter(([what]) => name === 'lyskomd' || !LYSKOMD_ONLY.has(what))
  const stage = onStage(start)
  let scene: Scene
  let session: Client
  let stream: EventClient
  let ends = 0

  beforeAll(async () => {
    const { alice, bob } = stage.cast
    const [own, author] = [await stage.author('alice'), await stage.author('bob')]
    const other = author.connection
    const conference = (name: string) =>
      other.call('create-conf', { name, type: noBits(extendedConfType), auxItems: [] })
    const join = (by: Author, confNo: number, persNo: number, type: typeof MEMBER) =>
      by.connection.call('add-member', { confNo, persNo, priority: 100, where: 1, type })
    const [conf, passiveConf] = [await conference('Reported'), await conference('Reported passively')]
    await join(own, conf, alice.no, MEMBER)
    await join(own, passiveConf, alice.no, PASSIVE)
    await join(author, conf, bob.no, MEMBER)
    const text = await author.write({ text: 'x', to: [conf] })
    const comment = await author.write({ text: 'x', to: [conf], commentTo: [text] })
    const letter = await author.write({ text: 'x', to: [bob.no] })
    scene = { own: own.connection, other, author, persNo: alice.no, conf, passiveConf, text, comment, letter }
    session = await stage.fresh('alice')
    stream = await EventClient.open(`${stage.gateway.url}/kom/sessions/current/events`, { id: session.id })
  })
  afterAll(() => stream?.close())

  it.each(changes)('%s', async (_, change) => {
    const before = stream.events.length
    await change(scene)
    const message = `end ${++ends}`
    await scene.other.call('send-message', { recipient: scene.persNo, message: Buffer.from(message) })
    await expect.poll(() => stream.events.at(-1)?.data.message).toBe(message)
    // The working conference is reported, not its consequence.
    const seen = stream.events.slice(before, -1).filter(({ type }) => type !== 'i-am-on')
    expect(seen).toEqual([])
  })
})
