import { beforeAll, describe, expect, it } from 'vitest'
import { gatewayError } from './answers.ts'
import { BACKENDS } from './backends.ts'
import { onStage } from './stage.ts'

const UNKNOWN = '00000000-0000-4000-8000-000000000000'

/** Every route that needs a session or a login. */
const ROUTES: [method: string, path: string, needs: 'login' | 'session', json?: object][] = [
  ['GET', '/conferences/?name=contract', 'session'],
  ['POST', '/conferences/', 'login', { name: 'Never made' }],
  ['GET', '/conferences/1', 'login'],
  ['GET', '/conferences/1?micro=false', 'login'],
  ['GET', '/conferences/1/texts/', 'login'],
  ['GET', '/conferences/1/texts/?subjects=true', 'login'],
  ['PUT', '/conferences/1/texts/1/read-marking', 'login'],
  ['POST', '/persons/', 'session', { name: '', passwd: '' }],
  ['POST', '/persons/5/set-presentation', 'login', { text_no: 0 }],
  ['POST', '/persons/5/set-passwd', 'login', { old_pwd: '', new_pwd: '' }],
  ['GET', '/persons/5/user-area/jskom', 'login'],
  ['GET', '/persons/5/texts/', 'login'],
  ['GET', '/persons/5/memberships/', 'login'],
  ['GET', '/persons/5/memberships/?unread=true', 'login'],
  ['GET', '/persons/5/memberships/1', 'login'],
  ['PUT', '/persons/5/memberships/1', 'login', {}],
  ['DELETE', '/persons/5/memberships/1', 'login'],
  ['GET', '/persons/5/memberships/unread/', 'login'],
  ['GET', '/persons/5/memberships/1/unread', 'login'],
  ['POST', '/persons/current/memberships/1/unread', 'login', { no_of_unread: 0 }],
  ['GET', '/texts/1', 'login'],
  ['GET', '/texts/1/body', 'login'],
  ['GET', '/texts/1/tree', 'login'],
  ['POST', '/texts/', 'login', { subject: '', body: '', content_type: 'text/plain' }],
  ['GET', '/texts/marks/', 'login'],
  ['PUT', '/texts/1/mark', 'login', { type: 1 }],
  ['DELETE', '/texts/1/mark', 'login'],
  ['PUT', '/texts/1/read-marking', 'login'],
  ['DELETE', '/texts/1/read-marking', 'login'],
  ['GET', '/textstats/1', 'login'],
  ['POST', '/textstats', 'login', { text_nos: [1] }],
  ['POST', '/textstats', 'login', { text_stats: { 1: null } }],
  ['GET', '/sessions/?active_within=60', 'session'],
  ['POST', '/messages', 'login', { recipient: 5, message: 'x' }],
  ['POST', '/calls/get-time', 'session', {}],
]
const at = (path: string, slash: boolean) => {
  const [where = '', query] = path.split('?')
  return where.replace(/\/$/, '') + (slash ? '/' : '') + (query === undefined ? '' : `?${query}`)
}

