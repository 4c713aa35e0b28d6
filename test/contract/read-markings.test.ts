import { describe, expect, it } from 'vitest'
import {
  conferenceZero,
  NOWHERE,
  noSuchText,
  notMember,
  protocolError,
  textZero,
  undefinedConference,
} from './answers.ts'
import { BACKENDS } from './backends.ts'
import { onStage } from './stage.ts'

describe.each(BACKENDS)('read markings on $name', ({ start }) => {
  const stage = onStage(start)
  const unread = async (confNo: number, who: 'alice' | 'bob' = 'bob') =>
    (await (await stage.as(who)).get(`/persons/${stage.cast[who].no}/memberships/${confNo}/unread`)).json.unread_texts

  it('marks a text as read and unread repeatedly, with or without a body', async () => {
    const { club, texts } = stage.cast
    const bob = await stage.as('bob')
    const path = `/texts/${texts.comment}/read-marking`
    expect(await unread(club.no)).toContain(texts.comment)
    for (const json of [undefined, {}, { x: 1 }]) {
      const read = await bob.put(path, json)
      expect([read.status, read.text, read.headers.get('content-type')]).toEqual([201, '', null])
      expect(await unread(club.no)).not.toContain(texts.comment)
    }
    for (let i = 0; i < 2; i++) {
      const again = await bob.delete(path)
      expect([again.status, again.text]).toEqual([204, ''])
      expect(await unread(club.no)).toContain(texts.comment)
    }
  })

  it('marks a text in every recipient conference of which the person is a member, and in no other', async () => {
    const { club, closed, other } = stage.cast
    const no = await (await stage.author('alice')).write({ text: 's\nb', to: [club.no, other.no], cc: [closed.no] })
    const alice = await stage.as('alice')
    const path = `/texts/${no}/read-marking`
    expect([await unread(club.no, 'alice'), await unread(closed.no, 'alice')]).toEqual([
      expect.arrayContaining([no]),
      expect.arrayContaining([no]),
    ])
    expect((await alice.put(path)).status).toBe(201)
    expect([...(await unread(club.no, 'alice')), ...(await unread(closed.no, 'alice'))]).not.toContain(no)
    expect(await unread(club.no, 'bob')).toContain(no)
    expect((await alice.delete(path)).status).toBe(204)
    expect([await unread(club.no, 'alice'), await unread(closed.no, 'alice')]).toEqual([
      expect.arrayContaining([no]),
      expect.arrayContaining([no]),
    ])
  })

  it('ignores recipient conferences of which the person is not a member', async () => {
    const carol = await stage.as('carol')
    const path = `/texts/${stage.cast.texts.root}/read-marking`
    expect([(await carol.put(path)).status, (await carol.delete(path)).status]).toEqual([201, 204])
  })

  it('rejects an unknown or unreadable text with 400 and the error of the server', async () => {
    const { secret, deleted } = stage.cast.texts
    const bob = await stage.as('bob')
    for (const method of ['put', 'delete'] as const) {
      for (const no of [NOWHERE, secret, deleted]) {
        const answer = await bob[method](`/texts/${no}/read-marking`)
        expect([answer.status, answer.json]).toEqual([400, noSuchText(no)])
      }
      const zero = await bob[method]('/texts/0/read-marking')
      expect([zero.status, zero.json]).toEqual([400, textZero])
    }
  })

  describe('by local number', () => {
    it('marks texts as read by local number, with or without a body', async () => {
      const { club, texts } = stage.cast
      const bob = await stage.as('bob')
      for (const json of [undefined, {}]) {
        const answer = await bob.put(`/conferences/${club.no}/texts/1/read-marking`, json)
        expect([answer.status, answer.text, answer.headers.get('content-type')]).toEqual([201, '', null])
      }
      expect(await unread(club.no)).not.toContain(texts.root)
      expect((await bob.delete(`/texts/${texts.root}/read-marking`)).status).toBe(204)
      expect(await unread(club.no)).toContain(texts.root)
    })

    it('rejects an unknown conference or local number with 400 and the error of the server', async () => {
      const { club, other, secret } = stage.cast
      const bob = await stage.as('bob')
      const refusals: [string, object][] = [
        [`${club.no}/texts/0`, protocolError(17, 'LocalTextZero', 0)],
        [`${club.no}/texts/999`, protocolError(16, 'NoSuchLocalText', 0)],
        [`${other.no}/texts/1`, notMember(other.no)],
        [`${secret.no}/texts/1`, undefinedConference(secret.no)],
        [`${NOWHERE}/texts/1`, undefinedConference(NOWHERE)],
        ['0/texts/1', conferenceZero],
      ]
      for (const [path, expected] of refusals) {
        const answer = await bob.put(`/conferences/${path}/read-marking`)
        expect([path, answer.status, answer.json]).toEqual([path, 400, expected])
      }
    })
  })
})
