import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  type ConnectOptions,
  connect,
  type Kom,
  KomgateError,
  type Live,
  type LiveOptions,
} from '../../src/client/index.ts'
import { startCuttingProxy } from '../support/cutting-proxy.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { comparable } from '../support/live-state.ts'
import { repetitions } from '../support/repetitions.ts'

const [READER, WRITER, TESTING] = [6, 7, 9]

let gateway: TestGateway
/** A session of the reader, another one of the reader, and one of another person. */
let reader: Kom
let phone: Kom
let writer: Kom
let live: Live
const connected = (options: Partial<ConnectOptions> = {}) =>
  connect({
    url: gateway.url,
    server: 'demo',
    client: { name: 'test', version: '1' },
    retryBaseMs: 1,
    retryMaxMs: 5,
    ...options,
  })
const open = async (pers_no: number): Promise<Kom> => {
  const kom = await connected()
  await kom.login({ pers_no, passwd: 'demo' })
  return kom
}
const follow = async (options: LiveOptions = {}): Promise<void> => {
  live = await reader.live(options)
}
beforeAll(async () => {
  gateway = await startTestGateway([{ id: 'demo', demo: true }])
  reader = await open(READER)
  phone = await open(READER)
  writer = await open(WRITER)
})
afterEach(() => live.close())
afterAll(() => gateway.close())

/** Expects the model to become what a fresh start returns. */
async function expectCurrent(): Promise<void> {
  await vi.waitFor(
    async () => {
      const { position, texts: _, ...start } = await reader.start({ texts: 0 })
      expect(live.position).toBe(position)
      const { status, error, texts, ...state } = live.state
      expect({ status, error }).toEqual({ status: 'live', error: undefined })
      expect(comparable(state)).toEqual(comparable(start))
      for (const [no, text] of Object.entries(texts)) expect(text).toEqual(await reader.texts.get(Number(no)))
    },
    { timeout: 15_000 },
  )
}

async function write(by: Kom, confNos: readonly number[], to?: number): Promise<number> {
  const { text_no } = await by.texts.create({
    subject: 'Hello',
    body: 'Hello, all',
    content_type: 'text/plain',
    recipient_list: confNos.map((conf_no) => ({ type: 'to', recpt: { conf_no } })),
    comment_to_list: to === undefined ? [] : [{ type: 'comment', text_no: to }],
  })
  return text_no
}

describe('kom.live on a gateway', () => {
  it('begins as start', async () => {
    await follow()
    const { position: _, ...start } = await reader.start()
    expect(live.state).toEqual({ status: 'live', error: undefined, ...start })
    expect(Object.keys(live.state.texts).length).toBeGreaterThan(5)
  })

  it('has new texts, comments, read markings, marks, names and memberships', async () => {
    await follow({ texts: 0 })
    const textNo = await write(writer, [TESTING])
    await live.text(textNo)
    const comment = await write(writer, [TESTING], textNo)
    await expectCurrent()
    expect(live.state.texts[textNo]?.comment_in_list).toMatchObject([{ text_no: comment }])
    expect(live.state.unread.find(({ conf_no }) => conf_no === TESTING)?.unread_texts).toContain(comment)
    await phone.texts.markRead(textNo)
    await phone.texts.mark(textNo, 7)
    await phone.memberships.setUnread(13, 1)
    await expectCurrent()
    expect(live.state.marks).toContainEqual({ text_no: textNo, type: 7 })
    await phone.texts.markUnread(textNo)
    await phone.texts.unmark(textNo)
    await writer.call('change-name', { conference: WRITER, new_name: 'Demo Author' })
    await expectCurrent()
    expect(live.state.texts[textNo]?.author.pers_name).toBe('Demo Author')
    await phone.memberships.set(READER, 18, { priority: 90 })
    await expectCurrent()
    expect(live.state.memberships.map(({ conference }) => conference.conf_no)).toContain(18)
    await phone.memberships.set(READER, TESTING, { priority: 255, where: 0 })
    await phone.memberships.remove(READER, 18)
    await writer.call('delete-text', { text: comment })
    await expectCurrent()
    expect(live.state.texts[textNo]?.comment_in_list).toEqual([])
    await live.revalidate()
    await expectCurrent()
  })

  it('follows a login and a logout', async () => {
    await follow({ texts: 3 })
    await reader.login({ pers_no: WRITER, passwd: 'demo' })
    await expectCurrent()
    expect(live.state.person?.pers_no).toBe(WRITER)
    await reader.logout()
    const anonymous = { person: null, memberships: [], unread: [], marks: [], texts: {} }
    await expect.poll(() => live.state).toMatchObject({ status: 'live', ...anonymous })
    await reader.login({ pers_no: READER, passwd: 'demo' })
    await expectCurrent()
    expect(Object.keys(live.state.texts)).toHaveLength(3)
  })

  it('is lost when the session ends', async () => {
    const kom = await open(READER)
    live = await kom.live()
    await kom.close()
    await expect.poll(() => live.state.status).toBe('lost')
    expect(live.state.error).toMatchObject({ name: 'SessionLostError' })
    await expect(live.text(4711)).rejects.toMatchObject({ name: 'SessionLostError' })
  })
})

