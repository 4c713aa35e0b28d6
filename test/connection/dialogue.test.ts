import { afterEach, expect, it } from 'vitest'
import type { Connection } from '../../src/connection/connection.ts'
import { connectTo } from '../support/connection.ts'
import {
  answerRequests,
  delay,
  end,
  expectRequest,
  type FakeServer,
  reset,
  type Step,
  send,
  sendInPieces,
  stall,
  startFakeServer,
} from '../support/fake-server.ts'
import { array, fields, h, message, omitted, reply, time } from '../support/wire.ts'

const HANDSHAKE = 4
const SETTINGS = { keepaliveMs: 30, keepaliveTimeoutMs: 30 }

let server: FakeServer
let connection: Connection

afterEach(async () => {
  await connection.close()
  await server.close()
})

/** Starts a server that runs the script, and connects to it. */
async function converse(...script: Step[]): Promise<void> {
  server = await startFakeServer(script)
  connection = await connectTo(server.port, SETTINGS)
}

const waiting = () => connection.call('get-text', { text: 1, startChar: 0, endChar: 9 })

const added = new Date('2026-01-02T03:04:05Z')
const membership = fields(0, time(added), 8, 100, omitted(2), 6, time(added), '00000000')

it('Connection reads replies and messages that arrive in single bytes', async () => {
  await converse(
    answerRequests(HANDSHAKE),
    expectRequest('5 25 1 0 9'),
    sendInPieces(Buffer.concat([message(9, 5, 2), reply(5, h('line\nfeed'))]), 1),
    expectRequest(/^6 108 6 0 10 0 0$/),
    sendInPieces(reply(6, array([membership])), 1),
    stall(),
  )
  expect(String(await waiting())).toBe('line\nfeed')
  const params = { person: 6, first: 0, noOfConfs: 10, wantReadRanges: false, maxRanges: 0 }
  const [read] = await connection.call('get-membership', params)
  expect(read).toMatchObject({ conference: 8, priority: 100, readRanges: { length: 0, omitted: 2 } })
  expect(read?.addedAt).toMatchObject({ seconds: 5, minutes: 4, hours: 3, day: 2, month: 0, year: 126 })
})

it('Connection rejects the call when the server stops sending in the middle of a message', async () => {
  await converse(answerRequests(HANDSHAKE), expectRequest('5 25'), send('=5 100Hhalf of it'), stall())
  await expect(waiting()).rejects.toMatchObject({ code: 'connection-silent' })
})

it('Connection rejects the call immediately when the server resets it in the middle of a message', async () => {
  await converse(answerRequests(HANDSHAKE), expectRequest('5 25'), send('=5 100Hhalf of it'), delay(10), reset())
  await expect(waiting()).rejects.toMatchObject({ code: 'connection-reset' })
})

it('Connection rejects the call immediately when the server ends it in the middle of a message', async () => {
  await converse(answerRequests(HANDSHAKE), expectRequest('5 25'), send('=5 100Hhalf of it'), end())
  await expect(waiting()).rejects.toMatchObject({ code: 'connection-ended' })
})
