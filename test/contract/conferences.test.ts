import { describe, expect, it } from 'vitest'
import {
  conferenceType,
  conferenceZero,
  gatewayError,
  NOWHERE,
  protocolError,
  TIME,
  undefinedConference,
} from './answers.ts'
import { BACKENDS } from './backends.ts'
import { onStage } from './stage.ts'

const accessDenied = (no: number) => protocolError(11, 'AccessDenied', no)

describe.each(BACKENDS)('conferences on $name', ({ start }) => {
  const stage = onStage(start)
  const conf = ({ no, name }: { no: number; name: string }) => ({ conf_no: no, name })
  const pers = ({ no, name }: { no: number; name: string }) => ({ pers_no: no, pers_name: name })

  describe('lookup by name', () => {
    const find = async (query: string, who: 'alice' | 'bob' = 'bob') =>
      (await stage.as(who)).get(`/conferences/?${query}`)
    const numbers = async (query: string, who?: 'alice' | 'bob') => {
      const answer = await find(query, who)
      expect(answer.status).toBe(200)
      return answer.json.conferences.map((each: { conf_no: number }) => each.conf_no)
    }

    it('returns a list of numbers and names', async () => {
      const answer = await find('name=contract+cl&want-pers=false')
      const { club, closed } = stage.cast
      expect([answer.status, answer.json]).toEqual([200, { conferences: [conf(club), conf(closed)] }])
    })

    it('finds persons, conferences, both or neither by type', async () => {
      const { alice, anonymous } = stage.cast
      expect(await numbers('name=c+a')).toEqual([alice.no, anonymous.no])
      expect(await numbers('name=c+a&want-pers=true&want-confs=true')).toEqual([alice.no, anonymous.no])
      expect(await numbers('name=c+a&want-confs=false')).toEqual([alice.no])
      expect(await numbers('name=c+a&want-pers=false')).toEqual([anonymous.no])
      expect(await numbers('name=c+a&want-persons=false')).toEqual([anonymous.no])
      expect(await numbers('name=c+a&want-pers=false&want-confs=false')).toEqual([])
    })

    it('finds no conference for an unknown name', async () => {
      const answer = await find('name=zzz')
      expect([answer.status, answer.json]).toEqual([200, { conferences: [] }])
    })

    it('finds all conferences for the empty name', async () => {
      const { alice, club, closed } = stage.cast
      expect(await numbers('name=')).toEqual(expect.arrayContaining([1, 2, 3, 4, alice.no, club.no, closed.no]))
    })

    it('matches latin-1 names case-insensitively and ignores text in parentheses', async () => {
      const { bob } = stage.cast
      for (const name of ['contract böb', 'CONTRACT BÖB', 'c b (whatever)']) {
        expect(await numbers(`name=${encodeURIComponent(name)}`)).toEqual([bob.no])
      }
    })

    it('finds a number only with the matching type', async () => {
      const { alice, club } = stage.cast
      expect((await find(`name=%23${club.no}`)).json).toEqual({ conferences: [conf(club)] })
      expect(await numbers(`name=+%23+${alice.no}+`)).toEqual([alice.no])
      expect(await numbers(`name=%23${club.no}&want-confs=false`)).toEqual([])
      expect(await numbers(`name=%23${alice.no}&want-pers=false`)).toEqual([])
      for (const no of [0, NOWHERE, 65535, 2 ** 32, '1'.repeat(30), -1, 1.5, '']) {
        expect([no, await numbers(`name=%23${no}`)]).toEqual([no, []])
      }
    })

    it('finds no conference for a number that is too large', async () => {
      for (const no of [65536, 99999]) expect([no, await numbers(`name=%23${no}`)]).toEqual([no, []])
    })

    it('hides secret conferences from non-members', async () => {
      const { secret } = stage.cast
      expect(await numbers('name=contract+secret', 'alice')).toEqual([secret.no])
      expect(await numbers(`name=%23${secret.no}`, 'alice')).toEqual([secret.no])
      expect(await numbers('name=contract+secret')).toEqual([])
      expect(await numbers(`name=%23${secret.no}`)).toEqual([])
    })

    it('finds conferences without a login', async () => {
      const answer = await (await stage.fresh()).get('/conferences/?name=contract+club')
      expect([answer.status, answer.json]).toEqual([200, { conferences: [conf(stage.cast.club)] }])
    })

    it.each([
      ['', 'Missing "name".'],
      ['nam=x', 'Missing "name".'],
      ['name=%E2%98%83', '"name" holds characters outside ISO 8859-1.'],
      ['name=x&want-pers=yes', '"want-pers" must be true or false.'],
      ['name=x&want-persons=1', '"want-persons" must be true or false.'],
      ['name=x&want-confs=', '"want-confs" must be true or false.'],
      ['name=x&want-confs=True', '"want-confs" must be true or false.'],
    ])('rejects the query "%s" with a 400 that names the parameter', async (query, message) => {
      const answer = await find(query)
      expect([answer.status, answer.json]).toEqual([400, gatewayError(message)])
    })

    it('sends a line feed in a name as data, not as a second call', async () => {
      expect(await numbers(`name=${encodeURIComponent('x\n9 55 0\n')}`)).toEqual([])
      expect(await numbers('name=contract+club')).toEqual([stage.cast.club.no])
    })
  })

  describe('GET conference', () => {
    const get = async (path: string, who: 'alice' | 'bob' = 'bob') => (await stage.as(who)).get(`/conferences/${path}`)

    it('returns exactly these fields in the micro form', async () => {
      const { club, closed, alice } = stage.cast
      const answer = await get(`${club.no}`)
      expect([answer.status, answer.json]).toEqual([
        200,
        { ...conf(club), type: conferenceType('000000'), highest_local_no: expect.any(Number), nice: 77 },
      ])
      expect(answer.json.highest_local_no).toBeGreaterThan(4)
      expect((await get(`${club.no}?micro=true`)).json).toEqual(answer.json)
      const { type, highest_local_no } = (await get(`${closed.no}`)).json
      expect([type, highest_local_no]).toEqual([conferenceType('100000'), 1])
      expect((await get(`${alice.no}`)).json).toEqual({
        ...conf(alice),
        type: conferenceType('100110'),
        highest_local_no: 0,
        nice: 77,
      })
    })

    it('returns exactly these fields in the full form', async () => {
      const { anonymous, alice } = stage.cast
      const answer = await get(`${anonymous.no}?micro=false`)
      expect(answer.status).toBe(200)
      expect(answer.json).toEqual({
        ...conf(anonymous),
        type: conferenceType('000010'),
        creation_time: TIME,
        last_written: TIME,
        creator: pers(alice),
        presentation: 0,
        supervisor: conf(alice),
        permitted_submitters: null,
        super_conf: conf(alice),
        msg_of_day: 0,
        nice: 77,
        keep_commented: 77,
        no_of_members: 0,
        first_local_no: 1,
        no_of_texts: 1,
        expire: 0,
        aux_items: [],
      })
    })

    it('returns a placeholder for a deleted creator', async () => {
      const { orphan, gone } = stage.cast
      const { creator, supervisor, super_conf } = (await get(`${orphan.no}?micro=false`)).json
      const placeholder = { conf_no: gone.no, name: `Conference ${gone.no} (does not exist)` }
      expect(creator).toEqual({ pers_no: gone.no, pers_name: `Person ${gone.no} (does not exist)` })
      expect([supervisor, super_conf]).toEqual([placeholder, placeholder])
    })

    it('returns null for a missing supervisor, submitters and super-conference, and names otherwise', async () => {
      const { club, other } = stage.cast
      const { connection } = await stage.author('alice')
      const made = await (await stage.as('alice')).post('/conferences/', { name: 'Contract Free' })
      const { conf_no: confNo } = made.json
      const seen = async () => {
        const { supervisor, permitted_submitters, super_conf } = (await get(`${confNo}?micro=false`)).json
        return [supervisor, permitted_submitters, super_conf]
      }
      await connection.call('set-permitted-submitters', { confNo, permSub: club.no })
      await connection.call('set-super-conf', { confNo, superConf: other.no })
      expect(await seen()).toEqual([conf(stage.cast.alice), conf(club), conf(other)])
      await connection.call('set-super-conf', { confNo, superConf: 0 })
      await connection.call('set-permitted-submitters', { confNo, permSub: 0 })
      await connection.call('set-supervisor', { confNo, admin: 0 })
      expect(await seen()).toEqual([null, null, null])
    })

    it('shows a secret conference to members only, and a closed one to everyone', async () => {
      const { secret, closed } = stage.cast
      for (const micro of [true, false]) {
        const seen = await get(`${secret.no}?micro=${micro}`, 'alice')
        expect([seen.status, seen.json.type]).toEqual([200, conferenceType('101000')])
        const unseen = await get(`${secret.no}?micro=${micro}`)
        expect([unseen.status, unseen.json]).toEqual([404, undefinedConference(secret.no)])
        expect((await get(`${closed.no}?micro=${micro}`)).status).toBe(200)
      }
    })

    it('hides secret names from a person who logs in on a session that a member used before', async () => {
      const { secret } = stage.cast
      const { connection } = await stage.author('alice')
      const client = await stage.fresh('alice')
      const { conf_no } = (await client.post('/conferences/', { name: 'Contract Below' })).json
      await connection.call('set-super-conf', { confNo: conf_no, superConf: secret.no })
      const seen = async () => (await client.get(`/conferences/${conf_no}?micro=false`)).json.super_conf
      expect(await seen()).toEqual(conf(secret))
      await stage.login(client, 'bob')
      expect(await seen()).toEqual((await get(`${conf_no}?micro=false`)).json.super_conf)
      expect(JSON.stringify(await seen())).not.toContain(secret.name)
    })

    it('rejects an unknown conference with 404, number 0 and an invalid boolean with 400', async () => {
      const { gone } = stage.cast
      for (const no of [NOWHERE, 65535, gone.no]) {
        for (const micro of [true, false]) {
          const answer = await get(`${no}?micro=${micro}`)
          expect([answer.status, answer.json]).toEqual([404, undefinedConference(no)])
        }
      }
      const zero = await get('0')
      expect([zero.status, zero.json]).toEqual([400, conferenceZero])
      const odd = await get('1?micro=1')
      expect([odd.status, odd.json]).toEqual([400, gatewayError('"micro" must be true or false.')])
    })

    it('shows a new name to other sessions immediately after a rename', async () => {
      const { connection } = await stage.author('alice')
      const [alice, bob] = [await stage.as('alice'), await stage.as('bob')]
      const made = await alice.post('/conferences/', { name: 'Contract Before' })
      const no = made.json.conf_no
      const recipient_list = [{ type: 'to', recpt: { conf_no: no } }]
      const text = { subject: 's', body: 'b', content_type: 'text/plain', recipient_list }
      const { text_no } = (await alice.post('/texts/', text)).json
      const named = async () => [
        (await bob.get(`/texts/${text_no}`)).json.recipient_list[0].recpt.name,
        (await bob.get(`/conferences/${no}`)).json.name,
      ]
      expect(await named()).toEqual(['Contract Before', 'Contract Before'])
      await connection.call('change-name', { conference: no, newName: 'Contract After' })
      expect(await named()).toEqual(['Contract After', 'Contract After'])
    })
  })

  describe('POST conferences', () => {
    const make = async (json: unknown) => (await stage.as('alice')).post('/conferences/', json)

    it('creates an open conference supervised by its creator', async () => {
      const made = await make({ name: 'Contract Måde' })
      expect([made.status, made.json]).toEqual([201, { conf_no: expect.any(Number), name: 'Contract Måde' }])
      const { alice } = stage.cast
      const seen = (await (await stage.as('bob')).get(`/conferences/${made.json.conf_no}?micro=false`)).json
      expect(seen).toMatchObject({ type: conferenceType('000000'), creator: pers(alice), supervisor: conf(alice) })
    })

    it('forwards a rejection by the LysKOM server with its error', async () => {
      const refusals: [string, object][] = [
        [stage.cast.club.name, protocolError(20, 'ConferenceExists', 0)],
        ['contract CLUB (2)', protocolError(20, 'ConferenceExists', 0)],
        ['', protocolError(18, 'BadName', 0)],
        ['a\nb', protocolError(18, 'BadName', 0)],
        ['x'.repeat(61), protocolError(5, 'StringTooLong', 60)],
      ]
      for (const [name, expected] of refusals) {
        const answer = await make({ name })
        expect([name, answer.status, answer.json]).toEqual([name, 400, expected])
      }
    })

    it.each([
      [{}, 'Missing "name".'],
      [[], 'Missing "name".'],
      [{ name: null }, '"name" is null.'],
      [{ name: 5 }, '"name" must be a string.'],
      [{ name: '\u2603' }, '"name" holds characters outside ISO 8859-1.'],
      [{ name: '\ud800' }, '"name" holds a lone surrogate.'],
      [null, 'Invalid body.'],
    ])('rejects the body %j with a 400 that names the field', async (json, message) => {
      const answer = await make(json)
      expect([answer.status, answer.json]).toEqual([400, gatewayError(message)])
    })
  })

  describe('texts of a conference', () => {
    const list = async (path: string, who: 'alice' | 'bob' = 'bob') => (await stage.as(who)).get(`/conferences/${path}`)
    const numbers = (answer: { json: { texts: { text_no: number }[] } }) =>
      answer.json.texts.map((text) => text.text_no)

    it('lists texts newest first, without subject and body', async () => {
      const { club, texts } = stage.cast
      const answer = await list(`${club.no}/texts/`)
      expect([answer.status, Object.keys(answer.json)]).toEqual([200, ['texts']])
      expect(numbers(answer)).toEqual([
        texts.commentOnOrphan,
        texts.commentOnSecret,
        texts.orphan,
        texts.footnote,
        texts.comment,
        texts.root,
      ])
      const bob = await stage.as('bob')
      for (const listed of answer.json.texts) {
        const { subject: _, body: __, ...text } = (await bob.get(`/texts/${listed.text_no}`)).json
        expect(listed).toEqual({ ...text, subject: null, body: null })
      }
    })

    it('lists the requested number of texts, ten by default', async () => {
      const { other } = stage.cast
      const author = await stage.author('alice')
      const written = []
      for (let i = 0; i < 12; i++) written.push(await author.write({ text: 's\nb', to: [other.no] }))
      written.reverse()
      const counted = async (query: string) => numbers(await list(`${other.no}/texts/${query}`))
      expect(await counted('')).toEqual(written.slice(0, 10))
      expect(await counted('?no-of-texts=3')).toEqual(written.slice(0, 3))
      expect(await counted('?no-of-texts=255')).toEqual([...written, stage.cast.texts.root])
      expect(await counted('?no-of-texts=0')).toEqual([])
      await author.delete(written[0] as number)
      expect(await counted('?no-of-texts=2')).toEqual(written.slice(1, 3))
    })

    it('returns an empty list for a conference without texts', async () => {
      expect((await list(`${stage.cast.orphan.no}/texts/`)).json).toEqual({ texts: [] })
    })

    it('lists texts only for persons who may read the conference', async () => {
      const { secret, closed, texts } = stage.cast
      expect(numbers(await list(`${secret.no}/texts/`, 'alice'))).toEqual([texts.secret, texts.root])
      const unknown = await list(`${secret.no}/texts/`)
      expect([unknown.status, unknown.json]).toEqual([400, undefinedConference(secret.no)])
      const denied = await list(`${closed.no}/texts/`)
      expect([denied.status, denied.json]).toEqual([400, accessDenied(closed.no)])
    })

    it('rejects an unknown conference with 400 and the error of the server', async () => {
      const unknown = await list(`${NOWHERE}/texts/`)
      expect([unknown.status, unknown.json]).toEqual([400, undefinedConference(NOWHERE)])
      const zero = await list('0/texts/')
      expect([zero.status, zero.json]).toEqual([400, conferenceZero])
      const many = await list(`${stage.cast.club.no}/texts/?no-of-texts=256`)
      expect([many.status, many.json]).toEqual([400, protocolError(46, 'LongArray', 255)])
    })

    it.each(['-1', 'x', '', '1.5', '4294967296', '%2B1', '1e3'])(
      'rejects no-of-texts=%s with a 400 that names it',
      async (count) => {
        const answer = await list(`${stage.cast.club.no}/texts/?no-of-texts=${count}`)
        const message = '"no-of-texts" must be a whole number from 0 to 4294967295.'
        expect([answer.status, answer.json]).toEqual([400, gatewayError(message)])
      },
    )
  })
})
