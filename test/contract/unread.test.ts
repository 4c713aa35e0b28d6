import { describe, expect, it } from 'vitest'
import {
  conferenceZero,
  gatewayError,
  NOWHERE,
  notMember,
  notWhole,
  protocolError,
  undefinedConference,
  undefinedPerson,
} from './answers.ts'
import { BACKENDS } from './backends.ts'
import { onStage } from './stage.ts'

describe.each(BACKENDS)('unread texts on $name', ({ start }) => {
  const stage = onStage(start)
  /** Creates a conference with members bob and alice and with texts by alice. */
  const readingRoom = async (count: number) => {
    const { alice, bob } = stage.cast
    const { conf_no } = (await (await stage.as('alice')).post('/conferences/', { name: `R ${Math.random()}` })).json
    await (await stage.as('bob')).put(`/persons/${bob.no}/memberships/${conf_no}`, { where: 1 })
    await (await stage.as('alice')).put(`/persons/${alice.no}/memberships/${conf_no}`, { where: 1 })
    const author = await stage.author('alice')
    const texts: number[] = []
    for (let i = 0; i < count; i++) texts.push(await author.write({ text: 's\nb', to: [conf_no] }))
    return { no: conf_no as number, texts }
  }
  const one = async (conf: number, pers = stage.cast.bob.no, who: 'alice' | 'bob' = 'bob') =>
    (await stage.as(who)).get(`/persons/${pers}/memberships/${conf}/unread`)
  const all = async (pers = stage.cast.bob.no, who: 'alice' | 'bob' = 'bob') =>
    (await stage.as(who)).get(`/persons/${pers}/memberships/unread/`)
  const unread = (pers_no: number, conf_no: number, unread_texts: number[]) => ({
    pers_no,
    conf_no,
    no_of_unread: unread_texts.length,
    unread_texts,
  })

  describe('in one conference', () => {
    it('lists unread texts in the order of the conference', async () => {
      const { no, texts } = await readingRoom(3)
      const answer = await one(no)
      expect([answer.status, answer.json]).toEqual([200, unread(stage.cast.bob.no, no, texts)])
    })

    it('includes unread texts between read ones', async () => {
      const { no, texts } = await readingRoom(6)
      const bob = await stage.as('bob')
      for (const i of [1, 2, 4]) await bob.put(`/texts/${texts[i]}/read-marking`)
      const left = [texts[0], texts[3], texts[5]] as number[]
      expect((await one(no)).json).toEqual(unread(stage.cast.bob.no, no, left))
      await bob.delete(`/texts/${texts[2]}/read-marking`)
      expect((await one(no)).json.unread_texts).toEqual([texts[0], texts[2], texts[3], texts[5]])
    })

    it('returns an empty list if all texts are read or there are none', async () => {
      const { no } = await readingRoom(0)
      expect((await one(no)).json).toEqual(unread(stage.cast.bob.no, no, []))
      await (await stage.author('alice')).write({ text: 's\nb', to: [no] })
      expect((await one(no)).json.no_of_unread).toBe(1)
      await (await stage.as('bob')).post(`/persons/current/memberships/${no}/unread`, { no_of_unread: 0 })
      expect((await one(no)).json).toEqual(unread(stage.cast.bob.no, no, []))
    })

    it('lists more texts than the server maps in one call', async () => {
      const { no, texts } = await readingRoom(300)
      expect((await one(no)).json.unread_texts).toEqual(texts)
    })

    it('omits deleted texts at any position', async () => {
      const { no, texts } = await readingRoom(7)
      const author = await stage.author('alice')
      for (const i of [0, 3, 6]) await author.delete(texts[i] as number)
      expect((await one(no)).json).toEqual(
        unread(
          stage.cast.bob.no,
          no,
          [1, 2, 4, 5].map((i) => texts[i] as number),
        ),
      )
      for (const i of [1, 2, 4, 5]) await author.delete(texts[i] as number)
      expect((await one(no)).json).toEqual(unread(stage.cast.bob.no, no, []))
      expect((await all()).json.list).not.toContainEqual(expect.objectContaining({ conf_no: no }))
    })

    it('returns the unread texts of another person', async () => {
      const { no, texts } = await readingRoom(2)
      expect((await one(no, stage.cast.bob.no, 'alice')).json).toEqual(unread(stage.cast.bob.no, no, texts))
    })

    it('rejects a missing membership with 404, an unknown person or conference with 400', async () => {
      const { bob, other, secret, alice } = stage.cast
      const none = await one(other.no)
      expect([none.status, none.json]).toEqual([404, notMember(other.no)])
      const refusals: [number, number, object][] = [
        [NOWHERE, bob.no, undefinedConference(NOWHERE)],
        [0, bob.no, undefinedConference(0)],
        [secret.no, alice.no, undefinedConference(secret.no)],
        [other.no, NOWHERE, undefinedPerson(NOWHERE)],
        [other.no, 0, conferenceZero],
      ]
      for (const [conf, pers, expected] of refusals) {
        const answer = await one(conf, pers)
        expect([conf, pers, answer.status, answer.json]).toEqual([conf, pers, 400, expected])
      }
    })
  })

  describe('in all conferences', () => {
    it("lists conferences with unread texts in the person's own order", async () => {
      const client = await stage.fresh()
      const { pers_no } = (await client.post('/persons/', { name: 'Contract Reader', passwd: 'x' })).json
      await client.post('/sessions/current/login', { pers_no, passwd: 'x' })
      const list = async () => (await client.get(`/persons/${pers_no}/memberships/unread/`)).json
      expect(await list()).toEqual({ list: [] })
      const rooms = [await readingRoom(2), await readingRoom(0), await readingRoom(1)]
      for (const { no } of rooms) await client.put(`/persons/${pers_no}/memberships/${no}`, {})
      const [first, , last] = rooms as [(typeof rooms)[0], unknown, (typeof rooms)[0]]
      expect(await list()).toEqual({
        list: [unread(pers_no, last.no, last.texts), unread(pers_no, first.no, first.texts)],
      })
      const letter = await (await stage.author('alice')).write({ text: 's\nb', to: [pers_no, first.no] })
      expect(await list()).toEqual({
        list: [
          unread(pers_no, last.no, last.texts),
          unread(pers_no, first.no, [...first.texts, letter]),
          unread(pers_no, pers_no, [letter]),
        ],
      })
      await client.put(`/texts/${letter}/read-marking`)
      for (const text of last.texts) await client.put(`/texts/${text}/read-marking`)
      expect(await list()).toEqual({ list: [unread(pers_no, first.no, first.texts)] })
    })

    it('returns the same data as the requests for single conferences', async () => {
      await readingRoom(2)
      const { list } = (await all()).json
      expect(list.length).toBeGreaterThan(1)
      for (const each of list) expect((await one(each.conf_no)).json).toEqual(each)
    })

    it('returns only the visible conferences of another person', async () => {
      const { alice, secret, bob } = stage.cast
      const { no, texts } = await readingRoom(1)
      const { list } = (await all(bob.no, 'alice')).json
      expect(list).toContainEqual(unread(bob.no, no, texts))
      const own = (await all(alice.no, 'alice')).json.list.map((each: { conf_no: number }) => each.conf_no)
      expect(own).toContain(secret.no)
    })

    it("forwards the error of the server for another person's closed conference", async () => {
      const { alice, closed } = stage.cast
      const answer = await all(alice.no, 'bob')
      expect([answer.status, answer.json]).toEqual([400, protocolError(11, 'AccessDenied', closed.no)])
    })

    it('rejects an unknown person with 400 and the error of the server', async () => {
      const { club } = stage.cast
      const unknown = await all(NOWHERE)
      expect([unknown.status, unknown.json]).toEqual([400, undefinedPerson(NOWHERE)])
      const conference = await all(club.no)
      expect([conference.status, conference.json]).toEqual([400, undefinedPerson(club.no)])
      const zero = await all(0)
      expect([zero.status, zero.json]).toEqual([400, conferenceZero])
    })
  })

  describe('setting the number of unread texts', () => {
    const count = async (conf: number, json: unknown) =>
      (await stage.as('bob')).post(`/persons/current/memberships/${conf}/unread`, json)

    it('keeps the newest texts unread', async () => {
      const { no, texts } = await readingRoom(4)
      const sets: [unknown, number[]][] = [
        [1, texts.slice(3)],
        ['3', texts.slice(1)],
        [0, []],
        [4, texts],
        [2 ** 32 - 1, texts],
      ]
      for (const [no_of_unread, left] of sets) {
        const set = await count(no, { no_of_unread })
        expect([set.status, set.text, set.headers.get('content-type')]).toEqual([204, '', null])
        expect([no_of_unread, (await one(no)).json.unread_texts]).toEqual([no_of_unread, left])
      }
    })

    it('rejects a conference without membership and an unknown one with 400 and the error of the server', async () => {
      const { other } = stage.cast
      const refusals: [number, object][] = [
        [other.no, notMember(other.no)],
        [NOWHERE, undefinedConference(NOWHERE)],
        [0, conferenceZero],
      ]
      for (const [conf, expected] of refusals) {
        const answer = await count(conf, { no_of_unread: 1 })
        expect([conf, answer.status, answer.json]).toEqual([conf, 400, expected])
      }
    })

    it.each([
      ...notWhole('no_of_unread', 2 ** 32 - 1).map(([no, message]): [unknown, string] => [
        { no_of_unread: no },
        message,
      ]),
      [[], 'Missing "no_of_unread".'],
      [null, 'Invalid body.'],
      [undefined, 'Invalid body.'],
    ] as [unknown, string][])('rejects the body %j with a 400 that names the field', async (json, message) => {
      const answer = await count(stage.cast.club.no, json)
      expect([answer.status, answer.json]).toEqual([400, gatewayError(message)])
    })
  })

  it('includes a text that another session has just posted', async () => {
    const { no } = await readingRoom(0)
    expect((await one(no)).json.no_of_unread).toBe(0)
    const recipient_list = [{ type: 'to', recpt: { conf_no: no } }]
    const text = { subject: 's', body: 'b', content_type: 'text/plain', recipient_list }
    const { text_no } = (await (await stage.as('alice')).post('/texts/', text)).json
    expect((await one(no)).json.unread_texts).toEqual([text_no])
    expect((await (await stage.as('bob')).get(`/texts/${text_no}`)).status).toBe(200)
    expect((await all()).json.list).toContainEqual(unread(stage.cast.bob.no, no, [text_no]))
  })
})
