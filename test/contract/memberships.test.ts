import { describe, expect, it } from 'vitest'
import {
  conferenceType,
  conferenceZero,
  gatewayError,
  NOWHERE,
  notMember,
  notWhole,
  permissionDenied,
  protocolError,
  TIME,
  undefinedConference,
  undefinedPerson,
} from './answers.ts'
import { BACKENDS } from './backends.ts'
import { onStage } from './stage.ts'

const NO_FLAGS = { invitation: 0, passive: 0, secret: 0, passive_message_invert: 0 }

describe.each(BACKENDS)('memberships on $name', ({ start }) => {
  const stage = onStage(start)
  const named = ({ no, name }: { no: number; name: string }) => ({ pers_no: no, pers_name: name })
  /** Creates a person who is a member of new conferences. */
  const newcomer = async (confs: number, unread: readonly number[] = []) => {
    const client = await stage.fresh()
    const name = `N ${Math.random()}`
    const { pers_no } = (await client.post('/persons/', { name, passwd: 'x' })).json
    await client.post('/sessions/current/login', { pers_no, passwd: 'x' })
    const numbers: number[] = []
    for (let i = 0; i < confs; i++) {
      const { conf_no } = (await client.post('/conferences/', { name: `C ${Math.random()}` })).json
      expect((await client.put(`/persons/${pers_no}/memberships/${conf_no}`, { where: 1 + i })).status).toBe(201)
      numbers.push(conf_no)
    }
    for (const i of unread) await (await stage.author('alice')).write({ text: 's\nb', to: [numbers[i] as number] })
    return { client, no: pers_no as number, name, confs: numbers }
  }
  const confNos = (json: { memberships: { conference: { conf_no: number } }[] }): number[] =>
    json.memberships.map((each) => each.conference.conf_no)

  describe('GET membership', () => {
    const get = async (pers: number, conf: number, who: 'alice' | 'bob' = 'bob') =>
      (await stage.as(who)).get(`/persons/${pers}/memberships/${conf}`)

    it('returns exactly these fields', async () => {
      const { bob, club } = stage.cast
      const answer = await get(bob.no, club.no)
      expect([answer.status, answer.json]).toEqual([
        200,
        {
          pers_no: bob.no,
          position: 1,
          last_time_read: TIME,
          conference: {
            conf_no: club.no,
            name: club.name,
            type: conferenceType('000000'),
            highest_local_no: expect.any(Number),
            nice: 77,
          },
          priority: 100,
          added_by: named(bob),
          added_at: TIME,
          type: NO_FLAGS,
        },
      ])
    })

    it("returns the membership in the person's own mailbox like any other", async () => {
      const { bob } = stage.cast
      expect((await get(bob.no, bob.no)).json).toMatchObject({
        position: 0,
        priority: 255,
        conference: { conf_no: bob.no, type: conferenceType('100110') },
      })
    })

    it('returns a membership of another person unless the conference is secret', async () => {
      const { alice, club, secret, closed } = stage.cast
      expect((await get(alice.no, club.no)).json).toMatchObject({ pers_no: alice.no, added_by: named(alice) })
      expect((await get(alice.no, closed.no)).status).toBe(200)
      const hidden = await get(alice.no, secret.no)
      expect([hidden.status, hidden.json]).toEqual([400, undefinedConference(secret.no)])
      expect((await get(alice.no, secret.no, 'alice')).status).toBe(200)
    })

    it('returns a placeholder for a deleted person who added the membership, in lists as well', async () => {
      const { bob } = stage.cast
      const { client, no, name } = await newcomer(0)
      const { conf_no } = (await client.post('/conferences/', { name: `By ${name}` })).json
      expect((await client.put(`/persons/${bob.no}/memberships/${conf_no}`, { where: 9 })).status).toBe(201)
      const { connection } = await stage.authorOf({ no, passwd: 'x' })
      await connection.call('delete-conf', { conf: no })
      await connection.close()
      const added_by = { pers_no: no, pers_name: `Person ${no} (does not exist)` }
      expect((await get(bob.no, conf_no)).json).toMatchObject({ added_by, conference: { conf_no } })
      const { memberships } = (await (await stage.as('bob')).get(`/persons/${bob.no}/memberships/?first=2`)).json
      expect(memberships).toEqual([expect.objectContaining({ added_by })])
      expect((await (await stage.as('bob')).delete(`/persons/${bob.no}/memberships/${conf_no}`)).status).toBe(204)
      const left = await client.get('/texts/marks/')
      expect([left.status, left.json]).toEqual([401, protocolError(6, 'LoginFirst', 0)])
    })

    it('rejects a missing membership with 404, an unknown person or conference with 400', async () => {
      const { bob, other } = stage.cast
      const none = await get(bob.no, other.no)
      expect([none.status, none.json]).toEqual([404, notMember(other.no)])
      const refusals: [number, number, object][] = [
        [bob.no, NOWHERE, undefinedConference(NOWHERE)],
        [bob.no, 0, undefinedConference(0)],
        [NOWHERE, other.no, undefinedPerson(NOWHERE)],
        [other.no, other.no, undefinedPerson(other.no)],
        [0, other.no, conferenceZero],
      ]
      for (const [pers, conf, expected] of refusals) {
        const answer = await get(pers, conf)
        expect([pers, conf, answer.status, answer.json]).toEqual([pers, conf, 400, expected])
      }
    })
  })

  describe('GET memberships', () => {
    const list = async (pers: number, query = '', who: 'alice' | 'bob' = 'bob') =>
      (await stage.as(who)).get(`/persons/${pers}/memberships/${query}`)

    it("lists the same records as single requests, in the person's own order", async () => {
      const { bob, club } = stage.cast
      const answer = await list(bob.no)
      const bobClient = await stage.as('bob')
      const [mailbox, inClub] = [
        (await bobClient.get(`/persons/${bob.no}/memberships/${bob.no}`)).json,
        (await bobClient.get(`/persons/${bob.no}/memberships/${club.no}`)).json,
      ]
      expect([answer.status, answer.json]).toEqual([200, { has_more: false, memberships: [mailbox, inClub] }])
    })

    it('pages the list and reports exactly whether more memberships follow', async () => {
      const { client, no, confs } = await newcomer(4)
      const all = [no, ...confs]
      const page = async (query: string) => {
        const { has_more, memberships } = (await client.get(`/persons/${no}/memberships/?${query}`)).json
        return [has_more, confNos({ memberships })]
      }
      expect(await page('')).toEqual([false, all])
      expect(await page('no-of-memberships=4')).toEqual([true, all.slice(0, 4)])
      expect(await page('no-of-memberships=5')).toEqual([false, all])
      expect(await page('first=1&no-of-memberships=2')).toEqual([true, all.slice(1, 3)])
      expect(await page('first=3&no-of-memberships=2')).toEqual([false, all.slice(3)])
      expect(await page('first=4')).toEqual([false, all.slice(4)])
      expect(await page('no-of-memberships=0')).toEqual([true, []])
      expect(await page('no-of-memberships=65535')).toEqual([false, all])
      const beyond = await client.get(`/persons/${no}/memberships/?first=5`)
      expect([beyond.status, beyond.json]).toEqual([400, protocolError(19, 'IndexOutOfRange', 5)])
    })

    it('pages the list of another person', async () => {
      const { no, confs } = await newcomer(3)
      const page = await list(no, '?first=1&no-of-memberships=2')
      expect([page.json.has_more, confNos(page.json)]).toEqual([true, confs.slice(0, 2)])
      const last = await list(no, '?first=2&no-of-memberships=2')
      expect([last.json.has_more, confNos(last.json)]).toEqual([false, confs.slice(1)])
    })

    it('omits secret conferences from the list of another person', async () => {
      const { alice, club, secret, closed } = stage.cast
      const own = confNos((await list(alice.no, '', 'alice')).json)
      expect(own).toEqual(expect.arrayContaining([alice.no, club.no, closed.no, secret.no]))
      expect(confNos((await list(alice.no)).json)).toEqual(own.filter((no) => no !== secret.no))
    })

    it('lists only memberships with unread texts on request', async () => {
      const { client, no, confs } = await newcomer(3, [0, 2, 2])
      const unread = async (query = '') => (await client.get(`/persons/${no}/memberships/?unread=true${query}`)).json
      const both = await unread()
      expect([both.has_more, confNos(both)]).toEqual([false, [confs[0], confs[2]]])
      const one = await client.get(`/persons/${no}/memberships/${confs[2]}`)
      expect(both.memberships[1]).toEqual(one.json)
      const first = await unread('&no-of-memberships=1')
      expect([first.has_more, confNos(first)]).toEqual([true, [confs[0]]])
      const second = await unread('&first=1&no-of-memberships=1')
      expect([second.has_more, confNos(second)]).toEqual([false, [confs[2]]])
      expect((await unread('&passive=true')).memberships).toHaveLength(2)
      expect((await client.get(`/persons/${no}/memberships/?unread=false`)).json.memberships).toHaveLength(4)
    })

    it('omits passive memberships unless they are requested', async () => {
      const { client, no, confs } = await newcomer(2)
      const type = { invitation: false, passive: true, secret: false, passiveMessageInvert: false }
      const reserved = { reserved2: false, reserved3: false, reserved4: false, reserved5: false }
      const passive = { confNo: confs[0] as number, persNo: no, priority: 1, where: 1, type: { ...type, ...reserved } }
      const { connection } = await stage.authorOf({ no, passwd: 'x' })
      await connection.call('add-member', passive)
      await connection.close()
      const all = await client.get(`/persons/${no}/memberships/?passive=true`)
      expect(confNos(all.json)).toEqual([no, ...confs])
      expect(all.json.memberships[1].type).toEqual({ ...NO_FLAGS, passive: 1 })
      expect(confNos((await client.get(`/persons/${no}/memberships/`)).json)).toEqual([no, confs[1]])
    })

    it('rejects a request for an unknown person with 400 and the error of the server', async () => {
      const { club } = stage.cast
      for (const query of ['', '?unread=true']) {
        const unknown = await list(NOWHERE, query)
        expect([unknown.status, unknown.json]).toEqual([400, undefinedPerson(NOWHERE)])
        const conference = await list(club.no, query)
        expect([conference.status, conference.json]).toEqual([400, undefinedPerson(club.no)])
        const zero = await list(0, query)
        expect([zero.status, zero.json]).toEqual([400, conferenceZero])
      }
    })

    it.each([
      ['unread=yes', '"unread" must be true or false.'],
      ['unread=', '"unread" must be true or false.'],
      ['passive=1', '"passive" must be true or false.'],
      ...['-1', 'x', '', '1.5', '65536', '%201'].flatMap((bad) => [
        [`first=${bad}`, '"first" must be a whole number from 0 to 65535.'],
        [`no-of-memberships=${bad}`, '"no-of-memberships" must be a whole number from 0 to 65535.'],
      ]),
    ] as [string, string][])('rejects the query %s with a 400 that names the parameter', async (query, message) => {
      const answer = await list(stage.cast.bob.no, `?${query}`)
      expect([answer.status, answer.json]).toEqual([400, gatewayError(message)])
    })
  })

  describe('PUT membership', () => {
    const join = async (conf: number, json: unknown, pers = stage.cast.carol.no) =>
      (await stage.as('carol')).put(`/persons/${pers}/memberships/${conf}`, json)

    it('joins at priority 100 and first position by default, and can be repeated', async () => {
      const { carol, club } = stage.cast
      const client = await stage.as('carol')
      const get = async () => (await client.get(`/persons/${carol.no}/memberships/${club.no}`)).json
      const made = await join(club.no, {})
      expect([made.status, made.text, made.headers.get('content-type')]).toEqual([201, '', null])
      expect(await get()).toMatchObject({ priority: 100, position: 0, added_by: named(carol), type: NO_FLAGS })
      expect((await join(club.no, { priority: '7', where: 1 })).status).toBe(201)
      expect(await get()).toMatchObject({ priority: 7, position: 1 })
      expect((await join(club.no, { priority: 0, where: 65535 })).status).toBe(201)
      expect(await get()).toMatchObject({ priority: 0, position: 1 })
      expect((await join(club.no, { priority: 255, x: 1 })).status).toBe(201)
      expect(await get()).toMatchObject({ priority: 255, position: 0 })
      expect((await client.delete(`/persons/${carol.no}/memberships/${club.no}`)).status).toBe(204)
    })

    it('adds another person with an invitation', async () => {
      const { bob, carol } = stage.cast
      const { conf_no } = (await (await stage.as('carol')).post('/conferences/', { name: 'Contract Party' })).json
      expect((await join(conf_no, {}, bob.no)).status).toBe(201)
      const seen = await (await stage.as('bob')).get(`/persons/${bob.no}/memberships/${conf_no}`)
      expect(seen.json).toMatchObject({ added_by: named(carol), type: { ...NO_FLAGS, invitation: 1 } })
      expect((await (await stage.as('bob')).delete(`/persons/${bob.no}/memberships/${conf_no}`)).status).toBe(204)
    })

    it('rejects an unknown conference or person with 404, a forbidden one with 400', async () => {
      const { club, closed, secret, carol } = stage.cast
      const unknown = await join(NOWHERE, {})
      expect([unknown.status, unknown.json]).toEqual([404, undefinedConference(NOWHERE)])
      const unknownPerson = await join(club.no, {}, NOWHERE)
      expect([unknownPerson.status, unknownPerson.json]).toEqual([404, undefinedPerson(NOWHERE)])
      const hidden = await join(secret.no, {})
      expect([hidden.status, hidden.json]).toEqual([404, undefinedConference(secret.no)])
      const denied = await join(closed.no, {})
      expect([denied.status, denied.json]).toEqual([400, protocolError(11, 'AccessDenied', closed.no)])
      for (const [conf, pers] of [
        [0, carol.no],
        [club.no, 0],
      ] as const) {
        const zero = await join(conf, {}, pers)
        expect([zero.status, zero.json]).toEqual([400, conferenceZero])
      }
    })

    it.each([
      ...[...notWhole('priority', 255), ...notWhole('where', 65535)]
        .filter(([value]) => value !== undefined)
        .map(([value, message]): [object, string] => [{ [message.split('"')[1] as string]: value }, message]),
      ...[null, undefined, 'x', 5].map((body): [unknown, string] => [body, 'Invalid body.']),
    ])('rejects the body %j with a 400 that names the field', async (json, message) => {
      const answer = await join(stage.cast.club.no, json)
      expect([answer.status, answer.json]).toEqual([400, gatewayError(message)])
    })
  })

  describe('DELETE membership', () => {
    it('ends the membership', async () => {
      const { client, no, confs } = await newcomer(1)
      const path = `/persons/${no}/memberships/${confs[0]}`
      const left = await client.delete(path)
      expect([left.status, left.text, left.headers.get('content-type')]).toEqual([204, '', null])
      expect((await client.get(path)).status).toBe(404)
      const again = await client.delete(path)
      expect([again.status, again.json]).toEqual([404, notMember(confs[0] as number)])
    })

    it('rejects a missing membership with 404, the membership of another person with 400', async () => {
      const { club, alice, bob, secret } = stage.cast
      const leave = async (pers: number, conf: number) =>
        (await stage.as('bob')).delete(`/persons/${pers}/memberships/${conf}`)
      const refusals: [number, number, number, object][] = [
        [bob.no, NOWHERE, 404, undefinedConference(NOWHERE)],
        [NOWHERE, club.no, 404, undefinedPerson(NOWHERE)],
        [bob.no, secret.no, 404, undefinedConference(secret.no)],
        [bob.no, 0, 400, conferenceZero],
        [0, club.no, 400, conferenceZero],
        [alice.no, alice.no, 400, permissionDenied(alice.no)],
        [alice.no, club.no, 400, permissionDenied(club.no)],
      ]
      for (const [pers, conf, status, expected] of refusals) {
        const answer = await leave(pers, conf)
        expect([pers, conf, answer.status, answer.json]).toEqual([pers, conf, status, expected])
      }
    })
  })

  it('returns the current memberships of the person who is logged in now', async () => {
    const { alice, bob, club, secret } = stage.cast
    const client = await stage.fresh('alice')
    const list = async (no: number) => confNos((await client.get(`/persons/${no}/memberships/`)).json)
    expect(await list(alice.no)).toContain(secret.no)
    await stage.login(client, 'bob')
    expect(await list(bob.no)).toEqual([bob.no, club.no])
    expect(await list(alice.no)).not.toContain(secret.no)
    expect((await client.get(`/persons/${bob.no}/memberships/${club.no}`)).json.pers_no).toBe(bob.no)
  })
})
