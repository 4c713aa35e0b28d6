import { connect, type Socket } from 'node:net'
import { beforeAll, describe, expect, it } from 'vitest'
import { noBits } from '../../src/protocol/codec.ts'
import { extendedConfType, membershipType, personalFlags } from '../../src/protocol/types.ts'
import { connectTo } from '../support/connection.ts'
import { type Author, NO_AUX_FLAGS } from './author.ts'
import { ADMINISTRATOR, BACKENDS } from './backends.ts'
import { type Client, onStage } from './stage.ts'
import { watchEvents } from './watch-events.ts'

const OPEN = noBits(extendedConfType)
const SECRET = { ...OPEN, rdProt: true, secret: true }
const MEMBER = noBits(membershipType)
/** A tag that clients may use for any purpose. */
const TAG = 20_000

// biome-ignore lint/suspicious/noExplicitAny: the expectations of a test check the type
type Seen<K extends string = Viewer> = Record<K, any[]>
type Viewer = 'alice' | 'bob' | 'carol' | 'anonymous'

const item = (data: string, flags: Partial<typeof NO_AUX_FLAGS> = {}, tag = TAG) => ({
  tag,
  flags: { ...NO_AUX_FLAGS, ...flags },
  inheritLimit: 0,
  data: Buffer.from(data),
})

/** Returns who has received each event, as `type field`. */
function received(seen: Seen, field: string): Record<string, string[]> {
  const by: Record<string, string[]> = {}
  for (const [viewer, events] of Object.entries(seen)) {
    for (const event of events) {
      const key = `${event.type} ${event[field]}`
      by[key] = [...(by[key] ?? []), viewer]
    }
  }
  return by
}

