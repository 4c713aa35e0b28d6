import { describe, expect, it } from 'vitest'
import { TIME } from './answers.ts'
import { BACKENDS } from './backends.ts'
import { onStage } from './stage.ts'
import { watchEvents } from './watch-events.ts'

const NO_FLAGS = { invitation: false, passive: false, secret: false, passiveMessageInvert: false }
const PLAIN = { ...NO_FLAGS, reserved2: false, reserved3: false, reserved4: false, reserved5: false }

describe.each(BACKENDS)('events on $name', ({ start }) => {
  const stage = onStage(start)
  const { follow, seenBy } = watchEvents(stage)

  it('report a new text with the names of its author and recipients', async () => {
    const { bob, club, other } = stage.cast
    const author = await stage.author('bob')
    let text_no = 0
    const seen = await seenBy(await stage.as('alice'), async () => {
      text_no = await author.write({
        text: 'Hi\nthere',
        to: [club.no],
        cc: [other.no],
        commentTo: [stage.cast.texts.root],
      })
    })
    const recipient = (type: string, { no, name }: { no: number; name: string }) => ({
      type,
      recpt: { conf_no: no, name },
      loc_no: expect.any(Number),
      sent_by: null,
      sent_at: null,
      rec_time: null,
    })
    const stat = (await (await stage.as('alice')).post('/calls/get-text-stat', { text_no })).json.reply
    expect(seen).toEqual([
      {
        type: 'new-text',
        text_no,
        text_stat: stat,
        author: { pers_no: bob.no, pers_name: bob.name },
        recipients: [recipient('to', club), recipient('cc', other)],
      },
    ])
    expect(stat).toMatchObject({ creation_time: TIME, author: bob.no })
  })

  it('report the own texts of the person, whichever session created them', async () => {
    const { club } = stage.cast
    const [one, other] = [await stage.as('alice'), await stage.fresh('alice')]
    const text = {
      subject: 's',
      body: 'b',
      content_type: 'text/x-kom-basic',
      recipient_list: [{ type: 'to', recpt: { conf_no: club.no } }],
    }
    for (const writer of [one, other]) {
      let text_no = 0
      const seen = await seenBy(one, async () => {
        text_no = (await writer.post('/texts/', text)).json.text_no
      })
      expect(seen).toMatchObject([{ type: 'new-text', text_no }])
    }
  })

  it('report no text that the person may not read', async () => {
    const { secret } = stage.cast
    const alice = await stage.author('alice')
    const seen = await seenBy(await stage.as('carol'), () => alice.write({ text: 'x', to: [secret.no] }))
    expect(seen).toEqual([])
  })

  it('report added and removed recipients, and a deleted text', async () => {
    const { club, other } = stage.cast
    const { connection } = await stage.author('bob')
    const text_no = await (await stage.author('bob')).write({ text: 'Hi\nx', to: [club.no] })
    const seen = await seenBy(await stage.as('alice'), async () => {
      await connection.call('add-recipient', { textNo: text_no, confNo: other.no, recptType: 'cc-recpt' })
      await connection.call('sub-recipient', { textNo: text_no, confNo: other.no })
      await connection.call('delete-text', { text: text_no })
    })
    expect(seen).toEqual([
      { type: 'new-recipient', text_no, conf_no: other.no, recipient_type: 'cc_recpt' },
      { type: 'sub-recipient', text_no, conf_no: other.no, recipient_type: 'cc_recpt' },
      { type: 'deleted-text', text_no, text_stat: expect.objectContaining({ author: stage.cast.bob.no }) },
    ])
  })

  it('report memberships of the person', async () => {
    const { alice, other } = stage.cast
    const session = await stage.as('alice')
    const member = { confNo: other.no, persNo: alice.no }
    const { connection } = await stage.author('alice')
    const seen = await seenBy(session, async () => {
      await connection.call('add-member', { ...member, priority: 100, where: 1, type: PLAIN })
      await connection.call('sub-member', member)
    })
    expect(seen).toEqual([
      { type: 'new-membership', pers_no: alice.no, conf_no: other.no },
      { type: 'leave-conf', conf_no: other.no },
    ])
  })

  it('report new names, presentations and notices', async () => {
    const { other } = stage.cast
    const { connection } = await stage.author('alice')
    const text_no = await (await stage.author('alice')).write({ text: 'Presentation\nx', to: [other.no] })
    const seen = await seenBy(await stage.as('bob'), async () => {
      await connection.call('change-name', { conference: other.no, newName: 'Contract Renamed' })
      await connection.call('change-name', { conference: other.no, newName: other.name })
      await connection.call('set-presentation', { confNo: other.no, textNo: text_no })
      await connection.call('set-presentation', { confNo: other.no, textNo: 0 })
      await connection.call('set-etc-motd', { confNo: other.no, textNo: text_no })
      await connection.call('set-etc-motd', { confNo: other.no, textNo: 0 })
    })
    expect(seen).toEqual([
      { type: 'new-name', conf_no: other.no, old_name: other.name, new_name: 'Contract Renamed' },
      { type: 'new-name', conf_no: other.no, old_name: 'Contract Renamed', new_name: other.name },
      { type: 'new-presentation', conf_no: other.no, old_presentation: 0, new_presentation: text_no },
      { type: 'new-presentation', conf_no: other.no, old_presentation: text_no, new_presentation: 0 },
      { type: 'new-motd', conf_no: other.no, old_motd: 0, new_motd: text_no },
      { type: 'new-motd', conf_no: other.no, old_motd: text_no, new_motd: 0 },
    ])
  })

  it('report a new user area to the person alone', async () => {
    const { alice, texts } = stage.cast
    const { connection } = await stage.author('alice')
    const change = async () => {
      await connection.call('set-user-area', { persNo: alice.no, userArea: 0 })
      await connection.call('set-user-area', { persNo: alice.no, userArea: texts.userArea })
    }
    expect(await seenBy(await stage.as('carol'), change)).toEqual([])
    expect(await seenBy(await stage.as('alice'), change)).toEqual([
      { type: 'new-user-area', pers_no: alice.no, old_user_area: texts.userArea, new_user_area: 0 },
      { type: 'new-user-area', pers_no: alice.no, old_user_area: 0, new_user_area: texts.userArea },
    ])
  })

  it('report sessions: login, what the person does, logout', async () => {
    const { bob, club } = stage.cast
    const other = await stage.fresh()
    const { session_no } = (await other.get('/sessions/current/who-am-i')).json
    const seen = await seenBy(await stage.as('alice'), async () => {
      await stage.login(other, 'bob')
      await other.post('/sessions/current/working-conference', { conf_no: club.no })
      await other.post('/calls/change-what-i-am-doing', { what_am_i_doing: 'läser' })
      await other.post('/sessions/current/logout')
    })
    const info = (what: string) => ({
      person: bob.no,
      working_conference: club.no,
      session: session_no,
      what_am_i_doing: what,
      username: expect.stringContaining('komgate'),
    })
    expect(seen).toEqual([
      { type: 'login', pers_no: bob.no, session_no },
      { type: 'i-am-on', info: info('') },
      { type: 'i-am-on', info: info('läser') },
      { type: 'logout', pers_no: bob.no, session_no },
    ])
  })

  it('report messages to the person, to a conference of theirs, and to everyone', async () => {
    const { bob, alice, club } = stage.cast
    const { connection } = await stage.author('bob')
    const seen = await seenBy(await stage.as('alice'), async () => {
      for (const [recipient, message] of [
        [alice.no, Buffer.from('å')],
        [club.no, Buffer.from('\xe5', 'latin1')],
        [0, Buffer.from('all')],
      ] as const) {
        await connection.call('send-message', { recipient, message })
      }
    })
    expect(seen).toEqual([
      { type: 'send-message', recipient: alice.no, sender: bob.no, message: 'å' },
      { type: 'send-message', recipient: club.no, sender: bob.no, message: { latin1: 'å' } },
      { type: 'send-message', recipient: 0, sender: bob.no, message: 'all' },
    ])
  })

  it('belong to the person who is logged in', async () => {
    const { alice, bob, secret } = stage.cast
    const session = await stage.fresh('alice')
    const stream = await follow(session, '?types=new-text')
    const author = await stage.author('alice')
    const first = await author.write({ text: 'x', to: [secret.no] })
    expect((await stream.first(1))[0]?.data.text_no).toBe(first)
    // One after the other without a pause, so that messages are in flight when the person changes.
    const second = author.write({ text: 'y', to: [secret.no] })
    await stage.login(session, 'bob')
    const third = await author.write({ text: 'z', to: [secret.no] })
    await stage.login(session, 'alice')
    const last = await author.write({ text: 'z', to: [secret.no] })
    await expect.poll(() => stream.events.at(-1)?.data.text_no).toBe(last)
    const { events } = stream
    const people = events.flatMap(({ type }, i) => (type === 'person' ? [i] : []))
    expect(people.map((i) => events[i]?.data)).toEqual([
      { type: 'person', pers_no: bob.no },
      { type: 'person', pers_no: alice.no },
    ])
    expect(events.slice(people[0], people[1]).map(({ type }) => type)).toEqual(['person'])
    const texts = events.map(({ data }) => data.text_no)
    expect(texts).not.toContain(third)
    // Reported to alice before the change, or not at all.
    expect([-1, 1]).toContain(texts.indexOf(await second))
  })
})
