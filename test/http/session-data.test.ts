import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const MISSING = '00000000-0000-4000-8000-000000000000'
const DATA = '/demo/sessions/current/data'

let gateway: TestGateway
beforeEach(async () => {
  gateway = await startTestGateway([{ id: 'demo', demo: true }])
})
afterEach(() => gateway.close())

/** Opens a session and logs in a person of the demo server. */
async function loggedIn(pers_name: string): Promise<string> {
  const id = await gateway.open()
  await logIn(id, pers_name)
  return id
}

async function logIn(id: string, pers_name: string): Promise<void> {
  const json = { pers_name, passwd: 'demo' }
  const { status } = await gateway.send('POST', '/demo/sessions/current/login', { id, json })
  expect(status).toBe(201)
}

async function logOut(id: string): Promise<void> {
  expect((await gateway.send('POST', '/demo/sessions/current/logout', { id })).status).toBe(204)
}

async function dataOf(id: string): Promise<unknown> {
  return (await gateway.send('GET', DATA, { id })).json
}

describe('session data', () => {
  it('GET returns the keys that PATCH has set, at first none; null deletes a key', async () => {
    const id = await gateway.open()
    expect((await gateway.send('GET', DATA, { id })).json).toEqual({})
    const set = await gateway.send('PATCH', DATA, { id, json: { draft: { subject: 'Hej' }, seen: [1, 2], x: null } })
    expect(set).toMatchObject({ status: 200, json: { draft: { subject: 'Hej' }, seen: [1, 2] } })
    await gateway.send('PATCH', DATA, { id, json: { draft: null } })
    expect((await gateway.send('GET', DATA, { id })).json).toEqual({ seen: [1, 2] })
  })

  it('a login keeps data that was written before it', async () => {
    const id = await gateway.open()
    await gateway.send('PATCH', DATA, { id, json: { a: 1 } })
    await logIn(id, 'Demo Reader')
    expect(await dataOf(id)).toEqual({ a: 1 })
    await logOut(id)
    expect(await dataOf(id)).toEqual({ a: 1 })
  })

  it.each(['with', 'without'])('a login of another person %s a logout before it clears the data', async (how) => {
    const id = await loggedIn('Demo Reader')
    await gateway.send('PATCH', DATA, { id, json: { draft: 'a secret letter' } })
    if (how === 'with') await logOut(id)
    await logIn(id, 'Demo Writer')
    expect(await dataOf(id)).toEqual({})
    const patched = await gateway.send('PATCH', DATA, { id, json: { theme: 'dark' } })
    expect(patched.json).toEqual({ theme: 'dark' })
    await logIn(id, 'Demo Reader')
    expect(await dataOf(id)).toEqual({})
  })

  it('a logout hides the data until the same person logs in again', async () => {
    const id = await loggedIn('Demo Reader')
    await gateway.send('PATCH', DATA, { id, json: { draft: 'a secret letter' } })
    await logOut(id)
    expect(await dataOf(id)).toEqual({})
    await logIn(id, 'Demo Reader')
    await logIn(id, 'Demo Reader')
    expect(await dataOf(id)).toEqual({ draft: 'a secret letter' })
  })

  it('a PATCH without a login replaces the data of a person who has logged out', async () => {
    const id = await loggedIn('Demo Reader')
    await gateway.send('PATCH', DATA, { id, json: { draft: 'a secret letter' } })
    await logOut(id)
    expect((await gateway.send('PATCH', DATA, { id, json: { theme: 'dark' } })).json).toEqual({ theme: 'dark' })
    await logIn(id, 'Demo Writer')
    expect(await dataOf(id)).toEqual({ theme: 'dark' })
  })

  it('a failed login of another person keeps the data', async () => {
    const id = await loggedIn('Demo Reader')
    await gateway.send('PATCH', DATA, { id, json: { a: 1 } })
    const json = { pers_name: 'Demo Writer', passwd: 'wrong' }
    expect((await gateway.send('POST', '/demo/sessions/current/login', { id, json })).status).toBe(401)
    expect(await dataOf(id)).toEqual({ a: 1 })
  })

  it('each session has its own data', async () => {
    const id = await gateway.open()
    await gateway.send('PATCH', DATA, { id, json: { a: 1 } })
    expect((await gateway.send('GET', DATA, { id: await gateway.open() })).json).toEqual({})
    expect((await gateway.send('GET', DATA, { id: MISSING })).status).toBe(403)
    expect((await gateway.send('GET', DATA)).status).toBe(403)
  })

  it('PATCH rejects data over 16 kB with 413', async () => {
    const id = await gateway.open()
    const room = 16_384 - '{"a":""}'.length
    expect((await gateway.send('PATCH', DATA, { id, json: { a: 'x'.repeat(room) } })).status).toBe(200)
    const over = await gateway.send('PATCH', DATA, { id, json: { b: 1 } })
    expect(over).toMatchObject({ status: 413, json: { error_type: 'httpkom' } })
    expect(Object.keys((await gateway.send('GET', DATA, { id })).json)).toEqual(['a'])
  })

  it('PATCH rejects a body that is not an object with 400', async () => {
    const id = await gateway.open()
    for (const body of ['"text"', '1', 'null', '{', '{"a": undefined}']) {
      const { status } = await gateway.send('PATCH', DATA, {
        id,
        body,
        headers: { 'content-type': 'application/json' },
      })
      expect(status, body).toBe(400)
    }
  })

  it('PATCH accepts __proto__ as an ordinary key', async () => {
    const id = await gateway.open()
    const body = '{"__proto__":{"polluted":true},"constructor":1}'
    await gateway.send('PATCH', DATA, { id, body, headers: { 'content-type': 'application/json' } })
    expect((await gateway.send('GET', DATA, { id })).text).toBe(body)
    expect((await gateway.send('GET', DATA, { id: await gateway.open() })).text).toBe('{}')
  })
})