describe.each(BACKENDS)('events on $name are sent', ({ start }) => {
  const stage = onStage(start)
  const { seenByEach } = watchEvents(stage)
  let alice: Author
  let bob: Author
  let carol: Author
  let viewers: Record<Viewer, Client>
  let count = 0

  beforeAll(async () => {
    ;[alice, bob, carol] = await Promise.all([stage.author('alice'), stage.author('bob'), stage.author('carol')])
    viewers = {
      alice: await stage.as('alice'),
      bob: await stage.as('bob'),
      carol: await stage.as('carol'),
      anonymous: await stage.fresh(),
    }
  })

  const seenBy = (action: () => Promise<unknown>): Promise<Seen> => seenByEach(viewers, action)

  /** Creates a conference of alice with members. */
  async function conference(members: [Author, Partial<typeof MEMBER>?][], type = OPEN): Promise<number> {
    const no = await alice.connection.call('create-conf', { name: `Events ${++count}`, type, auxItems: [] })
    // alice may add others to her secret conferences; the members set their own flags.
    if (type.secret) for (const [member] of members) await join(alice, no, member)
    for (const [member, flags] of members) await join(member, no, member, flags)
    return no
  }

  const numberOf = (author: Author): number =>
    author === alice ? stage.cast.alice.no : author === bob ? stage.cast.bob.no : stage.cast.carol.no

  async function join(by: Author, confNo: number, member: Author, flags: Partial<typeof MEMBER> = {}): Promise<void> {
    const type = { ...MEMBER, ...flags }
    await by.connection.call('add-member', { confNo, persNo: numberOf(member), priority: 100, where: 1, type })
  }

  it('to the members of the recipients of a new text, but not to passive ones or an author without membership', async () => {
    const conf = await conference([
      [carol, { passive: true }],
      [bob, { secret: true }],
    ])
    let no = 0
    const seen = await seenBy(async () => {
      no = await alice.write({ text: 'x', to: [conf] })
    })
    expect(received(seen, 'text_no')).toEqual({ [`new-text ${no}`]: ['bob'] })
  })

  it('to the members of the recipients of a commented text that may read the new text', async () => {
    const [from, to] = [await conference([[bob]]), await conference([[carol]])]
    const secret = await conference([[alice]], SECRET)
    const root = await alice.write({ text: 'x', to: [from] })
    let comments: number[] = []
    const seen = await seenBy(async () => {
      comments = [
        await alice.write({ text: 'x', to: [to], commentTo: [root] }),
        await alice.write({ text: 'x', to: [to], footnoteTo: [root] }),
        await alice.write({ text: 'x', to: [secret], commentTo: [root] }),
      ]
    })
    expect(received(seen, 'text_no')).toEqual({
      [`new-text ${comments[0]}`]: ['bob', 'carol'],
      [`new-text ${comments[1]}`]: ['bob', 'carol'],
      [`new-text ${comments[2]}`]: ['alice'],
    })
  })

  it('to the members of the old and the new recipients of a text if they may know of the change', async () => {
    const [from, to] = [await conference([[bob]]), await conference([[carol]])]
    const secret = await conference([[alice]], SECRET)
    const text = await alice.write({ text: 'x', to: [from] })
    const change = { textNo: text, recptType: 'recpt' as const }
    const seen = await seenBy(async () => {
      await alice.connection.call('add-recipient', { ...change, confNo: to })
      await alice.connection.call('sub-recipient', { textNo: text, confNo: to })
      await alice.connection.call('add-recipient', { ...change, confNo: secret })
      await alice.connection.call('sub-recipient', { textNo: text, confNo: secret })
    })
    expect(received(seen, 'conf_no')).toEqual({
      [`new-recipient ${to}`]: ['bob', 'carol'],
      [`sub-recipient ${to}`]: ['bob', 'carol'],
      [`new-recipient ${secret}`]: ['alice'],
      [`sub-recipient ${secret}`]: ['alice'],
    })
  })

  it('to the members of the recipients of linked texts, in both directions, of changed and deleted texts', async () => {
    const [first, second, third] = [await conference([[bob]]), await conference([[carol]]), await conference([[alice]])]
    const root = await alice.write({ text: 'x', to: [first] })
    const middle = await alice.write({ text: 'x', to: [second], commentTo: [root] })
    await alice.write({ text: 'x', to: [third], footnoteTo: [middle] })
    const other = await conference([])
    const seen = await seenBy(async () => {
      await alice.connection.call('add-recipient', { textNo: middle, confNo: other, recptType: 'cc-recpt' })
      await alice.connection.call('sub-recipient', { textNo: middle, confNo: other })
      await alice.connection.call('modify-text-info', { text: middle, delete: [], add: [item('x')] })
      await alice.delete(middle)
    })
    const all = ['alice', 'bob', 'carol']
    expect(received(seen, 'text_no')).toEqual({
      [`new-recipient ${middle}`]: all,
      [`sub-recipient ${middle}`]: all,
      [`text-aux-changed ${middle}`]: all,
      [`deleted-text ${middle}`]: all,
    })
  })

  it('about aux-items, without those that the person may not see', async () => {
    const conf = await conference([[alice], [bob], [carol, { passive: true }]])
    const text = await alice.write({ text: 'x', to: [conf], contentType: 'text/plain' })
    const modify = (remove: number[], ...add: ReturnType<typeof item>[]) =>
      alice.connection.call('modify-text-info', { text, delete: remove, add })
    const seen = await seenBy(async () => {
      await modify([], item('shown'), item('hidden creator', { hideCreator: true }), item('secret', { secret: true }))
      await modify([4])
      await modify([1, 2], item('text/html', {}, 1))
      await modify([])
    })
    const { no } = stage.cast.alice
    const aux = (aux_no: number, tag: number, creator: number, data: string) =>
      expect.objectContaining({ aux_no, tag, creator, data, flags: expect.objectContaining({ deleted: false }) })
    const gone = (aux_no: number) =>
      expect.objectContaining({ aux_no, flags: expect.objectContaining({ deleted: true }) })
    const event = (deleted: unknown[], added: unknown[]) => ({
      type: 'text-aux-changed',
      text_no: text,
      deleted,
      added,
    })
    const last = event([gone(1), gone(2)], [aux(5, 1, no, 'text/html')])
    expect(seen).toEqual({
      alice: [
        event([], [aux(2, TAG, no, 'shown'), aux(3, TAG, no, 'hidden creator'), aux(4, TAG, no, 'secret')]),
        event([gone(4)], []),
        last,
      ],
      bob: [event([], [aux(2, TAG, no, 'shown'), aux(3, TAG, 0, 'hidden creator')]), last],
      carol: [],
      anonymous: [],
    })
  })

  it('about memberships to the person alone, also if they are passive or secret or another person changes them', async () => {
    const conf = await conference([])
    const member = { confNo: conf, persNo: stage.cast.bob.no }
    const seen = await seenBy(async () => {
      await join(bob, conf, bob, { passive: true, secret: true })
      // A change of the flags is not a new membership.
      await join(bob, conf, bob)
      await bob.connection.call('set-membership-type', {
        pers: member.persNo,
        conf,
        type: { ...MEMBER, passive: true },
      })
      await alice.connection.call('sub-member', member)
      await join(alice, conf, bob)
      await bob.connection.call('sub-member', member)
    })
    const joined = { type: 'new-membership', pers_no: member.persNo, conf_no: conf }
    const left = { type: 'leave-conf', conf_no: conf }
    expect(seen).toEqual({ alice: [], bob: [joined, left, joined, left], carol: [], anonymous: [] })
  })

  it('about a deleted conference to its members, and about the end of its presentation and notice to all readers', async () => {
    const conf = await conference([[alice], [carol, { passive: true, secret: true }]])
    const text = await bob.write({ text: 'x', to: [stage.cast.other.no] })
    await alice.connection.call('set-presentation', { confNo: conf, textNo: text })
    await alice.connection.call('set-etc-motd', { confNo: conf, textNo: text })
    const seen = await seenBy(() => alice.connection.call('delete-conf', { conf }))
    const ends = [
      { type: 'new-presentation', conf_no: conf, old_presentation: text, new_presentation: 0 },
      { type: 'new-motd', conf_no: conf, old_motd: text, new_motd: 0 },
    ]
    const left = { type: 'leave-conf', conf_no: conf }
    expect(seen).toEqual({ alice: [...ends, left], bob: ends, carol: [...ends, left], anonymous: [] })
  })

  it('about a deleted person: the end of the sessions, and the user area to the supervisors', async () => {
    const flags = noBits(personalFlags)
    const person = { no: 0, name: `Events ${++count}`, passwd: 'x' }
    person.no = await bob.connection.call('create-person', { name: person.name, passwd: 'x', flags, auxItems: [] })
    const author = await stage.authorOf(person)
    await author.connection.call('login', { person: person.no, passwd: 'x', invisible: false })
    const session_no = await author.connection.call('who-am-i', {})
    const area = await author.write({ text: 'x' })
    const seen = await seenBy(async () => {
      await author.connection.call('set-user-area', { persNo: person.no, userArea: area })
      await author.connection.call('delete-conf', { conf: person.no })
    })
    await author.connection.close()
    const logout = { type: 'logout', pers_no: person.no, session_no }
    const changed = (old_user_area: number, new_user_area: number) => ({
      type: 'new-user-area',
      pers_no: person.no,
      old_user_area,
      new_user_area,
    })
    expect(seen).toEqual({
      alice: [logout],
      bob: [changed(0, area), logout, changed(area, 0)],
      carol: [logout],
      anonymous: [logout],
    })
  })

  it('about names to those who may know of the conference', async () => {
    const [open, secret] = [await conference([]), await conference([[bob]], SECRET)]
    const seen = await seenBy(async () => {
      await alice.connection.call('change-name', { conference: open, newName: `Events ${++count}` })
      await alice.connection.call('change-name', { conference: secret, newName: `Events ${++count}` })
    })
    expect(received(seen, 'conf_no')).toEqual({
      [`new-name ${open}`]: ['alice', 'bob', 'carol', 'anonymous'],
      [`new-name ${secret}`]: ['alice', 'bob'],
    })
  })

  it('about presentations and notices to those who may know of the conference and read the text', async () => {
    const [open, secret] = [await conference([]), await conference([[bob]], SECRET)]
    const text = await alice.write({ text: 'x', to: [secret] })
    const seen = await seenBy(async () => {
      for (const confNo of [open, secret]) {
        await alice.connection.call('set-presentation', { confNo, textNo: text })
        await alice.connection.call('set-etc-motd', { confNo, textNo: text })
      }
    })
    const readers = ['alice', 'bob']
    expect(received(seen, 'conf_no')).toEqual({
      [`new-presentation ${open}`]: readers,
      [`new-motd ${open}`]: readers,
      [`new-presentation ${secret}`]: readers,
      [`new-motd ${secret}`]: readers,
    })
  })

  it('about visible sessions to all sessions, without a working conference that they may not know of', async () => {
    const secret = await conference([[alice]], SECRET)
    const { connection } = await stage.authorOf(stage.cast.alice)
    const login = { person: stage.cast.alice.no, passwd: stage.cast.alice.passwd }
    const session_no = await connection.call('who-am-i', {})
    const work = async () => {
      await connection.call('change-conference', { conference: secret })
      await connection.call('change-what-i-am-doing', { whatAmIDoing: 'x' })
    }
    const seen = await seenBy(async () => {
      await work()
      await connection.call('logout', {})
      await connection.call('login', { ...login, invisible: false })
      await work()
      await connection.call('login', { ...login, invisible: true })
      await work()
      await connection.close()
      // An anonymous session ends without a message.
      await (await connectTo(stage.backend.port)).call('disconnect', { sessionNo: 0 })
    })
    const pers_no = stage.cast.alice.no
    const info = (working_conference: number, what_am_i_doing: string) => ({
      type: 'i-am-on',
      info: expect.objectContaining({ person: pers_no, session: session_no, working_conference, what_am_i_doing }),
    })
    const events = (conf: number) => [
      { type: 'login', pers_no, session_no },
      info(conf, ''),
      info(conf, 'x'),
      { type: 'logout', pers_no, session_no },
    ]
    const others = events(0)
    expect(seen).toEqual({ alice: events(secret), bob: others, carol: others, anonymous: others })
  })

  it('about messages to members, to passive ones only if they invert it, and to anonymous sessions if to all', async () => {
    const conf = await conference([[alice], [bob, { passive: true }]])
    await join(carol, conf, carol, { passive: true, passiveMessageInvert: true })
    const inverted = await conference([[alice], [bob, { passiveMessageInvert: true }]])
    const send = (recipient: number, message: string) =>
      alice.connection.call('send-message', { recipient, message: Buffer.from(message) })
    const seen = await seenBy(async () => {
      await send(conf, 'x')
      await send(inverted, 'x')
      await send(stage.cast.bob.no, 'x')
      await send(0, 'x')
    })
    expect(received(seen, 'recipient')).toEqual({
      [`send-message ${conf}`]: ['alice', 'carol'],
      [`send-message ${inverted}`]: ['alice'],
      [`send-message ${stage.cast.bob.no}`]: ['bob'],
      'send-message 0': ['alice', 'bob', 'carol', 'anonymous'],
    })
  })

  it('before and after the server saves its database to all sessions', async () => {
    const { connection } = await stage.authorOf(ADMINISTRATOR)
    await connection.call('enable', { level: 255 })
    const seen = await seenBy(() => connection.call('sync-kom', {}))
    await connection.close()
    const events = [{ type: 'sync-db' }, { type: 'sync-db' }]
    expect(seen).toEqual({ alice: events, bob: events, carol: events, anonymous: events })
  })
})

describe.each(BACKENDS)('events on $name with few connections', ({ start }) => {
  const MAX_CONNECTIONS = 20
  const stage = onStage(() => start(MAX_CONNECTIONS))
  const { follow } = watchEvents(stage)

  it('report rejected connections to all sessions', async () => {
    const streams = [await follow(await stage.as('alice')), await follow(await stage.fresh())]
    const sockets: Socket[] = []
    let isRejected = false
    while (!isRejected && sockets.length <= MAX_CONNECTIONS) {
      const socket = connect(stage.backend.port, stage.backend.host)
      sockets.push(socket)
      socket.write('A1Hx\n')
      isRejected = await new Promise((resolve) => {
        // A server that rejects a client may reset the connection before the client has read why.
        socket.on('error', () => resolve(true))
        socket.once('data', (greeting) => resolve(String(greeting) !== 'LysKOM\n'))
      })
    }
    expect(isRejected).toBe(true)
    for (const stream of streams) expect((await stream.first(1))[0]?.data).toEqual({ type: 'rejected-connection' })
    for (const socket of sockets) socket.destroy()
  })
})
