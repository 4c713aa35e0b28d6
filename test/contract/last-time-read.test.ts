import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ConnectionError } from '../../src/connection/errors.ts'
import { BACKENDS } from './backends.ts'
import { type Client, onStage } from './stage.ts'

const SECOND_MS = 1000

describe.each(BACKENDS)('last_time_read on $name', ({ start }) => {
  const stage = onStage(start)

  /** The server's time, as get-time returns it. */
  const serverTime = async () => {
    const { year, month, day, hours, minutes, seconds } = await (await stage.author('alice')).connection.call(
      'get-time',
    )
    return Date.UTC(year + 1900, month, day, hours, minutes, seconds)
  }

  /** Waits until the server's clock is a second later than all earlier times. Returns the time. */
  const tick = async () => {
    const before = await serverTime()
    for (;;) {
      const now = await serverTime()
      if (now > before) return now
      await sleep(SECOND_MS - (Date.now() % SECOND_MS))
    }
  }

  const lastTimeRead = async (): Promise<number> => {
    const { bob, club } = stage.cast
    const { json } = await (await stage.as('bob')).get(`/persons/${bob.no}/memberships/${club.no}`)
    return Date.parse(json.last_time_read)
  }

  const enter = async (client: Client, conf_no: number) =>
    expect((await client.post('/sessions/current/working-conference', { conf_no })).status).toBe(204)

  /** Opens a session of bob's whose working conference is the club. */
  const working = async () => {
    const client = await stage.fresh('bob')
    await enter(client, stage.cast.club.no)
    return client
  }

  const numberOf = async (client: Client): Promise<number> =>
    (await client.get('/sessions/current/who-am-i')).json.session_no

  it('does not change when texts are marked as read or unread or a conference is entered', async () => {
    const { club, texts } = stage.cast
    const since = await tick()
    const client = await working()
    const answers = [
      await client.put(`/texts/${texts.root}/read-marking`),
      await client.delete(`/texts/${texts.root}/read-marking`),
      await client.put(`/conferences/${club.no}/texts/1/read-marking`),
      await client.post(`/persons/current/memberships/${club.no}/unread`, { no_of_unread: 1 }),
      await client.get(`/texts/${texts.root}`),
    ]
    expect(answers.map(({ status }) => status)).toEqual([201, 204, 201, 204, 200])
    expect(await lastTimeRead()).toBeLessThan(since)
  })

  it.each<[string, (client: Client) => Promise<unknown>]>([
    ['enters the mailbox', (client) => enter(client, stage.cast.bob.no)],
    ['enters the same conference again', (client) => enter(client, stage.cast.club.no)],
    ['enters no conference', (client) => enter(client, 0)],
    ['logs out', (client) => client.post('/sessions/current/logout')],
    ['logs in again', (client) => stage.login(client, 'bob')],
    ['logs in as another person', (client) => stage.login(client, 'carol')],
    ['deletes the session', (client) => client.delete('/sessions/0')],
    [
      'disconnects the session from another one',
      async (client) => (await stage.as('bob')).delete(`/sessions/${await numberOf(client)}`),
    ],
  ])('is the time when the person leaves the conference (%s)', async (_, leave) => {
    const client = await working()
    const since = await tick()
    expect(await lastTimeRead()).toBeLessThan(since)
    await leave(client)
    expect(await lastTimeRead()).toBeGreaterThanOrEqual(since)
  })

  it('is the time when the connection of the session is lost', async () => {
    const { bob, club } = stage.cast
    const { connection } = await stage.authorOf(bob)
    await connection.call('change-conference', { conference: club.no })
    const since = await tick()
    expect(await lastTimeRead()).toBeLessThan(since)
    connection.destroy(new ConnectionError('connection-closed', 'lost'))
    await expect.poll(lastTimeRead).toBeGreaterThanOrEqual(since)
  })

  it('does not change when a change of conference or a login fails', async () => {
    const client = await working()
    const since = await tick()
    const { carol, other } = stage.cast
    expect((await client.post('/sessions/current/working-conference', { conf_no: other.no })).status).toBe(400)
    expect((await client.post('/sessions/current/login', { pers_no: carol.no, passwd: 'x' })).status).toBe(401)
    expect(await lastTimeRead()).toBeLessThan(since)
    await client.delete('/sessions/0')
  })
})
