import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type ConnectOptions,
  connect,
  type Kom,
  type KomEvent,
  type KomEventType,
  SessionLostError,
} from '../../src/client/index.ts'
import { startCuttingProxy } from '../support/cutting-proxy.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { repetitions } from '../support/repetitions.ts'

const [READER, WRITER] = [6, 7]

let gateway: TestGateway
let writer: Kom
const open = (options: Partial<ConnectOptions> = {}) =>
  connect({
    url: gateway.url,
    server: 'demo',
    client: { name: 'test', version: '1' },
    retryBaseMs: 1,
    retryMaxMs: 5,
    ...options,
  })
const openReader = async (): Promise<Kom> => {
  const kom = await open()
  await kom.login({ pers_no: READER, passwd: 'demo' })
  return kom
}
beforeAll(async () => {
  gateway = await startTestGateway([{ id: 'demo', demo: true }])
  writer = await open()
  await writer.login({ pers_no: WRITER, passwd: 'demo' })
})
afterAll(() => gateway.close())

/** Returns the position of a session now. */
async function position({ connectionId }: Kom): Promise<string> {
  const { text } = await gateway.send('GET', '/demo/sessions/current/events', { id: connectionId })
  return /^id: (\S+)$/m.exec(text)?.[1] ?? ''
}

describe('kom.events on a gateway', () => {
  it('yields each event once and in order while the connections are cut anywhere', { timeout: 120_000 }, async () => {
    const kom = await openReader()
    const cuts = fc.array(fc.integer({ min: 1, max: 1500 }), { minLength: 5, maxLength: 12 })
    const run = async (lengths: readonly number[], types: readonly KomEventType[] | undefined): Promise<void> => {
      const left = [...lengths]
      const port = Number(new URL(gateway.url).port)
      const since = await position(kom)
      const proxy = await startCuttingProxy(port, () => left.shift() ?? Number.POSITIVE_INFINITY)
      const cut = await open({ url: proxy.url, connectionId: kom.connectionId, retries: 20 })
      const received: KomEvent[] = []
      const following = (async () => {
        for await (const event of cut.events({ since, types })) {
          received.push(event)
          if (event.type === 'send-message' && event.message === 'last') return
        }
      })()
      try {
        const sent = [...Array.from({ length: 30 }, (_, i) => `message ${i}`), 'last']
        for (const each of sent) await writer.messages.send(READER, each)
        await following
        const [epoch, n] = since.split('-')
        expect(received).toEqual(
          sent.map((each, i) => ({
            type: 'send-message',
            recipient: READER,
            sender: WRITER,
            message: each,
            id: `${epoch}-${Number(n) + i + 1}`,
          })),
        )
        // Otherwise nothing has been cut.
        expect(proxy.connections).toBeGreaterThan(1)
      } finally {
        await proxy.close()
      }
    }
    const types = fc.constantFrom<readonly KomEventType[] | undefined>(undefined, ['send-message'])
    await fc.assert(fc.asyncProperty(cuts, types, run), { numRuns: repetitions(20) })
    await kom.close()
  })

  it('yields person when the person of the session changes, and ends after closed', async () => {
    const kom = await openReader()
    const since = await position(kom)
    await kom.logout()
    await kom.login({ pers_no: WRITER, passwd: 'demo' })
    const events = kom.events({ since, types: ['person'] })
    expect(await events.next()).toMatchObject({ value: { type: 'reset', reason: 'unknown' } })
    const next = events.next()
    await kom.logout()
    expect(await next).toMatchObject({ value: { type: 'person', pers_no: null } })
    const closed = events.next()
    await kom.close()
    expect(await closed).toMatchObject({ value: { type: 'closed', reason: 'deleted' } })
    expect(await events.next()).toEqual({ done: true, value: undefined })
  })

  it('fails with a SessionLostError when the session has ended', async () => {
    const kom = await openReader()
    await kom.close()
    await expect(kom.events().next()).rejects.toBeInstanceOf(SessionLostError)
  })

  it('fails with a RequestError for an unknown type', async () => {
    const kom = await openReader()
    // @ts-expect-error
    await expect(kom.events({ types: ['new-texts'] }).next()).rejects.toMatchObject({ httpStatus: 400 })
    await kom.close()
  })

  it('frees its stream when the loop is left', async () => {
    const kom = await openReader()
    const since = await position(kom)
    await writer.messages.send(READER, 'again')
    // A session has 8 streams at most.
    for (let i = 0; i < 20; i++) {
      for await (const event of kom.events({ since })) {
        expect(event).toMatchObject({ message: 'again' })
        break
      }
    }
    await kom.close()
  })
})
