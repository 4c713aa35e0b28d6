import { beforeEach, describe, expect, it } from 'vitest'
import { microappApi } from '../../src/compat/microapp.ts'
import { all } from '../support/all.ts'
import {
  type CompatApp,
  type CompatSendOptions,
  startCompatApi,
  unavailable,
  withoutLists,
} from '../support/compat-app.ts'

const KEY = 'key-of-forum'
const KEYS = [
  { app: 'forum', key: KEY },
  { app: 'demo', key: 'key-of-demo' },
]

let api: CompatApp
beforeEach(() => {
  api = startCompatApi(microappApi, { keys: KEYS })
})

/** Calls a script with the key of the service `forum`, and returns its response text. */
async function call(script: string, query: string, options: CompatSendOptions = {}): Promise<string> {
  const { status, text, headers } = await api.send('GET', `/${script}.cgi?${query}`, { key: KEY, ...options })
  expect([script, status, headers.get('content-type')]).toEqual([script, 200, 'text/plain; charset=utf-8'])
  return text
}

const NO_SESSION = 'invalid: There is no such session.'

describe('the microapp scripts', () => {
  it('add_session.cgi answers with a new session id of 14 to 16 letters and digits', async () => {
    const id = await call('add_session', 'user_id=username;service=forum')
    expect(id).toMatch(/^[a-zA-Z0-9]{14,16}$/)
    expect(await call('add_session', 'user_id=username;service=forum')).not.toBe(id)
  })

  it('validate.cgi answers ok for the session of the given user, service and name, and invalid otherwise', async () => {
    const id = await call('add_session', 'user_id=username;service=forum')
    expect(await call('validate', `user_id=username;service=forum;session_id=${id}`)).toBe('ok')
    for (const query of [
      `user_id=another;service=forum;session_id=${id}`,
      `user_id=username;service=demo;session_id=${id}`,
      `user_id=username;service=forum;session_name=10.0.0.1;session_id=${id}`,
      `user_id=username;service=forum;session_id=${id}x`,
      'user_id=username;service=forum;session_id=__proto__',
    ]) {
      expect([query, await call('validate', query)]).toEqual([query, NO_SESSION])
    }
  })

  it('expire_session.cgi ends the session of the given user, service and name', async () => {
    const id = await call('add_session', 'user_id=username;service=forum')
    const named = await call('add_session', 'user_id=username;service=forum;session_name=10.0.0.1')
    const other = await call('add_session', 'user_id=another;service=forum')
    expect(await call('expire_session', 'user_id=username;service=forum')).toBe('ok')
    expect(await call('validate', `user_id=username;service=forum;session_id=${id}`)).toBe(NO_SESSION)
    const validNamed = `user_id=username;service=forum;session_name=10.0.0.1;session_id=${named}`
    expect(await call('validate', validNamed)).toBe('ok')
    expect(await call('validate', `user_id=another;service=forum;session_id=${other}`)).toBe('ok')
    expect(await call('expire_session', 'user_id=username;service=forum;session_name=10.0.0.1')).toBe('ok')
    expect(await call('validate', validNamed)).toBe(NO_SESSION)
    expect(await call('expire_session', 'user_id=username;service=forum')).toBe('ok')
  })
})

describe('sessions of the microapp', () => {
  it('a new session ends the earlier session of the same user, service and name', async () => {
    const first = await call('add_session', 'user_id=username;service=forum;session_name=a')
    const other = await call('add_session', 'user_id=username;service=forum;session_name=b')
    const second = await call('add_session', 'user_id=username;service=forum;session_name=a')
    const validate = (id: string, name: string) =>
      call('validate', `user_id=username;service=forum;session_name=${name};session_id=${id}`)
    expect([await validate(first, 'a'), await validate(second, 'a')]).toEqual([NO_SESSION, 'ok'])
    expect(await validate(other, 'b')).toBe('ok')
  })

  it('one of 20 concurrently added sessions of the same user, service and name remains', async () => {
    const ids = await Promise.all(
      Array.from({ length: 20 }, () => call('add_session', 'user_id=username;service=forum')),
    )
    const answers = await Promise.all(
      ids.map((id) => call('validate', `user_id=username;service=forum;session_id=${id}`)),
    )
    expect(answers.filter((answer) => answer === 'ok')).toHaveLength(1)
  })

  it('a session does not expire', async () => {
    const id = await call('add_session', 'user_id=username;service=forum')
    api.pass(10 * 365 * 24 * 60 * 60)
    await api.store.sweep()
    expect(await call('validate', `user_id=username;service=forum;session_id=${id}`)).toBe('ok')
  })

  it('sessions of a service are separate from those of a server or an app of that name', async () => {
    await call('add_session', 'user_id=6;service=demo', { key: 'key-of-demo' })
    expect(await all(api.store.listUser('demo', '6'))).toEqual([])
    expect(await all(api.store.listUser('microapp:demo', '6'))).toHaveLength(1)
  })
})

