import { afterEach, expect, it } from 'vitest'
import { BodyCache } from '../../src/lyskom/body-cache.ts'
import { getOnlineSessions } from '../../src/lyskom/online.ts'
import { LyskomSession } from '../../src/lyskom/session.ts'
import { connectTo } from '../support/connection.ts'
import { type FakeServer, startFakeServer } from '../support/fake-server.ts'
import { array, errorReply, fields, h, reply, time } from '../support/wire.ts'

const ENDED = 12
const dynamic = (no: number, conf: number) => fields(no, 100 + no, conf, 5 * no, '01000000', h('reads'))

let server: FakeServer
let session: LyskomSession
let calls: string[]

async function serve(): Promise<void> {
  calls = []
  server = await startFakeServer(({ ref, call, args }, connection) => {
    const no = Number(args)
    if (connection.received.length > 4) calls.push(`${call} ${args}`)
    if (call === 62) return reply(ref)
    if (call === 78) return reply(ref, h(`name ${no}`), '00000000', 10, 77)
    if (call === 83) return reply(ref, array([dynamic(13, 0), dynamic(ENDED, 7), dynamic(11, 7)]))
    if (no === ENDED) return errorReply(ref, 42, no)
    if (call === 70) return reply(ref, h(`client ${no}`))
    if (call === 71) return reply(ref, h('1.0'))
    if (call === 84) return reply(ref, h('user'), h(`host-${no}`), h('unknown'), time(new Date()))
    return undefined
  })
  session = new LyskomSession(await connectTo(server.port), { name: 'x', version: '1' }, new BodyCache(0))
}

afterEach(async () => {
  await session.close()
  await server.close()
})

it('getOnlineSessions returns the visible sessions with their names, without those that end meanwhile', async () => {
  await serve()
  await session.login(6, 'x', false)
  const conference = { confNo: 7, name: 'name 7' }
  expect(await getOnlineSessions(session, 60)).toEqual(
    [13, 11].map((no) => ({
      sessionNo: no,
      person: { persNo: 100 + no, name: `name ${100 + no}` },
      workingConference: no === 13 ? null : conference,
      idle: 5 * no,
      whatAmIDoing: 'reads',
      client: { name: `client ${no}`, version: '1.0' },
      address: `host-${no}`,
    })),
  )
  expect(calls).toContain('83 1 0 60')
})

it('getOnlineSessions returns no clients and addresses to a session that is not logged in', async () => {
  await serve()
  const sessions = await getOnlineSessions(session, 0)
  expect(sessions.map(({ sessionNo, client, address }) => [sessionNo, client, address])).toEqual([
    [13, null, null],
    [ENDED, null, null],
    [11, null, null],
  ])
  expect(calls.filter((call) => /^(70|71|84) /.test(call))).toEqual([])
})
