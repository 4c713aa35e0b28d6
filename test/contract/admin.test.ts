import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startDescribedGateway } from '../support/described-gateway.ts'
import { type Answer, NODES, type TestGateway } from '../support/gateway.ts'
import { ADMINISTRATOR, BACKENDS, type Backend } from './backends.ts'

const KEY = 'a-key-of-sixteen-letters-or-more'
const headers = { authorization: `Bearer ${KEY}` }

describe.each(BACKENDS)('the admin API on $name', ({ start }) => {
  let backend: Backend
  let gateway: TestGateway
  beforeAll(async () => {
    backend = await start()
    const { host, port } = backend
    gateway = await startDescribedGateway([{ id: 'kom', host, port }, { id: 'down' }], { adminKey: KEY })
  })
  afterAll(async () => {
    await gateway?.close()
    await backend?.stop()
  })
  const check = (id: string) => gateway.send('POST', `/admin/servers/${id}/check`, { headers })
  /** Lets each node check a server: a node lists what it knows itself, and nginx sends each request to the next node. */
  const checkAll = async (id: string): Promise<[Answer, ...Answer[]]> => {
    const answers: [Answer, ...Answer[]] = [await check(id)]
    while (answers.length < NODES) answers.push(await check(id))
    return answers
  }
  const get = async (path: string) => (await gateway.send('GET', `/admin/${path}`, { headers })).json

  it('checks a server, whose clock is that of this machine', async () => {
    const answers = await checkAll('kom')
    const [{ status, json }] = answers
    expect(status).toBe(200)
    expect(Math.abs(Date.parse(json.time) - Date.now())).toBeLessThan(60_000)
    expect(json.reply_ms).toBeGreaterThan(0)
    const { servers } = await get('servers')
    expect(servers[0]).toMatchObject({ id: 'kom', up: true, sessions: 0, last_error: null })
    expect(answers.map(({ json }) => json.open_ms)).toContain(servers[0].open_ms)
  })

  it('reports a server that cannot be reached', async () => {
    for (const { status } of await checkAll('down')) expect(status).toBe(502)
    expect((await get('servers')).servers[1]).toMatchObject({ up: false, last_error: { code: 'unreachable' } })
    expect((await check('other')).status).toBe(404)
  })

  it('lists a session with its person, and ends it', async () => {
    const id = await gateway.open()
    const { no: pers_no, passwd } = ADMINISTRATOR
    await gateway.send('POST', '/kom/sessions/current/login', { id, json: { pers_no, passwd } })
    const { sessions } = await get('sessions')
    expect(sessions).toMatchObject([{ server: 'kom', pers_no, client: 'test 1.0' }])
    expect((await gateway.send('DELETE', `/admin/sessions/${sessions[0].handle}`, { headers })).status).toBe(204)
    expect((await gateway.send('GET', '/kom/sessions/current/who-am-i', { id })).status).toBe(403)
    await expect.poll(async () => (await get('sessions')).sessions).toEqual([])
  })

  it('has figures and settings as described', async () => {
    expect((await get('figures')).interval_ms).toBe(2000)
    expect((await get('settings')).node).toBe(process.version)
  })
})