describe('parameters of the microapp', () => {
  it('every script accepts parameters separated by semicolons or ampersands, in the query and in a form', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    for (const [query, body] of [
      ['user_id=username;service=forum', undefined],
      ['user_id=username&service=forum', undefined],
      ['service=forum;;x=1;x=2&user%5Fid=username', undefined],
      ['', 'user_id=username&service=forum'],
      ['', 'user_id=username;service=forum;session_name='],
      ['service=forum', 'user_id=username'],
    ] as const) {
      const { text } = await api.send('POST', `/add_session.cgi?${query}`, {
        key: KEY,
        headers: form,
        ...(body !== undefined && { body }),
      })
      const id = `session_id=${text}`
      expect([text, await call('validate', `user_id=username;service=forum;${id}`)]).toEqual([text, 'ok'])
    }
  })

  it.each([
    ['a colon', 'a:b:c', 'a%3Ab:c'],
    ['a space and a plus', 'a b+c', 'a+b%2Bc'],
    ['separators and an equals sign', 'a;b&c=d', 'a%3Bb%26c=d'],
    ['letters of several scripts', 'Åsa 日本 😀', encodeURIComponent('Åsa 日本 😀')],
    ['128 characters', 'ö'.repeat(128), 'ö'.repeat(128)],
    ['128 characters outside the BMP', '😀'.repeat(128), encodeURIComponent('😀'.repeat(128))],
    ['a JavaScript property name', '__proto__', '__proto__'],
  ])('add_session.cgi and validate.cgi accept a user with %s', async (_, user, written) => {
    const id = await call('add_session', `user_id=${written};service=forum`)
    expect(await call('validate', `service=forum;user_id=${encodeURIComponent(user)};session_id=${id}`)).toBe('ok')
    expect(await all(api.store.listUser('microapp:forum', user))).toHaveLength(1)
  })

  it('add_session.cgi accepts a service with 91 characters', async () => {
    const service = '😀'.repeat(91)
    api = startCompatApi(microappApi, { keys: [{ app: service, key: KEY }] })
    await call('add_session', `user_id=a;service=${encodeURIComponent(service)}`)
    expect(await all(api.store.listUser(`microapp:${service}`, 'a'))).toHaveLength(1)
  })

  const range = 'must be 1 to 128 characters, and no control characters.'
  it.each([
    ['add_session', '', 'ERROR: Missing service.'],
    ['add_session', 'service=forum', 'ERROR: Missing user_id.'],
    ['add_session', 'service=forum;user_id=', 'ERROR: Missing user_id.'],
    ['add_session', 'service=forum;user_id', 'ERROR: Missing user_id.'],
    ['add_session', `service=forum;user_id=${'x'.repeat(129)}`, `ERROR: user_id ${range}`],
    ['add_session', `service=${'x'.repeat(92)};user_id=a`, `ERROR: service ${range.replace('128', '91')}`],
    ['add_session', 'service=forum;user_id=a%00', `ERROR: user_id ${range}`],
    ['add_session', 'service=forum;user_id=a;session_name=%0A', `ERROR: session_name ${range}`],
    ['add_session', 'service=forum;user_id=%ff', 'ERROR: user_id is not UTF-8 in percent-encoding.'],
    ['add_session', 'service=forum;user_id=%', 'ERROR: user_id is not UTF-8 in percent-encoding.'],
    ['add_session', 'service=forum;user_id=a;user_id=b', 'ERROR: user_id is given twice.'],
    ['add_session', 'service=forum;user_id=a;service=demo', 'ERROR: service is given twice.'],
    ['expire_session', 'user_id=a', 'ERROR: Missing service.'],
    ['expire_session', 'service=forum', 'ERROR: Missing user_id.'],
    ['validate', 'user_id=a;session_id=x', 'invalid: Missing service.'],
    ['validate', 'service=forum;session_id=x', 'invalid: Missing user_id.'],
    ['validate', 'service=forum;user_id=a', 'invalid: Missing session_id.'],
    ['validate', 'service=forum;user_id=a;session_id=x;session_id=y', 'invalid: session_id is given twice.'],
  ])('%s.cgi?%s answers 400', async (script, query, answer) => {
    const { status, text } = await api.send('GET', `/${script}.cgi?${query}`, { key: KEY })
    expect([status, text]).toEqual([400, answer])
    expect(api.reported).toEqual([])
  })

  it('add_session.cgi rejects a form that is not UTF-8 with 400, and one over 60,000 bytes with 413', async () => {
    const latin1 = Buffer.from('service=forum;user_id=\xe5', 'latin1')
    const refused = await api.send('POST', '/add_session.cgi', { key: KEY, body: latin1 })
    expect([refused.status, refused.text]).toEqual([400, 'ERROR: The body is not UTF-8.'])
    const large = await api.send('POST', '/add_session.cgi', { key: KEY, body: 'x'.repeat(60_001) })
    expect([large.status, large.text]).toEqual([413, 'ERROR: The form is too large.'])
    expect(api.limits).toEqual(['body-size'])
  })
})

