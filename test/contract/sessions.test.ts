import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectTo } from '../support/connection.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { gatewayError, protocolError } from './answers.ts'
import { BACKENDS, type Backend } from './backends.ts'
import { type Cast, makeCast } from './cast.ts'

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const CLIENT = { client: { name: 'contract', version: '1.0' } }

describe.each(BACKENDS)('sessions on $name', ({ start }) => {
  let backend: Backend
  let gateway: TestGateway
  let cast: Cast

  beforeAll(async () => {
    backend = await start()
    cast = await makeCast(backend)
    gateway = await startTestGateway([
      { id: 'kom', host: backend.host, port: backend.port },
      { id: 'twin', host: backend.host, port: backend.port },
    ])
  })
  afterAll(async () => {
    await gateway?.close()
    await backend?.stop()
  })

  const send: TestGateway['send'] = (...args) => gateway.send(...args)
  const login = (id: string, who: object) => send('POST', '/kom/sessions/current/login', { id, json: who })
  const whoAmI = (id: string) => send('GET', '/kom/sessions/current/who-am-i', { id })
  const openAs = async (who: { no: number; passwd: string }) => {
    const id = await gateway.open()
    expect((await login(id, { pers_no: who.no, passwd: who.passwd })).status).toBe(201)
    return id
  }

  describe('POST sessions', () => {
    it('returns a version 4 UUID in header and body, and the session number', async () => {
      const made = await send('POST', '/kom/sessions/', { json: CLIENT })
      expect(made.status).toBe(201)
      expect(made.json).toEqual({ session_no: expect.any(Number), connection_id: expect.stringMatching(UUID_V4) })
      expect(made.headers.get('httpkom-connection')).toBe(made.json.connection_id)
      expect((await whoAmI(made.json.connection_id)).json).toEqual({ person: null, session_no: made.json.session_no })
    })

    it('maps each connection id to exactly one session number', async () => {
      const made = await Promise.all(Array.from({ length: 10 }, () => send('POST', '/kom/sessions/', { json: CLIENT })))
      expect(new Set(made.map((each) => each.json.connection_id)).size).toBe(10)
      expect(new Set(made.map((each) => each.json.session_no)).size).toBe(10)
    })

    it('rejects a request that has a connection id in header or query, valid or not, with 409 for any body', async () => {
      const id = await gateway.open()
      expect((await send('POST', '/kom/sessions/', { id, json: CLIENT })).status).toBe(409)
      expect((await send('POST', '/kom/sessions/', { id: 'x' })).status).toBe(409)
      expect((await send('POST', `/kom/sessions/?Httpkom-Connection=${id}`, { json: CLIENT })).status).toBe(409)
    })

    it('forwards the error of the server for a client name of 61 characters', async () => {
      const json = { client: { name: 'x'.repeat(61), version: '1' } }
      const refused = await send('POST', '/kom/sessions/', { json })
      expect(refused.status).toBe(400)
      expect(refused.json).toEqual(protocolError(5, 'StringTooLong', 60))
    })

    it('accepts a client name of 60 characters, of latin-1 letters, and an empty one', async () => {
      for (const name of ['x'.repeat(60), 'Räksmörgås', '']) {
        expect((await send('POST', '/kom/sessions/', { json: { client: { name, version: '' } } })).status).toBe(201)
      }
    })

    it.each([
      [{}, 'Missing "client".'],
      [[], 'Missing "client".'],
      [{ client: null }, '"client" is null.'],
      [{ client: {} }, 'Missing "client.name".'],
      [{ client: { name: 'x' } }, 'Missing "client.version".'],
      [{ client: { name: null, version: '1' } }, '"client.name" is null.'],
      [{ client: { name: 5, version: '1' } }, '"client.name" must be a string.'],
      [{ client: { name: 'kom\u2603', version: '1' } }, '"client.name" holds characters outside ISO 8859-1.'],
      ['client', 'Invalid body.'],
      [5, 'Invalid body.'],
      [null, 'Invalid body.'],
    ])('rejects the body %j with a 400 that names the field', async (json, message) => {
      const answer = await send('POST', '/kom/sessions/', { json })
      expect([answer.status, answer.json]).toEqual([400, { error_type: 'httpkom', error_msg: message }])
    })

    it.each([
      ['a missing body', {}],
      ['an empty body of type JSON', { headers: { 'content-type': 'application/json' } }],
      ['malformed JSON', { body: '{nope', headers: { 'content-type': 'application/json' } }],
      [
        'JSON with the content type text/plain',
        { body: JSON.stringify(CLIENT), headers: { 'content-type': 'text/plain' } },
      ],
      [
        'JSON in latin-1',
        {
          body: Buffer.from('{"client":{"name":"R\xe4","version":"1"}}', 'latin1'),
          headers: { 'content-type': 'application/json' },
        },
      ],
    ])('rejects %s with 400', async (_, options) => {
      const answer = await send('POST', '/kom/sessions/', options)
      expect(answer.status).toBe(400)
      expect(answer.json).toEqual(gatewayError(/body/i))
    })

    it('accepts any +json type, a charset parameter and a byte order mark', async () => {
      const body = JSON.stringify(CLIENT)
      for (const [type, text] of [
        ['application/vnd.api+json', body],
        ['application/json;charset=utf-8', body],
        ['application/json', `\ufeff${body}`],
      ] as const) {
        expect((await send('POST', '/kom/sessions/', { body: text, headers: { 'content-type': type } })).status).toBe(
          201,
        )
      }
    })
  })

  describe('connection id', () => {
    it('rejects a missing, empty, unknown, malformed or upper-case id and an id of another server with 403', async () => {
      const id = await gateway.open()
      const twin = await gateway.open('twin')
      for (const bad of [undefined, '', '00000000-0000-4000-8000-000000000000', 'x', id.toUpperCase(), twin]) {
        const answer = await send('GET', '/kom/sessions/current/who-am-i', bad === undefined ? {} : { id: bad })
        expect([bad, answer.status, answer.json]).toEqual([bad, 403, gatewayError(/./)])
      }
    })

    it('is accepted as a query parameter of the same name; the header takes precedence', async () => {
      const id = await gateway.open()
      const path = '/kom/sessions/current/who-am-i'
      expect((await send('GET', `${path}?Httpkom-Connection=${id}`)).status).toBe(200)
      expect((await send('GET', `${path}?httpkom-connection=${id}`)).status).toBe(403)
      expect((await send('GET', `${path}?Httpkom-Connection=${id}`, { id: 'x' })).status).toBe(403)
      expect((await send('GET', `${path}?Httpkom-Connection=x`, { id })).status).toBe(200)
    })

    it('is ignored in the query of requests with unsafe methods', async () => {
      const id = await gateway.open()
      expect((await send('POST', `/kom/sessions/current/active?Httpkom-Connection=${id}`)).status).toBe(403)
    })
  })

  describe('POST sessions/current/login', () => {
    it('logs in by number, given as a number or as digits', async () => {
      const id = await gateway.open()
      for (const pers_no of [cast.alice.no, String(cast.alice.no)]) {
        const answer = await login(id, { pers_no, passwd: cast.alice.passwd })
        expect([answer.status, answer.json]).toEqual([201, { pers_no: cast.alice.no, pers_name: cast.alice.name }])
      }
      const { person } = (await whoAmI(id)).json
      expect(person).toEqual({ pers_no: cast.alice.no, pers_name: cast.alice.name })
    })

    it('logs in by name or abbreviation in any case, with an undefined number', async () => {
      for (const who of [{ pers_name: cast.bob.name }, { pers_name: 'CONT bÖ' }, { pers_no: null, pers_name: 'c b' }]) {
        const answer = await login(await gateway.open(), { ...who, passwd: cast.bob.passwd })
        expect([answer.status, answer.json]).toEqual([201, { pers_no: cast.bob.no, pers_name: cast.bob.name }])
      }
    })

    it('treats an empty name with a number as absent', async () => {
      const id = await gateway.open()
      expect((await login(id, { pers_no: cast.alice.no, pers_name: '', passwd: cast.alice.passwd })).status).toBe(201)
    })

    it('distinguishes an unknown name from an ambiguous one', async () => {
      const id = await gateway.open()
      const tried = async (pers_name: string) => (await login(id, { pers_name, passwd: 'x' })).json.error_msg
      expect(await tried('Missing Person')).toBe('recipient not found: Missing Person')
      expect(await tried(cast.club.name)).toBe(`recipient not found: ${cast.club.name}`)
      expect(await tried('contract')).toBe('ambiguous recipient: contract')
      expect(await tried('')).toBe('ambiguous recipient: ')
    })

    it('rejects a wrong password and an unknown person with 401 and leaves the session unchanged', async () => {
      const id = await openAs(cast.bob)
      const wrong = await login(id, { pers_no: cast.alice.no, passwd: 'wrong' })
      expect([wrong.status, wrong.json]).toEqual([401, protocolError(4, 'InvalidPassword', cast.alice.no)])
      const unknown = await login(id, { pers_no: 4711, passwd: 'x' })
      expect([unknown.status, unknown.json]).toEqual([401, protocolError(10, 'UndefinedPerson', 4711)])
      const conference = await login(id, { pers_no: cast.club.no, passwd: 'x' })
      expect([conference.status, conference.json]).toEqual([401, protocolError(10, 'UndefinedPerson', cast.club.no)])
      const zero = await login(id, { pers_no: 0, passwd: 'x' })
      expect([zero.status, zero.json]).toEqual([401, protocolError(8, 'ConferenceZero', 0)])
      expect((await whoAmI(id)).json.person.pers_no).toBe(cast.bob.no)
    })

    it('logs in as another person without a logout', async () => {
      const id = await openAs(cast.alice)
      expect((await login(id, { pers_no: cast.bob.no, passwd: cast.bob.passwd })).status).toBe(201)
      expect((await whoAmI(id)).json.person.pers_no).toBe(cast.bob.no)
    })

    it.each([
      [{ passwd: 'x' }, 'Missing "pers_no" or "pers_name".'],
      [{ pers_no: 6 }, 'Missing "passwd".'],
      [{ pers_no: 6, passwd: null }, '"passwd" is null.'],
      [{ pers_no: 6, passwd: 5 }, '"passwd" must be a string.'],
      [{ pers_no: 6, passwd: '\u2603' }, '"passwd" holds characters outside ISO 8859-1.'],
      [{ pers_name: '\u2603', passwd: 'x' }, '"pers_name" holds characters outside ISO 8859-1.'],
      [{ pers_no: 6, pers_name: 'a', passwd: 'x' }, '"pers_no" and "pers_name" are mutually exclusive.'],
      [{}, 'Missing "passwd".'],
      [[], 'Missing "passwd".'],
      [null, 'Invalid body.'],
    ])('rejects the body %j with a 400 that names the field', async (json, message) => {
      const answer = await login(await gateway.open(), json as object)
      expect([answer.status, answer.json]).toEqual([400, { error_type: 'httpkom', error_msg: message }])
    })

    it.each([-1, 6.9, true, [6], 'six', '', 65536, 1e20, '100000000000000000000'])(
      'rejects the pers_no %j with a 400 that names the field',
      async (pers_no) => {
        const answer = await login(await gateway.open(), { pers_no, passwd: 'x' })
        const message = '"pers_no" must be a whole number from 0 to 65535.'
        expect([answer.status, answer.json]).toEqual([400, { error_type: 'httpkom', error_msg: message }])
      },
    )

    it('sends a line feed in a password as data, not as a second call', async () => {
      const id = await gateway.open()
      const answer = await login(id, { pers_no: cast.alice.no, passwd: 'x\n9 62 1 0H 0\n' })
      expect(answer.json).toEqual(protocolError(4, 'InvalidPassword', cast.alice.no))
      expect((await whoAmI(id)).json.person).toBeNull()
    })
  })

  describe('POST sessions/current/logout', () => {
    it('logs out and keeps the session open; a second logout is a 401', async () => {
      const id = await openAs(cast.alice)
      const out = await send('POST', '/kom/sessions/current/logout', { id })
      expect([out.status, out.text, out.headers.get('content-type')]).toEqual([204, '', null])
      const { person } = (await whoAmI(id)).json
      expect(person).toBeNull()
      const again = await send('POST', '/kom/sessions/current/logout', { id, json: {} })
      expect([again.status, again.json]).toEqual([401, gatewayError('Not logged in.')])
      expect((await login(id, { pers_no: cast.bob.no, passwd: cast.bob.passwd })).status).toBe(201)
    })
  })

  describe('POST sessions/current/active', () => {
    it('needs a session but no login, with or without a body', async () => {
      const id = await gateway.open()
      expect((await send('POST', '/kom/sessions/current/active', { id })).status).toBe(204)
      expect((await send('POST', '/kom/sessions/current/active', { id, json: { x: 1 } })).status).toBe(204)
      expect((await send('POST', '/kom/sessions/current/active')).status).toBe(403)
    })
  })

  describe('POST sessions/current/working-conference', () => {
    const change = (id: string, json: unknown) => send('POST', '/kom/sessions/current/working-conference', { id, json })

    it('changes to a conference of which the person is a member, and to none', async () => {
      const id = await openAs(cast.alice)
      for (const conf_no of [cast.club.no, String(cast.club.no), 0]) {
        expect((await change(id, { conf_no })).status).toBe(204)
      }
    })

    it('rejects a conference without membership and an unknown one with 400 and the error of the server', async () => {
      const id = await openAs(cast.alice)
      const other = await change(id, { conf_no: cast.other.no })
      expect([other.status, other.json]).toEqual([400, protocolError(13, 'NotMember', cast.other.no)])
      const nothing = await change(id, { conf_no: 4711 })
      expect([nothing.status, nothing.json]).toEqual([400, protocolError(9, 'UndefinedConference', 4711)])
    })

    it.each([
      [{}, 'Missing "conf_no".'],
      [{ conf_no: null }, '"conf_no" is null.'],
      [{ conf_no: 'x' }, '"conf_no" must be a whole number from 0 to 65535.'],
      [{ conf_no: -1 }, '"conf_no" must be a whole number from 0 to 65535.'],
      [{ conf_no: 65544 }, '"conf_no" must be a whole number from 0 to 65535.'],
    ])('rejects the body %j with a 400 that names the field', async (json, message) => {
      const answer = await change(await openAs(cast.alice), json)
      expect([answer.status, answer.json]).toEqual([400, { error_type: 'httpkom', error_msg: message }])
    })

    it('rejects a request without a login with 401, without a session with 403', async () => {
      expect((await change(await gateway.open(), { conf_no: 1 })).status).toBe(401)
      expect((await change('x', { conf_no: 1 })).status).toBe(403)
    })
  })

  describe('DELETE sessions', () => {
    const remove = (id: string, no: number | string) => send('DELETE', `/kom/sessions/${no}`, { id })

    it('ends the own session by 0 and by its number and invalidates the id immediately', async () => {
      for (const byNumber of [false, true]) {
        const id = await openAs(cast.alice)
        const no = byNumber ? (await whoAmI(id)).json.session_no : 0
        const gone = await remove(id, no)
        expect([gone.status, gone.text]).toEqual([204, ''])
        expect((await whoAmI(id)).status).toBe(403)
        expect((await remove(id, 0)).status).toBe(403)
      }
    })

    it('ends another session of the same person and invalidates its id', async () => {
      const [mine, other] = [await openAs(cast.alice), await openAs(cast.alice)]
      const no = (await whoAmI(other)).json.session_no
      expect((await remove(mine, no)).status).toBe(204)
      expect((await whoAmI(other)).status).toBe(403)
      expect((await whoAmI(mine)).status).toBe(200)
    })

    it('forwards the error of the server for the session of another person', async () => {
      const [mine, theirs] = [await openAs(cast.alice), await openAs(cast.bob)]
      const no = (await whoAmI(theirs)).json.session_no
      const refused = await remove(mine, no)
      expect([refused.status, refused.json]).toEqual([400, protocolError(12, 'PermissionDenied', no)])
      expect((await whoAmI(theirs)).json.person.pers_no).toBe(cast.bob.no)
    })

    it('rejects an unknown session with 404, and any session without a login with 401', async () => {
      const id = await openAs(cast.alice)
      for (const no of [999999, 4294967296]) {
        const absent = await remove(id, no)
        expect([absent.status, absent.json]).toEqual([404, protocolError(42, 'UndefinedSession', no)])
        const anonymous = await remove(await gateway.open(), no)
        expect([anonymous.status, anonymous.json]).toEqual([401, protocolError(6, 'LoginFirst', 0)])
      }
    })

    it('rejects a session number that is not a number with 404', async () => {
      const id = await openAs(cast.alice)
      for (const no of ['current', '-1', id, '1.5']) expect((await remove(id, no)).status).toBe(404)
      expect((await whoAmI(id)).status).toBe(200)
    })

    it('accepts the id in the query, for pages that are being unloaded', async () => {
      const id = await gateway.open()
      expect((await send('DELETE', `/kom/sessions/0?Httpkom-Connection=${id}`)).status).toBe(204)
    })
  })

  describe('GET server/info', () => {
    it('returns the four conferences with and without a login', async () => {
      const id = await gateway.open()
      const info = await send('GET', '/kom/server/info', { id })
      expect(info.status).toBe(200)
      const named = (conf_no: number) => ({ conf_no, name: expect.any(String) })
      expect(info.json).toEqual({
        version: expect.any(Number),
        conf_pres_conf: named(1),
        pers_pres_conf: named(2),
        motd_conf: named(3),
        kom_news_conf: named(4),
        motd_of_lyskom: expect.any(Number),
      })
      expect((await send('GET', '/kom/server/info')).status).toBe(403)
    })
  })

  it("shows the HTTP client's address and client name to other persons", async () => {
    const id = await openAs(cast.alice)
    const { session_no } = (await whoAmI(id)).json
    const observer = await connectTo(backend.port)
    await observer.call('login', { person: cast.bob.no, passwd: cast.bob.passwd, invisible: false })
    const seen = await observer.call('get-static-session-info', { sessionNo: session_no })
    expect(seen.username).toBe('komgate%127.0.0.1')
    expect(await observer.call('get-client-name', { session: session_no })).toBe('test')
    await observer.close()
  })

  it('leaves no trace of a closed session on the LysKOM server', async () => {
    const observer = await connectTo(backend.port)
    await observer.call('login', { person: cast.bob.no, passwd: cast.bob.passwd, invisible: false })
    const id = await openAs(cast.alice)
    const { session_no } = (await whoAmI(id)).json
    const sessions = async () =>
      (await observer.call('who-is-on-dynamic', { wantVisible: true, wantInvisible: true, activeLast: 0 })).map(
        (s) => s.session,
      )
    expect(await sessions()).toContain(session_no)
    await send('DELETE', '/kom/sessions/0', { id })
    expect(await sessions()).not.toContain(session_no)
    await observer.close()
  })
})