describe('sessions/mine', () => {
  it('GET lists the other sessions of the person, without secrets', async () => {
    const [mine, other] = [await loggedIn('Demo Reader'), await loggedIn('Demo Reader')]
    await loggedIn('Demo Writer')
    const { text, json } = await gateway.send('GET', '/demo/sessions/mine', { id: mine })
    expect(json.sessions).toEqual([
      { handle: expect.stringMatching(/^[0-9a-f]{12}$/), client: 'test 1.0', address: '127.0.0.1', idle: 0 },
    ])
    expect(text).not.toContain(other)
  })

  it('every method answers 401 without a login', async () => {
    const id = await gateway.open()
    expect((await gateway.send('GET', '/demo/sessions/mine', { id })).status).toBe(401)
    expect((await gateway.send('DELETE', '/demo/sessions/mine?except=current', { id })).status).toBe(401)
    expect((await gateway.send('DELETE', '/demo/sessions/mine/0123456789ab', { id })).status).toBe(401)
    expect((await gateway.send('GET', '/demo/sessions/mine')).status).toBe(403)
  })

  it('DELETE with a handle ends one session: the next request with its id is rejected with 403', async () => {
    const [mine, other, third] = [
      await loggedIn('Demo Reader'),
      await loggedIn('Demo Reader'),
      await loggedIn('Demo Reader'),
    ]
    const { sessions } = (await gateway.send('GET', '/demo/sessions/mine', { id: mine })).json
    expect(sessions).toHaveLength(2)
    const { handle } = sessions[1]
    expect((await gateway.send('DELETE', `/demo/sessions/mine/${handle}`, { id: mine })).status).toBe(204)
    const statuses = []
    for (const id of [mine, other, third]) {
      statuses.push((await gateway.send('GET', '/demo/sessions/current/who-am-i', { id })).status)
    }
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 200, 403])
    expect((await gateway.send('DELETE', `/demo/sessions/mine/${handle}`, { id: mine })).status).toBe(404)
  })

  it('DELETE with a handle of another person answers 404 and ends no session', async () => {
    const [mine, other, foreign] = [
      await loggedIn('Demo Reader'),
      await loggedIn('Demo Reader'),
      await loggedIn('Demo Writer'),
    ]
    const { sessions } = (await gateway.send('GET', '/demo/sessions/mine', { id: mine })).json
    const path = `/demo/sessions/mine/${sessions[0].handle}`
    expect((await gateway.send('DELETE', path, { id: foreign })).status).toBe(404)
    expect((await gateway.send('DELETE', '/demo/sessions/mine', { id: foreign })).json).toEqual({ ended: 1 })
    expect((await gateway.send('GET', '/demo/sessions/current/who-am-i', { id: other })).status).toBe(200)
  })

  it('DELETE with except=current ends all sessions of the person except the own one', async () => {
    const [mine, other, third] = [
      await loggedIn('Demo Reader'),
      await loggedIn('Demo Reader'),
      await loggedIn('Demo Reader'),
    ]
    const { json } = await gateway.send('DELETE', '/demo/sessions/mine?except=current', { id: mine })
    expect(json).toEqual({ ended: 2 })
    expect((await gateway.send('GET', '/demo/sessions/current/who-am-i', { id: mine })).status).toBe(200)
    for (const id of [other, third]) {
      expect((await gateway.send('GET', '/demo/sessions/current/who-am-i', { id })).status).toBe(403)
    }
    expect((await gateway.send('DELETE', '/demo/sessions/mine?except=other', { id: mine })).status).toBe(400)
  })

  it('GET omits sessions on which the person has logged out', async () => {
    const [mine, other] = [await loggedIn('Demo Reader'), await loggedIn('Demo Reader')]
    await gateway.send('POST', '/demo/sessions/current/logout', { id: other })
    expect((await gateway.send('GET', '/demo/sessions/mine', { id: mine })).json).toEqual({ sessions: [] })
    await gateway.send('DELETE', '/demo/sessions/0', { id: other })
  })
})