describe('keys of the microapp', () => {
  const ANSWER = 'ERROR: "Authorization: Bearer" with the key of the service is required.'
  const open = async (script: string, service: string, key?: string) => {
    const query = `user_id=a;service=${service}`
    const { status, text } = await api.send('GET', `/${script}.cgi?${query}`, key === undefined ? {} : { key })
    if (status === 401) expect(text).toBe(ANSWER)
    return status
  }

  it.each(['add_session', 'expire_session'])(
    '%s.cgi requires the key, which is valid for one service',
    async (script) => {
      expect(await open(script, 'forum')).toBe(401)
      expect(await open(script, 'forum', 'wrong')).toBe(401)
      expect(await open(script, 'forum', 'key-of-demo')).toBe(401)
      expect(await open(script, 'nosuch', KEY)).toBe(401)
      expect(await open(script, '*', KEY)).toBe(401)
      expect(await open(script, 'forum', KEY)).toBe(200)
      const missing = await api.send('GET', `/${script}.cgi?service=forum`)
      expect(missing.status).toBe(401)
    },
  )

  it('the key of the app * is valid for every service', async () => {
    api = startCompatApi(microappApi, { keys: [{ app: '*', key: 'master' }] })
    expect([await open('add_session', 'forum', 'master'), await open('add_session', 'x:y', 'master')]).toEqual([
      200, 200,
    ])
  })

  it('no script requires a key with insecureCompat', async () => {
    api = startCompatApi(microappApi, { isOpen: true })
    expect([await open('add_session', 'anything'), await open('expire_session', 'anything', 'x')]).toEqual([200, 200])
  })

  it('validate.cgi, which needs the session id, requires no key', async () => {
    const id = await call('add_session', 'user_id=a;service=forum')
    const { text } = await api.send('GET', `/validate.cgi?user_id=a;service=forum;session_id=${id}`)
    expect(text).toBe('ok')
  })
})

it('the microapp rejects other methods with 405', async () => {
  for (const script of ['add_session', 'validate', 'expire_session']) {
    const { status, headers } = await api.send('PUT', `/${script}.cgi`)
    expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD, POST'])
  }
})

it('the microapp answers 501 on a store that cannot list sessions, except for validate.cgi', async () => {
  api = startCompatApi(microappApi, { keys: KEYS, backend: withoutLists() })
  for (const script of ['add_session', 'expire_session']) {
    const { status, text } = await api.send('GET', `/${script}.cgi?user_id=a;service=forum`, { key: KEY })
    expect([status, text]).toEqual([501, 'ERROR: The session store cannot list sessions.'])
  }
  expect(await call('validate', 'user_id=a;service=forum;session_id=x')).toBe(NO_SESSION)
})

it('validate.cgi answers 503, not invalid, while the store is unavailable', async () => {
  api = startCompatApi(microappApi, { keys: KEYS, backend: unavailable() })
  const { status, text, headers } = await api.send('GET', '/validate.cgi?user_id=a;service=forum;session_id=x')
  expect([status, text, headers.get('retry-after')]).toEqual([503, 'ERROR: The session store cannot be reached.', '5'])
})

it('the microapp reports internal errors to the gateway and answers 500', async () => {
  api.store.find = () => Promise.reject(new TypeError('the details'))
  const { status } = await api.send('GET', '/validate.cgi?user_id=a;service=forum;session_id=x')
  expect([status, api.reported.length]).toEqual([500, 1])
})
