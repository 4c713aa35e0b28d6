import { describe, expect, it } from 'vitest'
import type { MessageParams } from '../../src/protocol/messages.ts'
import { gatewayError, NOWHERE, notWhole, protocolError, undefinedConference } from './answers.ts'
import { BACKENDS } from './backends.ts'
import type { Client } from './stage.ts'
import { onStage } from './stage.ts'

interface Session {
  session_no: number
  person: { pers_no: number; pers_name: string }
}

describe.each(BACKENDS)('who is on, and messages, on $name', ({ start }) => {
  const stage = onStage(start)
  const numberOf = async (client: Client): Promise<number> =>
    (await client.get('/sessions/current/who-am-i')).json.session_no
  const sessions = async (client: Client, query = ''): Promise<Session[]> =>
    (await client.get(`/sessions/${query}`)).json.sessions

  describe('GET sessions', () => {
    it('returns exactly these fields of each session with a person', async () => {
      const { bob, club } = stage.cast
      const client = await stage.fresh('bob')
      expect((await client.post('/sessions/current/working-conference', { conf_no: club.no })).status).toBe(204)
      expect((await client.post('/calls/change-what-i-am-doing', { what_am_i_doing: 'läser' })).status).toBe(200)
      const answer = await (await stage.as('alice')).get('/sessions/')
      expect([answer.status, Object.keys(answer.json)]).toEqual([200, ['sessions']])
      const session_no = await numberOf(client)
      expect(answer.json.sessions).toContainEqual({
        session_no,
        person: { pers_no: bob.no, pers_name: bob.name },
        working_conference: { conf_no: club.no, name: club.name },
        idle: expect.any(Number),
        client: { name: 'test', version: '1.0' },
        what_am_i_doing: 'läser',
        address: expect.stringMatching(/^(localhost|127\.0\.0\.1)/),
      })
      expect((await client.delete('/sessions/0')).status).toBe(204)
      const left = await sessions(await stage.as('alice'))
      expect(left.map((each) => each.session_no)).not.toContain(session_no)
    })

    it('returns null for no working conference and for one that the person may not know of', async () => {
      const { secret } = stage.cast
      const alice = await stage.fresh('alice')
      const seen = async (who: 'alice' | 'bob') => {
        const no = await numberOf(alice)
        return (await sessions(await stage.as(who))).find(({ session_no }) => session_no === no)
      }
      expect(await seen('bob')).toMatchObject({ working_conference: null })
      await alice.post('/sessions/current/working-conference', { conf_no: secret.no })
      expect(await seen('bob')).toMatchObject({ working_conference: null })
      expect(await seen('alice')).toMatchObject({ working_conference: { conf_no: secret.no } })
    })

    it('leaves out anonymous and invisible sessions', async () => {
      const anonymous = await stage.fresh()
      const hidden = await stage.author('carol')
      const seen = (await sessions(await stage.as('alice'))).map(({ session_no }) => session_no)
      expect(seen).toContain(await numberOf(await stage.as('alice')))
      expect(seen).not.toContain(await numberOf(anonymous))
      expect(seen).not.toContain(await hidden.connection.call('who-am-i'))
    })

    it('returns null for clients and addresses to an anonymous session', async () => {
      const alice = await stage.as('alice')
      const no = await numberOf(alice)
      const found = (await sessions(await stage.fresh())).find(({ session_no }) => session_no === no)
      expect(found).toMatchObject({ person: { pers_no: stage.cast.alice.no }, client: null, address: null })
    })

    it('returns the sessions that were active within some seconds', async () => {
      const alice = await stage.as('alice')
      expect((await alice.post('/sessions/current/active')).status).toBe(204)
      const no = await numberOf(alice)
      for (const query of ['', '?active_within=0', '?active_within=3600', '?active_within=4294967295']) {
        expect((await sessions(alice, query)).map(({ session_no }) => session_no)).toContain(no)
      }
    })

    it.each(['', '-1', '1.5', 'x', '4294967296', '0x1', ' 1'])(
      'rejects "%s" as `active_within` with a 400 that names it',
      async (value) => {
        const answer = await (await stage.as('alice')).get(`/sessions/?active_within=${encodeURIComponent(value)}`)
        const message = '"active_within" must be a whole number from 0 to 4294967295.'
        expect([answer.status, answer.json]).toEqual([400, gatewayError(message)])
      },
    )

    it('needs a session', async () => {
      expect((await stage.send('GET', '/sessions/')).status).toBe(403)
    })
  })

  describe('POST messages', () => {
    /** Logs a person in directly on the LysKOM server. Returns the messages that the person gets. */
    const listener = async () => {
      const { connection } = await stage.author('carol')
      const messages: MessageParams<'async-send-message'>[] = []
      connection.on('message', (message) => {
        if (message.name === 'async-send-message') messages.push(message.params)
      })
      await connection.call('accept-async', { requestList: [12] })
      /** Returns the messages so far. They arrive before the reply to this call. */
      return async () => {
        await connection.call('who-am-i')
        return messages.map(({ recipient, sender, message }) => [recipient, sender, Buffer.from(message).toString()])
      }
    }

    it('sends a message to a person and to everyone, in UTF-8', async () => {
      const { alice, carol } = stage.cast
      const received = await listener()
      const client = await stage.as('alice')
      const sent = await client.post('/messages', { recipient: carol.no, message: 'hej på dig ☃' })
      expect([sent.status, sent.text]).toEqual([204, ''])
      expect((await client.post('/messages', { recipient: '0', message: 'all' })).status).toBe(204)
      expect(await received()).toEqual([
        [carol.no, alice.no, 'hej på dig ☃'],
        [0, alice.no, 'all'],
      ])
    })

    it('fails for unknown recipients, for persons who are not on, and for long messages', async () => {
      const { secret } = stage.cast
      const client = await stage.as('bob')
      const { pers_no } = (await (await stage.fresh()).post('/persons/', { name: `P ${Math.random()}`, passwd: 'x' }))
        .json
      for (const [recipient, message, error] of [
        [NOWHERE, 'x', undefinedConference(NOWHERE)],
        [secret.no, 'x', undefinedConference(secret.no)],
        [pers_no, 'x', protocolError(53, 'MessageNotSent', 0)],
        [0, 'å'.repeat(513), protocolError(5, 'StringTooLong', 1024)],
      ] as const) {
        const answer = await client.post('/messages', { recipient, message })
        expect([answer.status, answer.json]).toEqual([400, error])
      }
    })

    it.each(notWhole('recipient', 65535))(
      'rejects the recipient %j with a 400 that names it',
      async (recipient, message) => {
        const answer = await (await stage.as('bob')).post('/messages', { recipient, message: 'x' })
        expect([answer.status, answer.json]).toEqual([400, gatewayError(message)])
      },
    )

    it.each([
      [undefined, 'Missing "message".'],
      [null, '"message" is null.'],
      [1, '"message" must be a string.'],
      [['x'], '"message" must be a string.'],
    ])('rejects the message %j with a 400 that names it', async (message, error) => {
      const answer = await (await stage.as('bob')).post('/messages', { recipient: 0, message })
      expect([answer.status, answer.json]).toEqual([400, gatewayError(error)])
    })

    it('needs a login', async () => {
      const answer = await (await stage.fresh()).post('/messages', { recipient: 0, message: 'x' })
      expect(answer.status).toBe(401)
    })
  })
})