interface World {
  /** They stay in a conference of the reader, so that their changes are reported. */
  texts: number[]
  conferences: number[]
}
/** A change that a session makes; it may fail. */
type Change = (world: World) => Promise<unknown>

const anyKom = fc.constantFrom<() => Kom>(
  () => reader,
  () => phone,
)
const some = fc.nat(1000)
const pick = <T>(list: readonly T[], n: number): T => list[n % list.length] as T

/** Any change that Protocol A or the gateway reports. */
const anyChange: fc.Arbitrary<Change> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom<() => Kom>(
        () => writer,
        () => reader,
      ),
      some,
      fc.option(some),
    )
    .map(
      ([by, conf, to]): Change =>
        async ({ texts, conferences }) => {
          texts.push(await write(by(), [TESTING, pick(conferences, conf)], to === null ? undefined : pick(texts, to)))
        },
    ),
  fc.tuple(anyKom, some, fc.constantFrom('markRead' as const, 'markUnread' as const, 'unmark' as const)).map(
    ([by, text, what]): Change =>
      ({ texts }) =>
        by().texts[what](pick(texts, text)),
  ),
  fc.tuple(anyKom, some, fc.nat(255)).map(
    ([by, text, type]): Change =>
      ({ texts }) =>
        by().texts.mark(pick(texts, text), type),
  ),
  fc.tuple(anyKom, some, fc.nat(5)).map(
    ([by, conf, count]): Change =>
      ({ conferences }) =>
        by().memberships.setUnread(pick(conferences, conf), count),
  ),
  fc.tuple(anyKom, some, fc.integer({ min: 1, max: 9 })).map(
    ([by, conf, last]): Change =>
      ({ conferences }) =>
        by().call('set-read-ranges', {
          conference: pick(conferences, conf),
          read_ranges: [{ first_read: 1, last_read: last }],
        }),
  ),
  fc.tuple(anyKom, some, fc.nat(255), fc.nat(8)).map(
    ([by, conf, priority, where]): Change =>
      ({ conferences }) =>
        by().memberships.set(READER, pick(conferences, conf), { priority, where }),
  ),
  fc.tuple(anyKom, some).map(
    ([by, conf]): Change =>
      ({ conferences }) =>
        by().memberships.remove(READER, pick(conferences, conf)),
  ),
  fc.tuple(anyKom, some, fc.boolean()).map(
    ([by, conf, passive]): Change =>
      ({ conferences }) =>
        by().call('set-membership-type', { pers: READER, conf: pick(conferences, conf), type: { passive } }),
  ),
  fc.tuple(some, some, fc.constantFrom('add-comment' as const, 'sub-comment' as const)).map(
    ([text, to, call]): Change =>
      ({ texts }) =>
        writer.call(call, { text_no: pick(texts, text), comment_to: pick(texts, to) }),
  ),
  fc.tuple(some, some, fc.constantFrom('recpt' as const, 'cc_recpt' as const)).map(
    ([text, conf, recpt_type]): Change =>
      ({ texts, conferences }) =>
        writer.call('add-recipient', { text_no: pick(texts, text), conf_no: pick(conferences, conf), recpt_type }),
  ),
  fc.tuple(some, some).map(
    ([text, conf]): Change =>
      ({ texts, conferences }) =>
        writer.call('sub-recipient', { text_no: pick(texts, text), conf_no: pick(conferences, conf) }),
  ),
  some.map(
    (text): Change =>
      ({ texts }) =>
        writer.call('delete-text', { text: pick(texts, text) }),
  ),
  fc.nat(5).map(
    (n): Change =>
      () =>
        writer.call('change-name', { conference: WRITER, new_name: `Demo Writer ${n}` }),
  ),
  some.map(
    (text): Change =>
      ({ texts }) =>
        live.text(pick(texts, text)),
  ),
)

it('equals a fresh start after any changes, while its connections are cut', { timeout: 300_000 }, async () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 8000 }), { maxLength: 8 })
  const run = async (groups: readonly Change[][], lengths: readonly number[]): Promise<void> => {
    const left = [...lengths]
    const conferences = [READER, 8, 12, 13, 18]
    const proxy = await startCuttingProxy(
      Number(new URL(gateway.url).port),
      () => left.shift() ?? Number.POSITIVE_INFINITY,
    )
    const world: World = { texts: [await write(writer, [TESTING])], conferences }
    let isCutting = false
    // Opens its model without cuts, because a start is not repeated.
    const cut = await connected({
      connectionId: reader.connectionId,
      fetch: (url, init) => fetch(String(url).replace(gateway.url, isCutting ? proxy.url : gateway.url), init),
    })
    live = await cut.live({ texts: 5, maxTexts: 20 })
    isCutting = true
    try {
      for (const changes of groups) {
        await Promise.all(
          changes.map((change) =>
            change(world).catch((error: unknown) => {
              if (!(error instanceof KomgateError)) throw error
            }),
          ),
        )
      }
      await expectCurrent()
    } finally {
      live.close()
      await proxy.close()
    }
  }
  const groups = fc.array(fc.array(anyChange, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 12 })
  await fc.assert(fc.asyncProperty(groups, cuts, run), { numRuns: repetitions(50), endOnFailure: true })
})
