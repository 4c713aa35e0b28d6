import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BACKENDS, type Backend } from '../contract/backends.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

/** The smallest possible PNG: one pixel. */
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/**
 * A reader's session in jskom, in order, with the requests that jskom sends: cache busters, empty names with numbers,
 * whole copies of received objects as recipients, posts without a body, and the id in the query of image URLs.
 */
describe.each(BACKENDS)('requests of jskom on $name', ({ start }) => {
  let backend: Backend
  let gateway: TestGateway
  let id = ''
  let me = 0
  let conference = 0
  let first = 0
  let image = 0

  beforeAll(async () => {
    backend = await start()
    gateway = await startTestGateway([{ id: 'lyskom', host: backend.host, port: backend.port }])
  })
  afterAll(async () => {
    await gateway.close()
    await backend.stop()
  })

  const kom = (method: string, path: string, json?: unknown) => {
    const cacheBuster = path.includes('?') ? '&_v=0' : '?_v=0'
    return gateway.send(method, `/lyskom${path}${method === 'GET' ? cacheBuster : ''}`, {
      id,
      ...(json !== undefined && { json }),
      headers: { 'x-requested-with': 'XMLHttpRequest', 'cache-control': 'no-cache', origin: 'http://jskom.example' },
    })
  }
  const post = async (text: object) => {
    const made = await kom('POST', '/texts/', { content_type: 'text/x-kom-basic', ...text })
    expect(made.status).toBe(201)
    return made.json.text_no as number
  }

  it('lists the servers and opens a session', async () => {
    const servers = await gateway.send('GET', '/?_v=0')
    expect(servers.json.lyskom).toMatchObject({ id: 'lyskom', sort_order: 0 })
    const made = await gateway.send('POST', '/lyskom/sessions/', {
      json: { client: { name: 'jskom', version: '0.21' } },
    })
    expect(made.status).toBe(201)
    id = made.headers.get('httpkom-connection') as string
    expect((await kom('GET', '/sessions/current/who-am-i')).json.person).toBeNull()
  })

  it('creates an account and logs in by number with an empty name', async () => {
    const made = await kom('POST', '/persons/', { name: 'Reader (of) jskom', passwd: 'secret' })
    expect([made.status, made.json]).toEqual([201, { pers_no: expect.any(Number), pers_name: 'Reader (of) jskom' }])
    me = made.json.pers_no
    const login = await kom('POST', '/sessions/current/login', { pers_no: me, pers_name: '', passwd: 'secret' })
    expect([login.status, login.json]).toEqual([201, { pers_no: me, pers_name: 'Reader (of) jskom' }])
    expect((await kom('POST', '/sessions/current/logout')).status).toBe(204)
  })

  it('logs in by name, gets its identity and reports activity', async () => {
    const found = await kom('GET', '/conferences/?name=reader%20js&want-pers=true&want-confs=false')
    expect(found.json.conferences).toEqual([{ conf_no: me, name: 'Reader (of) jskom' }])
    expect((await kom('POST', '/sessions/current/login', { pers_name: 'reader', passwd: 'secret' })).status).toBe(201)
    expect((await kom('GET', '/sessions/current/who-am-i')).json.person.pers_no).toBe(me)
    expect((await kom('POST', '/sessions/current/active')).status).toBe(204)
    expect((await kom('GET', '/server/info')).status).toBe(200)
  })

  it('creates a conference, joins it and makes it the working conference', async () => {
    const made = await kom('POST', '/conferences/', { name: 'Read in jskom' })
    expect(made.status).toBe(201)
    conference = made.json.conf_no
    expect((await kom('PUT', `/persons/${me}/memberships/${conference}`, { priority: 150, where: 0 })).status).toBe(201)
    expect((await kom('POST', '/sessions/current/working-conference', { conf_no: conference })).status).toBe(204)
    const membership = await kom('GET', `/persons/${me}/memberships/${conference}`)
    expect(membership.json).toMatchObject({ pers_no: me, priority: 150, conference: { conf_no: conference } })
  })

  it('creates a text and lists it as unread', async () => {
    const { json } = await kom('GET', `/conferences/${conference}?micro=true`)
    first = await post({ subject: 'Hej ☃', body: 'rad 1\nrad 2', recipient_list: [{ type: 'to', recpt: json }] })
    const { list } = (await kom('GET', `/persons/${me}/memberships/unread/`)).json
    expect(list).toEqual([{ pers_no: me, conf_no: conference, no_of_unread: 1, unread_texts: [first] }])
    const unread = await kom('GET', `/persons/${me}/memberships/?unread=true&no-of-memberships=100`)
    expect(unread.json.memberships.map((m: { conference: { conf_no: number } }) => m.conference.conf_no)).toEqual([
      conference,
    ])
  })

  it('reads a thread: a text, a comment and a footnote', async () => {
    const text = (await kom('GET', `/texts/${first}`)).json
    expect(text).toMatchObject({ text_no: first, subject: 'Hej ☃', body: 'rad 1\nrad 2', author: { pers_no: me } })
    const { recipient_list } = text
    const comment = await post({
      subject: 'Sv',
      body: 'ja',
      recipient_list,
      comment_to_list: [{ type: 'comment', text_no: first }],
    })
    const footnote = await post({
      subject: 'P.S.',
      body: 'nej',
      recipient_list,
      comment_to_list: [{ type: 'footnote', text_no: first }],
    })
    const { comment_in_list } = (await kom('GET', `/texts/${first}`)).json
    const author = { pers_no: me, pers_name: 'Reader (of) jskom' }
    expect(comment_in_list).toEqual([
      { type: 'comment', text_no: comment, author },
      { type: 'footnote', text_no: footnote, author },
    ])
    const { texts } = (await kom('GET', `/conferences/${conference}/texts/?no-of-texts=10`)).json
    expect(texts.map((each: { text_no: number }) => each.text_no)).toEqual([footnote, comment, first])
    for (const read of [first, comment, footnote]) {
      expect((await kom('PUT', `/texts/${read}/read-marking`, {})).status).toBe(201)
    }
    expect((await kom('GET', `/persons/${me}/memberships/unread/`)).json.list).toEqual([])
    expect((await kom('DELETE', `/texts/${comment}/read-marking`)).status).toBe(204)
    expect((await kom('GET', `/persons/${me}/memberships/${conference}/unread`)).json.unread_texts).toEqual([comment])
    expect((await kom('POST', `/persons/current/memberships/${conference}/unread`, { no_of_unread: 2 })).status).toBe(
      204,
    )
    expect((await kom('GET', `/persons/${me}/memberships/${conference}/unread`)).json.no_of_unread).toBe(2)
  })

  it('adds and removes a mark on a text', async () => {
    expect((await kom('PUT', `/texts/${first}/mark`, { type: 100 })).status).toBe(201)
    expect((await kom('GET', '/texts/marks/')).json).toEqual({ marks: [{ text_no: first, type: 100 }] })
    expect((await kom('GET', `/texts/${first}`)).json.no_of_marks).toBe(1)
    expect((await kom('DELETE', `/texts/${first}/mark`)).status).toBe(204)
    expect((await kom('GET', '/texts/marks/')).json).toEqual({ marks: [] })
  })

  it('posts an image and fetches it by its URL alone', async () => {
    const to = [{ type: 'to', recpt: { conf_no: conference, name: 'Read in jskom' } }]
    image = await post({
      subject: 'bild å',
      body: PIXEL,
      content_type: 'image/png',
      content_encoding: 'base64',
      recipient_list: to,
    })
    expect((await kom('GET', `/texts/${image}`)).json).toMatchObject({ subject: 'bild å', content_type: 'image/png' })
    const shown = await fetch(`${gateway.url}/lyskom/texts/${image}/body?Httpkom-Connection=${id}`)
    expect(shown.headers.get('content-type')).toBe('image/png')
    expect(Buffer.from(await shown.arrayBuffer()).toString('base64')).toBe(PIXEL)
  })

  it('changes the presentation and the password', async () => {
    const presentation = await post({
      subject: 'Reader (of) jskom',
      body: 'läser',
      recipient_list: [{ type: 'to', recpt: { conf_no: 2 } }],
    })
    expect((await kom('POST', `/persons/${me}/set-presentation`, { text_no: presentation })).status).toBe(201)
    expect((await kom('GET', `/conferences/${me}?micro=false`)).json.presentation).toBe(presentation)
    const passwords = { old_pwd: 'secret', new_pwd: 'hemligt' }
    expect((await kom('POST', `/persons/${me}/set-passwd`, passwords)).status).toBe(201)
  })

  it('leaves the conference, logs out, and logs in with the new password', async () => {
    expect((await kom('DELETE', `/persons/${me}/memberships/${conference}`)).status).toBe(204)
    expect((await kom('GET', `/persons/${me}/memberships/${conference}`)).status).toBe(404)
    expect((await kom('POST', '/sessions/current/logout', {})).status).toBe(204)
    expect((await kom('GET', `/texts/${first}`)).status).toBe(401)
    expect(
      (await kom('POST', '/sessions/current/login', { pers_no: me, pers_name: '', passwd: 'secret' })).status,
    ).toBe(401)
    expect(
      (await kom('POST', '/sessions/current/login', { pers_no: me, pers_name: '', passwd: 'hemligt' })).status,
    ).toBe(201)
    expect((await kom('DELETE', '/sessions/0')).status).toBe(204)
    expect((await kom('GET', '/sessions/current/who-am-i')).status).toBe(403)
  })
})
