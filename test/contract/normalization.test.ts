import { describe, expect, it } from 'vitest'
import { gatewayError } from './answers.ts'
import { BACKENDS } from './backends.ts'
import { onStage } from './stage.ts'

/** The form in which macOS sends names: letters and combining marks are separate. */
const nfd = (text: string) => text.normalize('NFD')

describe.each(BACKENDS)('decomposed names on $name', ({ start }) => {
  const stage = onStage(start)
  const NAME = 'Åsa Öström'
  const PASSWD = 'hemligt åäö é'

  it('composes names and passwords on every route that reads them', async () => {
    const client = await stage.fresh()
    const made = await client.post('/persons/', { name: nfd(NAME), passwd: nfd(PASSWD) })
    expect([made.status, made.json]).toEqual([201, { pers_no: expect.any(Number), pers_name: NAME }])
    const { pers_no } = made.json

    const login = (who: object, passwd: string) => client.post('/sessions/current/login', { ...who, passwd })
    expect((await login({ pers_name: NAME }, PASSWD)).status).toBe(201)
    expect((await login({ pers_name: nfd(NAME) }, nfd(PASSWD))).json).toEqual({ pers_no, pers_name: NAME })

    const changed = await client.post(`/persons/${pers_no}/set-passwd`, { old_pwd: nfd(PASSWD), new_pwd: nfd('ny å') })
    expect(changed.status).toBe(201)
    expect((await login({ pers_no }, 'ny å')).status).toBe(201)

    const conference = await client.post('/conferences/', { name: nfd('Räksmörgåsar') })
    expect(conference.json).toMatchObject({ name: 'Räksmörgåsar' })
    const found = await client.get(`/conferences/?name=${encodeURIComponent(nfd('räksmörgåsar'))}`)
    expect(found.json).toEqual({ conferences: [conference.json] })

    const json = { client: { name: nfd('Läsaren'), version: nfd('ett é') } }
    expect((await stage.send('POST', '/sessions/', { json })).status).toBe(201)
  })

  it('rejects names outside ISO 8859-1 after composition', async () => {
    const client = await stage.fresh()
    const refused = [400, gatewayError('"name" holds characters outside ISO 8859-1.')]
    for (const name of ['x\u030a', 'A\u030a\u0300', '\u030a', 'e\u0301 ☃']) {
      const made = await client.post('/persons/', { name, passwd: '' })
      expect([made.status, made.json]).toEqual(refused)
      const found = await client.get(`/conferences/?name=${encodeURIComponent(name)}`)
      expect([found.status, found.json]).toEqual(refused)
    }
  })

  it('rejects names of more than 1000 characters before composition', async () => {
    const client = await stage.fresh()
    const refused = [400, gatewayError('"name" is longer than 1000 characters.')]
    const found = await client.get(`/conferences/?name=${'a'.repeat(1001)}`)
    expect([found.status, found.json]).toEqual(refused)
    const made = await client.post('/persons/', { name: `A${'\u0300\u0323'.repeat(500_000)}`, passwd: '' })
    expect([made.status, made.json]).toEqual(refused)
  })
})