describe.each(BACKENDS)('access control on $name', ({ start }) => {
  const stage = onStage(start)
  let anonymous: string | undefined
  let twin: string | undefined
  beforeAll(async () => {
    anonymous = (await stage.fresh()).id
    twin = await stage.gateway.open('twin')
  })

  it.each(ROUTES.filter(([, , needs]) => needs === 'login'))(
    'rejects %s %s without a login with a 401 that names the reason',
    async (method, path, _, json) => {
      const answer = await stage.send(method, path, {
        ...(anonymous !== undefined && { id: anonymous }),
        ...(json !== undefined && { json }),
      })
      expect(answer.status).toBe(401)
      expect(answer.json).toMatchObject({ error_msg: expect.stringMatching(/./) })
    },
  )

  describe.each(ROUTES)('%s %s', (method, path, _, json) => {
    const send = (to: string, id?: string) =>
      stage.send(method, to, { ...(id !== undefined && { id }), ...(json !== undefined && { json }) })

    it('rejects requests without a session, with an unknown id and with an id of another server with 403', async () => {
      for (const id of [undefined, UNKNOWN, '', twin]) {
        const answer = await send(path, id)
        expect([answer.status, answer.json]).toEqual([403, gatewayError(/session|Missing Httpkom-Connection/)])
      }
    })

    it('answers the same with and without a trailing slash', async () => {
      const statuses = [(await send(at(path, false), anonymous)).status, (await send(at(path, true), anonymous)).status]
      expect(statuses[0]).toBe(statuses[1])
      expect(statuses[0]).toBeLessThan(405)
      expect(statuses[0]).not.toBe(404)
    })

    it('accepts the connection id from the query for safe methods only', async () => {
      const answer = await send(`${path}${path.includes('?') ? '&' : '?'}Httpkom-Connection=${anonymous}`)
      if (method === 'GET') expect(answer.status).not.toBe(403)
      else expect(answer.status).toBe(403)
    })

    it('rejects an unknown server id with 404', async () => {
      const answer = await stage.gateway.send(method, `/nowhere${path}`, {
        headers: { 'httpkom-connection': String(anonymous) },
      })
      expect([answer.status, answer.json]).toEqual([404, gatewayError('There is no such server.')])
    })
  })

  it.each([
    ['PATCH', '/texts/1', 'GET'],
    ['DELETE', '/texts/1', 'GET'],
    ['GET', '/texts/', 'POST'],
    ['POST', '/texts/1/mark', 'PUT, DELETE'],
    ['GET', '/texts/1/read-marking', 'PUT, DELETE'],
    ['GET', '/persons/', 'POST'],
    ['POST', '/persons/5/memberships/1', 'GET, PUT, DELETE'],
    ['GET', '/persons/current/memberships/1/unread', 'POST'],
    ['DELETE', '/conferences/1', 'GET'],
  ])('answers %s %s with 405 and lists the allowed methods', async (method, path, allowed) => {
    const answer = await stage.send(method, path, { id: (await stage.as('alice')).id })
    expect([answer.status, answer.json]).toEqual([405, gatewayError(/not allowed/)])
    expect(answer.headers.get('allow')?.split(', ')).toEqual(expect.arrayContaining(allowed.split(', ')))
  })

  it.each(['/texts/-1', '/texts/1.5', '/texts/abc', '/texts/-1/body', '/conferences/-1', '/persons/-5/memberships/1'])(
    'answers the unknown path %s with 404',
    async (path) => {
      const answer = await (await stage.as('alice')).get(path)
      expect([answer.status, answer.json]).toEqual([404, gatewayError('Not found.')])
    },
  )

  it.each([
    ['GET', '/texts/4294967296', 'text_no', 2 ** 32 - 1],
    ['GET', '/texts/4294967296/body', 'text_no', 2 ** 32 - 1],
    ['GET', `/texts/${'1'.repeat(40)}`, 'text_no', 2 ** 32 - 1],
    ['GET', '/textstats/4294967296', 'text_no', 2 ** 32 - 1],
    ['DELETE', '/texts/4294967296/mark', 'text_no', 2 ** 32 - 1],
    ['PUT', '/texts/4294967296/read-marking', 'text_no', 2 ** 32 - 1],
    ['DELETE', '/texts/4294967296/read-marking', 'text_no', 2 ** 32 - 1],
    ['GET', '/conferences/65536', 'conf_no', 2 ** 16 - 1],
    ['GET', '/conferences/65536/texts/', 'conf_no', 2 ** 16 - 1],
    ['PUT', '/conferences/65536/texts/1/read-marking', 'conf_no', 2 ** 16 - 1],
    ['PUT', '/conferences/1/texts/4294967296/read-marking', 'local_no', 2 ** 32 - 1],
    ['GET', '/persons/65536/memberships/', 'pers_no', 2 ** 16 - 1],
    ['GET', '/persons/65536/memberships/1', 'pers_no', 2 ** 16 - 1],
    ['GET', '/persons/5/memberships/65536', 'conf_no', 2 ** 16 - 1],
    ['DELETE', '/persons/5/memberships/65536', 'conf_no', 2 ** 16 - 1],
    ['GET', '/persons/5/memberships/65536/unread', 'conf_no', 2 ** 16 - 1],
    ['GET', '/persons/65536/memberships/unread/', 'pers_no', 2 ** 16 - 1],
    ['GET', '/persons/65536/user-area/jskom', 'pers_no', 2 ** 16 - 1],
  ])('rejects %s %s with an out-of-range number with 400', async (method, path, field, max) => {
    const answer = await stage.send(method, path, { id: (await stage.as('alice')).id })
    const message = `"${field}" must be a whole number from 0 to ${max}.`
    expect([answer.status, answer.json]).toEqual([400, gatewayError(message)])
  })

  it.each([
    '/conferences/1',
    '/conferences/?name=x',
    '/texts/marks/',
    '/persons/%/memberships/',
    '/persons/%/memberships/unread/',
    '/persons/%/memberships/%',
    '/server/info',
  ])('answers HEAD %s like GET without the body', async (pattern) => {
    const alice = await stage.as('alice')
    const path = pattern.replaceAll('%', String(stage.cast.alice.no))
    const [got, head] = [await alice.get(path), await alice.head(path)]
    expect([head.status, head.text]).toEqual([200, ''])
    expect(head.headers.get('content-type')).toBe(got.headers.get('content-type'))
  })

  it('ignores unknown query parameters', async () => {
    const alice = await stage.as('alice')
    for (const path of ['/conferences/1', '/texts/marks/', `/persons/${stage.cast.alice.no}/memberships/`]) {
      const plain = await alice.get(path)
      const busted = await alice.get(`${path}?_v=0&httpkom-cache-version=2`)
      expect([busted.status, busted.json]).toEqual([200, plain.json])
      expect(busted.headers.get('cache-control')).toBe('no-cache')
    }
  })
})
