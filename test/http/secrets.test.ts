import { once } from 'node:events'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const ADMIN_KEY = 'an admin key that is confidential'.replaceAll(' ', '-')
const APP_KEY = 'an-app-key-that-is-confidential'
const PASSWORD = 'Hemlig1!'
const NEW_PASSWORD = 'Hemlig2!'
const BODY = 'what-is-said-in-confidence'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway([{ id: 'demo', demo: true }], {
    apps: [{ id: 'shop', name: 'Shop' }],
    compat: ['rest-sessions', 'sessman', 'microapp'],
    appKeys: [{ app: '*', key: APP_KEY }],
    adminKey: ADMIN_KEY,
    transports: ['bearer', 'cookie', 'query'],
  })
})
afterAll(() => gateway.close())

it('no log line, metric or error contains an id, a token, a key, a password or a text', async () => {
  const secrets = [ADMIN_KEY, APP_KEY, PASSWORD, NEW_PASSWORD, BODY, 'gazonk']
  const shown: string[] = []
  const send: TestGateway['send'] = async (...request) => {
    const answer = await gateway.send(...request)
    if (answer.status >= 400) shown.push(answer.text)
    return answer
  }
  const ids = [await gateway.open(), await gateway.open(), await gateway.open()]
  const [id = '', other = '', third = ''] = ids
  secrets.push(...ids)

  const made = await send('POST', '/demo/persons/', { id, json: { name: 'Hemliga Nisse', passwd: PASSWORD } })
  const { pers_no } = made.json
  for (const passwd of [PASSWORD, NEW_PASSWORD]) {
    for (const each of ids) await send('POST', '/demo/sessions/current/login', { id: each, json: { pers_no, passwd } })
  }
  const change = { old_pwd: PASSWORD, new_pwd: NEW_PASSWORD }
  await send('POST', `/demo/persons/${pers_no}/set-passwd`, { id, json: change })
  await send('POST', `/demo/persons/${pers_no}/set-passwd`, { id, json: change })
  const recipients = [{ type: 'to', recpt: { conf_no: pers_no } }]
  const text = {
    subject: BODY,
    body: BODY,
    content_type: 'text/plain',
    recipient_list: recipients,
    comment_to_list: [],
  }
  await send('POST', '/demo/texts/', { id, json: text })
  await send('PATCH', '/demo/sessions/current/data', { id, json: { secret: BODY } })
  await send('POST', '/demo/sessions/', { id, json: { client: { name: 'x', version: '1' } } })

  // An id in every place where clients have sent one, or might.
  await send('GET', `/demo/sessions/current/who-am-i?_token=${other}&Httpkom-Connection=${other}`)
  await send('GET', '/demo/sessions/current/who-am-i', { headers: { authorization: `Bearer ${other}` } })
  await send('GET', '/demo/sessions/current/who-am-i', { headers: { cookie: `__Host-komgate-demo=${other}` } })
  await send('GET', '/demo/sessions/current/who-am-i', { id: other, headers: { 'x-request-id': other } })
  for (const path of [`/demo/sessions/${other}`, `/${other}/texts/1`, `/demo/texts/${other}`, `/${other}`]) {
    await send('DELETE', path, { id: other })
    await send('GET', path, { id: other, headers: { referer: `http://x/${other}` } })
  }
  await send('POST', '/demo/sessions/current/login', { id, body: `{"passwd": "${PASSWORD}`, headers: JSON_TYPE })
  await send('POST', '/demo/sessions/current/login', { id, json: { pers_no, passwd: [PASSWORD] } })

  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/websocket?Httpkom-Connection=${third}`)
  await once(socket, 'open')
  for (const request of [
    `62 ${pers_no} 8H${NEW_PASSWORD} 0`,
    `62 ${pers_no} 8H${PASSWORD} 0`,
    `nonsense ${PASSWORD}`,
  ]) {
    socket.send(JSON.stringify({ protocol: 'a', ref_no: 1, request }))
    await once(socket, 'message')
  }
  socket.close()

  // Tickets: used, used again, on routes that take none, and in the other headers that the log shows.
  const ticketOf = async () => (await send('POST', '/demo/sessions/current/tickets', { id })).json.ticket as string
  for (const path of ['/demo/texts/1/body', '/demo/texts/1', '/nosuch', '/websocket', '/demo/batch']) {
    const ticket = await ticketOf()
    secrets.push(ticket)
    await send('GET', `${path}?ticket=${ticket}`)
    await send('GET', `${path}?ticket=${ticket}`, {
      headers: { 'x-request-id': ticket, referer: `http://x/?${ticket}` },
    })
  }
  const ticket = await ticketOf()
  secrets.push(ticket)
  const byTicket = new WebSocket(`${gateway.url.replace('http', 'ws')}/websocket?ticket=${ticket}`)
  await once(byTicket, 'open')
  byTicket.close()

  // Batches: secrets in every place of a request, and a response that holds one.
  const inBatch = (url: string, body: object) => ({ id: url.slice(0, 50), method: 'POST', url, body })
  const { json } = await send('POST', '/demo/batch', {
    id,
    json: {
      requests: [
        inBatch(`/sessions/current/login?ticket=${ticket}&_token=${other}`, { pers_no, passwd: NEW_PASSWORD }),
        inBatch('/sessions/current/login', { pers_no, passwd: [PASSWORD] }),
        inBatch(`/texts/${other}`, { subject: BODY }),
        inBatch('/sessions/current/tickets', {}),
      ],
    },
  })
  secrets.push(json.responses.at(-1).body.ticket)
  await send('POST', '/demo/batch', { id, json: { requests: [inBatch(`/${other}/../x`, {})] } })
  await send('POST', '/demo/batch', {
    id,
    json: { requests: [{ ...inBatch('/', {}), headers: { Cookie: PASSWORD, Authorization: APP_KEY } }] },
  })

  // Compatibility APIs: a wrong key is logged nowhere, because it may be a mistyped real key.
  const key = { headers: { authorization: `Bearer ${APP_KEY}` } }
  const { token } = (await send('PUT', '/shop/create/user?ip=192.0.2.1', key)).json
  const { session_id } = (await send('POST', '/sessman/new', { json: { user: 'u' }, ...key })).json
  const cgi = (await send('GET', '/add_session.cgi?user_id=u;service=shop', key)).text.trim()
  secrets.push(token, session_id, cgi)
  for (const path of [`/shop/get/${token}`, `/shop/get/${token}x`, `/sessman/get?user=u&session_id=${session_id}`]) {
    await send('GET', path)
  }
  await send('GET', `/validate.cgi?user_id=u;service=shop;session_id=${cgi}`)
  await send('GET', '/shop/soapp?dt=60', { headers: { authorization: `Bearer ${APP_KEY}x` } })
  const admin = { headers: { authorization: `Bearer ${ADMIN_KEY}` } }
  const listed = [await send('GET', '/admin/sessions', admin), await send('GET', '/shop/soapp?dt=60', key)]
  await send('GET', '/admin/sessions', { headers: { authorization: `Bearer ${ADMIN_KEY}x` } })
  for (const answer of listed) expect(answer.status).toBe(200)
  shown.push(
    ...listed.map((answer) => answer.text),
    (await send('GET', '/metrics')).text,
    (await send('GET', '/stats')).text,
  )

  for (const each of ids) await send('DELETE', '/demo/sessions/0', { id: each })
  // The last lines are written shortly after their responses.
  await expect.poll(() => gateway.log.filter((line) => line.includes('"DELETE"')).length).toBeGreaterThanOrEqual(7)
  const all = [...gateway.log, ...shown].join('\n').toLowerCase()
  expect(gateway.log.length).toBeGreaterThan(40)
  expect(shown.length).toBeGreaterThan(10)
  expect(secrets.filter((secret) => secret.length < 6 || all.includes(secret.toLowerCase()))).toEqual([])
})

const JSON_TYPE = { 'content-type': 'application/json' }
