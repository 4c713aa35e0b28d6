import { describe, expect, it } from 'vitest'
import { NODES } from '../support/gateway.ts'
import {
  conferenceZero,
  gatewayError,
  NOWHERE,
  noSuchText,
  notWhole,
  permissionDenied,
  protocolError,
  undefinedConference,
  undefinedPerson,
} from './answers.ts'
import { BACKENDS } from './backends.ts'
import { DEEP_BLOCK } from './cast.ts'
import { onStage } from './stage.ts'

const personExists = protocolError(21, 'PersonExists', 0)
const badName = protocolError(18, 'BadName', 0)

describe.each(BACKENDS)('persons on $name', ({ start }) => {
  const stage = onStage(start)

  describe('POST persons', () => {
    const make = async (json: unknown, who?: 'alice') => (await stage.fresh(who)).post('/persons/', json)

    it('creates a person without a login; the person can log in', async () => {
      const client = await stage.fresh()
      const made = await client.post('/persons/', { name: 'Contract Åsa', passwd: 'lösen' })
      expect([made.status, made.json]).toEqual([201, { pers_no: expect.any(Number), pers_name: 'Contract Åsa' }])
      const who = { pers_no: made.json.pers_no, passwd: 'lösen' }
      expect((await client.post('/sessions/current/login', who)).status).toBe(201)
      const full = (await client.get(`/conferences/${made.json.pers_no}?micro=false`)).json
      expect(full.supervisor).toEqual({ conf_no: made.json.pers_no, name: 'Contract Åsa' })
    })

    it('makes the logged-in person the supervisor of the new person and keeps the login', async () => {
      const client = await stage.fresh('alice')
      const made = await client.post('/persons/', { name: 'Contract Made', passwd: '' })
      expect(made.status).toBe(201)
      expect((await client.get('/sessions/current/who-am-i')).json.person.pers_no).toBe(stage.cast.alice.no)
      const full = (await client.get(`/conferences/${made.json.pers_no}?micro=false`)).json
      expect(full.supervisor.conf_no).toBe(stage.cast.alice.no)
    })

    it('forwards a rejection by the LysKOM server with its error', async () => {
      const { alice, club } = stage.cast
      const refusals: [string, object][] = [
        [alice.name, personExists],
        [alice.name.toUpperCase(), personExists],
        [club.name, personExists],
        ['', badName],
        ['a\nb', badName],
        ['x'.repeat(61), protocolError(5, 'StringTooLong', 60)],
      ]
      for (const [name, expected] of refusals) {
        const answer = await make({ name, passwd: 'x' })
        expect([name, answer.status, answer.json]).toEqual([name, 400, expected])
      }
    })

    it.each([
      [{}, 'Missing "name".'],
      [[], 'Missing "name".'],
      [{ name: 'Xx' }, 'Missing "passwd".'],
      [{ name: null, passwd: 'x' }, '"name" is null.'],
      [{ name: 5, passwd: 'x' }, '"name" must be a string.'],
      [{ name: 'Snö \u2603', passwd: 'x' }, '"name" holds characters outside ISO 8859-1.'],
      [{ name: '\ud800', passwd: 'x' }, '"name" holds a lone surrogate.'],
      [{ name: 'Xx', passwd: null }, '"passwd" is null.'],
      [{ name: 'Xx', passwd: 5 }, '"passwd" must be a string.'],
      [{ name: 'Xx', passwd: '\u2603' }, '"passwd" holds characters outside ISO 8859-1.'],
      [null, 'Invalid body.'],
      [undefined, 'Invalid body.'],
    ])('rejects the body %j with a 400 that names the field', async (json, message) => {
      const answer = await make(json)
      expect([answer.status, answer.json]).toEqual([400, gatewayError(message)])
    })
  })

  describe('presentations', () => {
    const present = async (no: number, json: unknown) =>
      (await stage.as('alice')).post(`/persons/${no}/set-presentation`, json)
    const presentation = async (no: number) =>
      (await (await stage.as('bob')).get(`/conferences/${no}?micro=false`)).json.presentation

    it('sets, changes and removes presentations of persons and of supervised conferences', async () => {
      const { alice, club, texts } = stage.cast
      for (const no of [alice.no, club.no]) {
        const set = await present(no, { text_no: texts.root })
        expect([set.status, set.text, set.headers.get('content-type')]).toEqual([201, '', null])
        expect(await presentation(no)).toBe(texts.root)
        expect((await present(no, { text_no: String(texts.comment) })).status).toBe(201)
        expect(await presentation(no)).toBe(texts.comment)
        expect((await present(no, { text_no: 0 })).status).toBe(201)
        expect(await presentation(no)).toBe(0)
      }
    })

    it('forwards a rejection by the LysKOM server with its error', async () => {
      const { alice, bob, texts } = stage.cast
      const refusals: [number, number, object][] = [
        [alice.no, NOWHERE, noSuchText(NOWHERE)],
        [alice.no, texts.deleted, noSuchText(texts.deleted)],
        [bob.no, texts.root, permissionDenied(bob.no)],
        [NOWHERE, texts.root, undefinedConference(NOWHERE)],
        [0, texts.root, conferenceZero],
      ]
      for (const [no, text_no, expected] of refusals) {
        const answer = await present(no, { text_no })
        expect([no, text_no, answer.status, answer.json]).toEqual([no, text_no, 400, expected])
      }
    })

    it.each(notWhole('text_no', 2 ** 32 - 1))(
      'rejects the text number %j with a 400 that names the field',
      async (text_no, message) => {
        const answer = await present(stage.cast.alice.no, { text_no })
        expect([answer.status, answer.json]).toEqual([400, gatewayError(message)])
      },
    )

    it.each([null, undefined, 5])('rejects the body %j with 400', async (json) => {
      const answer = await present(stage.cast.alice.no, json)
      expect([answer.status, answer.json]).toEqual([400, gatewayError('Invalid body.')])
    })
  })

  describe('passwords', () => {
    const made = async () => {
      const client = await stage.fresh()
      const { pers_no } = (await client.post('/persons/', { name: `P ${Math.random()}`, passwd: 'old' })).json
      const login = (passwd: string) => client.post('/sessions/current/login', { pers_no, passwd })
      await login('old')
      const set = (json: unknown, no = pers_no) => client.post(`/persons/${no}/set-passwd`, json)
      return { client, pers_no, set, login: async (passwd: string) => (await login(passwd)).status }
    }

    it('changes a password', async () => {
      const { client, set, login } = await made()
      const answer = await set({ old_pwd: 'old', new_pwd: 'nytt' })
      expect([answer.status, answer.text, answer.headers.get('content-type')]).toEqual([201, '', null])
      await client.post('/sessions/current/logout')
      expect([await login('old'), await login('nytt')]).toEqual([401, 201])
    })

    it('accepts an empty password', async () => {
      const { client, set, login } = await made()
      expect((await set({ old_pwd: 'old', new_pwd: '' })).status).toBe(201)
      await client.post('/sessions/current/logout')
      expect(await login('')).toBe(201)
    })

    it('forwards a rejection by the LysKOM server with its error', async () => {
      const { set, pers_no } = await made()
      const { bob } = stage.cast
      const wrong = await set({ old_pwd: 'wrong', new_pwd: 'x' })
      expect([wrong.status, wrong.json]).toEqual([400, protocolError(4, 'InvalidPassword', pers_no)])
      const others = await set({ old_pwd: 'old', new_pwd: 'x' }, bob.no)
      expect([others.status, others.json]).toEqual([400, permissionDenied(bob.no)])
      const unknown = await set({ old_pwd: 'old', new_pwd: 'x' }, NOWHERE)
      expect([unknown.status, unknown.json]).toEqual([400, undefinedPerson(NOWHERE)])
      const zero = await set({ old_pwd: 'old', new_pwd: 'x' }, 0)
      expect([zero.status, zero.json]).toEqual([400, conferenceZero])
    })

    it.each([
      [{ new_pwd: 'x' }, 'Missing "old_pwd".'],
      [{ old_pwd: 'x' }, 'Missing "new_pwd".'],
      [{ old_pwd: 'x', new_pwd: null }, '"new_pwd" is null.'],
      [{ old_pwd: null, new_pwd: 'x' }, '"old_pwd" is null.'],
      [{ old_pwd: 'x', new_pwd: 5 }, '"new_pwd" must be a string.'],
      [{ old_pwd: 'x', new_pwd: '\u2603' }, '"new_pwd" holds characters outside ISO 8859-1.'],
      [[], 'Missing "old_pwd".'],
      [null, 'Invalid body.'],
      [undefined, 'Invalid body.'],
    ])('rejects the body %j with a 400 that names the field', async (json, message) => {
      const answer = await (await stage.as('bob')).post(`/persons/${stage.cast.bob.no}/set-passwd`, json)
      expect([answer.status, answer.json]).toEqual([400, gatewayError(message)])
    })
  })

  describe('user areas', () => {
    const get = async (no: number, block: string, who: 'alice' | 'bob' = 'alice') =>
      (await stage.as(who)).get(`/persons/${no}/user-area/${block}`)
    const absent = [404, gatewayError('There is no such JSON block in the user area.')]

    it('returns a JSON block unchanged', async () => {
      const answer = await get(stage.cast.alice.no, 'jskom')
      expect([answer.status, answer.json]).toEqual([200, { 'mark-type': 100, name: 'å' }])
    })

    it('returns a deeply nested block unchanged', async () => {
      const answer = await get(stage.cast.alice.no, 'deep')
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json'])
      expect(answer.text).toBe(DEEP_BLOCK)
    })

    it('rejects a missing block, a block that is not JSON and a person without a user area with 404', async () => {
      const { alice, bob } = stage.cast
      // nginx, which is in front of a cluster, rejects a zero byte itself.
      const zero = NODES > 1 ? [] : ['%00']
      for (const block of ['nosuch', 'common', 'elisp', 'JSKOM', '__proto__', '%E2%98%83', ...zero]) {
        const answer = await get(alice.no, block)
        expect([block, answer.status, answer.json]).toEqual([block, ...absent])
      }
      const none = await get(bob.no, 'jskom')
      expect([none.status, none.json]).toEqual(absent)
    })

    it('hides the blocks of other persons with 404 and rejects an unknown person with 400', async () => {
      const others = await get(stage.cast.alice.no, 'jskom', 'bob')
      expect([others.status, others.json]).toEqual(absent)
      const unknown = await get(NOWHERE, 'jskom')
      expect([unknown.status, unknown.json]).toEqual([400, undefinedPerson(NOWHERE)])
      const zero = await get(0, 'jskom')
      expect([zero.status, zero.json]).toEqual([400, conferenceZero])
    })
  })
})
