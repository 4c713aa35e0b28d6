import { afterEach, describe, expect, it } from 'vitest'
import { BodyCache } from '../../src/lyskom/body-cache.ts'
import { LyskomSession } from '../../src/lyskom/session.ts'
import { EventReader } from '../../src/sessions/event-reader.ts'
import type { GatewaySession } from '../../src/sessions/gateway-session.ts'
import { connectTo } from '../support/connection.ts'
import { startFakeServer } from '../support/fake-server.ts'
import { gatewaySession } from '../support/gateway-session.ts'
import { array, errorReply, fields, h, message, omitted, reply, time } from '../support/wire.ts'

const UCONF = 78
const NEW_NAME = 5
const NEW_TEXT = 15
const UNDEFINED_CONFERENCE = 9

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A new text by person 6 to conference 8. */
function newText(no: number): Buffer {
  const misc = array([fields(0, 8), fields(6, no)])
  return message(NEW_TEXT, no, time(new Date('2026-01-07T09:45:00Z')), 6, 1, 10, 0, misc, omitted(0))
}

/**
 * Starts two sessions with event logs. Returns functions that send messages to both and that read the next events of
 * each.
 *
 * @param nameOf the name of a conference or person for the session with an index; undefined if it does not exist
 */
async function startTwo(nameOf: (confNo: string, session: number) => string | undefined) {
  const server = await startFakeServer(({ ref, call, args }, connection) => {
    if (call !== UCONF) return undefined
    const name = nameOf(args.toString('latin1').trim(), server.connections.indexOf(connection))
    return name === undefined ? errorReply(ref, UNDEFINED_CONFERENCE) : reply(ref, h(name), '10010000', 1, 77)
  })
  closing.push(server.close)
  const sessions: GatewaySession[] = []
  const readers: EventReader[] = []
  for (let i = 0; i < 2; i++) {
    const connection = await connectTo(server.port)
    const session = gatewaySession(new LyskomSession(connection, { name: 'test', version: '1.0' }, new BodyCache(1000)))
    closing.push(() => session.end('shutdown'))
    sessions.push(session)
    readers.push(new EventReader(await session.events()))
  }
  const next = async (reader: EventReader): Promise<string> => {
    let data: string | undefined
    await expect
      .poll(() => {
        data ??= reader.read()[0]?.data
        return data
      })
      .toBeDefined()
    return data as string
  }
  return {
    send: (...messages: Buffer[]) => {
      for (const connection of server.connections) connection.send(...messages)
    },
    sendTo: (i: number, bytes: Buffer) => server.connections[i]?.send(bytes),
    next: async () => [await next(readers[0] as EventReader), await next(readers[1] as EventReader)] as const,
    nextOf: (i: number) => next(readers[i] as EventReader),
  }
}

const authorOf = (data: string) => JSON.parse(data).author.pers_name
const recipientOf = (data: string) => JSON.parse(data).recipients[0].recpt.name

describe('the events of sessions that receive the same message', () => {
  it('are equal if the names are', async () => {
    const { send, next } = await startTwo((confNo) => `Name ${confNo}`)
    for (const textNo of [17, 18]) {
      send(newText(textNo))
      const [one, other] = await next()
      expect(JSON.parse(one)).toMatchObject({ type: 'new-text', text_no: textNo, author: { pers_name: 'Name 6' } })
      expect(other).toBe(one)
    }
  })

  it('have the names that each session sees', async () => {
    const { send, next } = await startTwo((confNo, session) => (confNo === '8' ? `For ${session}` : 'Author'))
    for (const textNo of [17, 18, 19]) {
      send(newText(textNo))
      expect((await next()).map(recipientOf)).toEqual(['For 0', 'For 1'])
    }
  })

  it('have a placeholder only in the session for which a conference is secret', async () => {
    const { send, next } = await startTwo((confNo, session) => (confNo === '8' && session === 1 ? undefined : 'Secret'))
    for (const textNo of [17, 18, 19]) {
      send(newText(textNo))
      expect((await next()).map(recipientOf)).toEqual(['Secret', 'Conference 8 (does not exist)'])
    }
  })

  it('have the new name after async-new-name, in the session that has received it', async () => {
    const { send, sendTo, next, nextOf } = await startTwo((confNo) => `Name ${confNo}`)
    for (const textNo of [17, 18]) {
      send(newText(textNo))
      await next()
    }
    sendTo(0, message(NEW_NAME, 6, h('Name 6'), h('New')))
    await nextOf(0)
    send(newText(18))
    expect((await next()).map(authorOf)).toEqual(['New', 'Name 6'])
  })
})
