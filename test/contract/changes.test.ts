import { once } from 'node:events'
import { afterAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { EventClient } from '../support/event-client.ts'
import { BACKENDS } from './backends.ts'
import { type Client, onStage } from './stage.ts'

const TYPES = 'read,unread,unread-set,membership,marked,unmarked,linked,unlinked'
const MARK_TEXT = 72
const ACTIVE = { invitation: false, passive: false, secret: false, passive_message_invert: false }
const RESERVED = { reserved2: false, reserved3: false, reserved4: false, reserved5: false }

// biome-ignore lint/suspicious/noExplicitAny: the expectations of a test check the type
type Data = any

describe.each(BACKENDS)('changes that Protocol A does not report, on $name', ({ start }) => {
  const stage = onStage(start)
  const clients: EventClient[] = []
  afterAll(async () => {
    for (const client of clients) await client.close()
  })

  async function follow(session: Client): Promise<EventClient> {
    const url = `${stage.gateway.url}/kom/sessions/current/events?types=${TYPES},send-message`
    const client = await EventClient.open(url, { id: session.id })
    clients.push(client)
    return client
  }

  /**
   * Returns the events that each session receives because of the changes that one of them makes.
   * @param changes makes the changes. `received` resolves when each session has received the given number of events so
   *   far: a later change may replace one that a session has not checked yet.
   */
  async function seenBy(
    sessions: readonly Client[],
    changes: (received: (...counts: number[]) => Promise<void>) => Promise<unknown>,
  ): Promise<Data[][]> {
    const streams = await Promise.all(sessions.map(follow))
    await changes(async (...counts) => {
      await expect.poll(() => streams.map(({ events }) => events.length)).toEqual(counts)
    })
    const marker = `end ${clients.length}`
    const { connection } = await stage.author('bob')
    await connection.call('send-message', { recipient: 0, message: Buffer.from(marker) })
    return await Promise.all(
      streams.map(async ({ events }) => {
        await expect.poll(() => events.at(-1)?.data.message).toBe(marker)
        return events.filter(({ type }) => type !== 'send-message').map(({ data }) => data)
      }),
    )
  }

  /** Returns two sessions of alice, the first of which makes the changes, and one of bob. */
  async function three(): Promise<[Client, Client, Client]> {
    return await Promise.all([stage.fresh('alice'), stage.fresh('alice'), stage.fresh('bob')])
  }

  it('of what was read are events of all sessions of the person, and no others', async () => {
    const { club, other } = stage.cast
    const alice = await stage.author('alice')
    const text_no = await alice.write({ text: 'x', to: [club.no], cc: [other.no] })
    const sessions = await three()
    const [session] = sessions
    const text = (await session.get(`/texts/${text_no}`)).json
    const local: number = text.recipient_list[0].loc_no
    const [own, same, others] = await seenBy(sessions, async (received) => {
      await session.put(`/texts/${text_no}/read-marking`)
      await session.delete(`/texts/${text_no}/read-marking`)
      await received(2, 2, 0)
      await session.put(`/conferences/${club.no}/texts/${local}/read-marking`)
      await session.post('/calls/mark-as-unread', { conference: club.no, text: local })
      await received(4, 4, 0)
      await session.post(`/persons/current/memberships/${club.no}/unread`, { no_of_unread: 1 })
      await received(5, 5, 0)
      await session.post('/calls/set-last-read', { conference: club.no, last_read: local })
      await received(6, 6, 0)
      await session.post('/calls/set-read-ranges', { conference: club.no, read_ranges: [] })
      await received(7, 7, 0)
    })
    const about = { conf_no: club.no }
    const expected = [
      { type: 'read', ...about, local_nos: [local], text_nos: [text_no] },
      { type: 'unread', ...about, local_nos: [local], text_nos: [text_no] },
      { type: 'read', ...about, local_nos: [local] },
      { type: 'unread', ...about, local_nos: [local] },
      { type: 'unread-set', ...about, no_of_unread: 1, ranges: [{ first: 1, last: local - 1 }] },
      { type: 'read', ...about, ranges: [{ first: 1, last: local }] },
      { type: 'read', ...about, ranges: [] },
    ]
    expect(own).toEqual(expected)
    // The check of another session's change returns the number of the text.
    const checkedChange = (each: Data) => (each.type === 'unread' ? { ...each, text_nos: [text_no] } : each)
    expect(same).toEqual(expected.map(checkedChange))
    expect(others).toEqual([])
  })

  it('of marks, made in any way, are events of all sessions of the person', async () => {
    const { root } = stage.cast.texts
    const sessions = await three()
    const [session] = sessions
    const [own, same, others] = await seenBy(sessions, async (received) => {
      await session.put(`/texts/${root}/mark`, { type: 7 })
      await session.delete(`/texts/${root}/mark`)
      await session.post('/calls/mark-text', { text: root, mark_type: 8 })
      await session.post('/calls/mark-text-old', { text: root, mark_type: 0 })
      const requests = [{ id: 'a', method: 'PUT', url: `/texts/${root}/mark`, body: { type: 9 } }]
      await session.post('/batch', { requests })
      await session.delete(`/texts/${root}/mark`)
      const socket = new WebSocket(`${stage.gateway.url.replace('http', 'ws')}/websocket`, {
        headers: { 'httpkom-connection': session.id },
      })
      await once(socket, 'open')
      socket.send(JSON.stringify({ protocol: 'a', ref_no: 1, request: `${MARK_TEXT} ${root} 10` }))
      await once(socket, 'message')
      socket.close()
      await session.delete(`/texts/${root}/mark`)
      await received(8, 8, 0)
    })
    const marked = (mark_type: number) => ({ type: 'marked', text_no: root, mark_type })
    const unmarked = { type: 'unmarked', text_no: root }
    const expected = [7, 8, 9, 10].flatMap((type) => [marked(type), unmarked])
    expect(own).toEqual(expected)
    expect(same).toEqual(expected)
    expect(others).toEqual([])
  })

  it('of links are events of all sessions that may read the texts', async () => {
    const { root, secret, orphan } = stage.cast.texts
    const author = await stage.author('alice')
    const text_no = await author.write({ text: 'x', to: [stage.cast.club.no] })
    const sessions = await three()
    const [session] = sessions
    const [own, same, others] = await seenBy(sessions, async (received) => {
      for (const comment_to of [root, secret, orphan]) {
        await session.post('/calls/add-comment', { text_no, comment_to })
        await session.post('/calls/sub-comment', { text_no, comment_to })
      }
      await session.post('/calls/add-footnote', { text_no, footnote_to: root })
      await session.post('/calls/sub-footnote', { text_no, footnote_to: root })
      await received(8, 8, 6)
    })
    const changes = (to: number, link_type: string) =>
      ['linked', 'unlinked'].map((type) => ({ type, text_no, to, link_type }))
    const expected = [...changes(root, 'comment'), ...changes(secret, 'comment'), ...changes(orphan, 'comment')]
    expect(own).toEqual([...expected, ...changes(root, 'footnote')])
    expect(same).toEqual(own)
    expect(others).toEqual(own?.filter(({ to }) => to !== secret))
  })

  it('of a membership are events of all sessions of the person, with the order of all', async () => {
    const { alice, club } = stage.cast
    const sessions = await three()
    const [session] = sessions
    const path = `/persons/${alice.no}/memberships/${club.no}`
    const { json: before } = await session.get(path)
    const [own, same, others] = await seenBy(sessions, async (received) => {
      await session.put(path, { priority: 200, where: 0 })
      await received(1, 1, 0)
      const type = { ...ACTIVE, ...RESERVED, passive: true }
      const member = { conf_no: club.no, pers_no: alice.no }
      await session.post('/calls/add-member', { ...member, priority: 200, where: 0, type })
      await received(2, 2, 0)
      const { priority, position: where } = before
      await session.put(path, { priority, where })
      await received(3, 3, 0)
    })
    const about = { type: 'membership', conf_no: club.no }
    const list = (await session.get(`/persons/${alice.no}/memberships/`)).json.memberships
    const original: number[] = list.map(({ conference }: Data) => conference.conf_no)
    const order = [club.no, ...original.filter((no) => no !== club.no)]
    const membership_type = { ...ACTIVE, ...RESERVED }
    const first = { ...about, position: 0, priority: 200, order }
    expect(own).toEqual([
      { ...first, membership_type },
      { ...first, membership_type: { ...membership_type, passive: true } },
      { ...about, position: before.position, priority: before.priority, membership_type, order: original },
    ])
    expect(same).toEqual(own)
    expect(others).toEqual([])
  })

  it('that failed are no events, nor are those of another person', async () => {
    const { club, texts } = stage.cast
    const sessions = await three()
    const [session, , bob] = sessions
    const seen = await seenBy(sessions, async () => {
      await session.post('/calls/unmark-text', { text_no: texts.footnote })
      await session.post('/calls/mark-as-read', { conference: club.no, text: [1, 100_000] })
      await session.post('/calls/sub-comment', { text_no: texts.footnote, comment_to: texts.comment })
      await session.post('/sessions/current/logout')
      await session.post('/calls/mark-as-read', { conference: club.no, text: [1] })
    })
    expect(seen).toEqual([[{ type: 'person', pers_no: null }], [], []])
    await stage.login(session, 'bob')
    const [own, alice, others] = await seenBy([session, sessions[1], bob], async (received) => {
      await session.post('/calls/mark-as-read', { conference: club.no, text: [1] })
      await received(1, 0, 1)
    })
    expect(own).toEqual([{ type: 'read', conf_no: club.no, local_nos: [1] }])
    expect(alice).toEqual([])
    expect(others).toEqual(own)
  })
})
