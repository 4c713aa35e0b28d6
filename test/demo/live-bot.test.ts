import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type DemoData, readDemoData } from '../../src/demo/demo-data.ts'
import type { DemoLimits } from '../../src/demo/limits.ts'
import { bundledThreads, type LiveBotOptions } from '../../src/demo/live-bot.ts'
import { type DemoServer, startDemoServer } from '../../src/demo/server.ts'
import { createGateway } from '../../src/gateway.ts'
import { RawClient } from './raw-client.ts'

const demo: DemoData = readDemoData(
  JSON.parse(readFileSync(new URL('../../fixtures/demo.json', import.meta.url), 'utf8')),
)
const LAST_INITIAL = Math.max(...demo.texts.map(({ no }) => no))
const FIRST = LAST_INITIAL + 1
const [FIKA, BIRDS] = [12, 15]
const [ADMIN, READER, ANNA] = [5, 6, 10]

const text = (subject: string, commentTo?: number) => ({
  author: ANNA,
  subject,
  body: 'x',
  ...(commentTo !== undefined && { commentTo }),
})
const FIKA_THREAD = { conference: FIKA, texts: [text('one'), text('two', 0), text('three', 0)] }
const BIRDS_THREAD = { conference: BIRDS, texts: [text('four')] }

const servers: DemoServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

/** Starts a demo server whose bot writes a text at each `tick`, and a client of a person. */
async function start(
  { limits = {}, ...options }: LiveBotOptions & { limits?: Partial<DemoLimits> },
  login = `${READER} 4Hdemo`,
) {
  const scheduled = { ms: 0, action: undefined as (() => void) | undefined }
  const server = await startDemoServer({
    limits,
    live: {
      // Threads in order of the list, because they are taken from the end of the shuffled list.
      random: () => 0.999,
      schedule: (action, ms) => {
        Object.assign(scheduled, { action, ms })
        return () => {
          scheduled.action = undefined
        }
      },
      ...options,
    },
  })
  servers.push(server)
  const client = await RawClient.open(server.port)
  await client.ask('80 2 { 14 15 }')
  expect((await client.ask(`62 ${login} 1`)).reply).toBe('=\n')
  const tick = (times = 1) => {
    for (let i = 0; i < times; i++) scheduled.action?.()
  }
  /** Returns the messages that have arrived, each as its number and the number of its text. */
  const messages = async () => {
    const { messages } = await client.ask('56')
    return messages.map((message) => message.split(' ').slice(1, 3).join(' '))
  }
  /** Returns the subjects of the existing texts since the start, by number. */
  const subjects = async () => {
    const highest = Number((await client.ask('115')).reply.slice(2)) - 1
    const found: [number, string][] = []
    for (let no = FIRST; no <= highest; no++) {
      const { reply } = await client.ask(`25 ${no} 0 1000`)
      if (reply.startsWith('=')) found.push([no, reply.replace(/^= \d+H/, '').split('\n')[0] as string])
    }
    return Object.fromEntries(found)
  }
  return { server, client, scheduled, tick, messages, subjects }
}

describe('the live bot', () => {
  it('writes the texts of a thread as comments on each other, and notifies the members', async () => {
    const { client, tick, messages, subjects } = await start({ threads: [FIKA_THREAD] })
    tick(2)
    expect(await messages()).toEqual([`15 ${FIRST}`, `15 ${FIRST + 1}`])
    expect(await subjects()).toEqual({ [FIRST]: 'one', [FIRST + 1]: 'two' })
    const { reply } = await client.ask(`90 ${FIRST + 1}`)
    expect(reply).toMatch(new RegExp(` ${ANNA} 1 5 0 3 \\{ 0 ${FIKA} 6 \\d+ 2 ${FIRST} \\} 1 \\{ 1 1 ${ANNA} `))
    expect(reply).toContain('30Htext/x-kom-basic;charset=utf-8')
  })

  it('writes all threads in random order before it repeats one', async () => {
    const { tick, subjects } = await start({ threads: [BIRDS_THREAD, FIKA_THREAD] })
    tick(5)
    expect(Object.values(await subjects())).toEqual(['four', 'one', 'two', 'three', 'four'])
    const other = await start({ threads: [BIRDS_THREAD, FIKA_THREAD], random: () => 0 })
    other.tick(5)
    expect(Object.values(await other.subjects())).toEqual(['one', 'two', 'three', 'four', 'one'])
  })

  it('waits between one and four minutes by default', async () => {
    const random = vi.fn().mockReturnValue(0)
    const { scheduled, tick } = await start({ threads: [FIKA_THREAD], random })
    expect(scheduled.ms).toBe(60_000)
    random.mockReturnValue(0.5)
    tick()
    expect(scheduled.ms).toBe(150_000)
  })

  it('deletes its oldest texts above the maximum, and no others', async () => {
    const { client, tick, messages, subjects } = await start({ threads: [FIKA_THREAD], maxTexts: 4 })
    const mine = FIRST
    expect((await client.ask(`86 4Hmine 1 { 0 ${FIKA} } 0 { }`)).reply).toBe(`= ${mine}\n`)
    await messages()
    tick(4)
    expect((await messages()).filter((message) => message.startsWith('14'))).toEqual([])
    tick(300)
    const deleted = (await messages()).filter((message) => message.startsWith('14'))
    expect(deleted).toEqual(Array.from({ length: 300 }, (_, i) => `14 ${mine + 1 + i}`))
    const numbers = Object.keys(await subjects()).map(Number)
    expect(numbers).toEqual([mine, ...[301, 302, 303, 304].map((n) => mine + n)])
    for (const { no, to } of demo.texts) {
      if (to.includes(FIKA)) expect((await client.ask(`90 ${no}`)).reply).toMatch(/^=/)
    }
  })

  it('does not count its texts towards the limit of texts of clients', async () => {
    const { server, client, tick, subjects } = await start({ threads: [FIKA_THREAD], limits: { texts: 1 } })
    await client.ask(`86 4Hmine 1 { 0 ${FIKA} } 0 { }`)
    tick(10)
    expect(Object.values(await subjects())).toContain('mine')
    expect(Object.values(await subjects())).toHaveLength(11)
    expect(server.limitHits.get('texts')).toBe(0)
  })

  it('begins another thread when clients have deleted the text to comment or the conference', async () => {
    const threads = [FIKA_THREAD, BIRDS_THREAD]
    const { client, tick, subjects } = await start({ threads }, `${ADMIN} 6Hgazonk`)
    await client.ask('42 255')
    tick(1)
    expect((await client.ask(`29 ${FIRST}`)).reply).toBe('=\n')
    tick(2)
    expect(await subjects()).toEqual({ [FIRST + 1]: 'four' })
    expect((await client.ask(`11 ${FIKA}`)).reply).toBe('=\n')
    tick(4)
    expect(Object.values(await subjects())).toEqual(['four', 'four', 'four'])
  })

  it('writes nothing for deleted persons, or against the permitted submitters', async () => {
    const { client, tick, subjects } = await start({ threads: [BIRDS_THREAD] }, `${ADMIN} 6Hgazonk`)
    await client.ask('42 255')
    expect((await client.ask(`19 ${BIRDS} ${ADMIN}`)).reply).toBe('=\n')
    tick(2)
    expect((await client.ask(`19 ${BIRDS} 0`)).reply).toBe('=\n')
    tick(1)
    expect((await client.ask(`11 ${ANNA}`)).reply).toBe('=\n')
    tick(2)
    expect(await subjects()).toEqual({ [FIRST]: 'four' })
  })

  it('stops when the server closes', async () => {
    const { server, scheduled } = await start({ threads: [FIKA_THREAD] })
    expect(scheduled.action).toBeDefined()
    await server.close()
    expect(scheduled.action).toBeUndefined()
  })
})

describe('fixtures/demo-bot.json', () => {
  const threads = bundledThreads()

  it('has about thirty texts by members of the conferences', () => {
    expect(threads.flatMap(({ texts }) => texts).length).toBeGreaterThanOrEqual(30)
    const strangers = threads.flatMap(({ conference, texts }) =>
      texts.filter(({ author }) => {
        const person = demo.persons.find(({ no }) => no === author)
        return !person?.memberships.some(({ conf }) => conf === conference)
      }),
    )
    expect(strangers).toEqual([])
  })

  it('has comments on earlier texts of the thread, and texts of short lines in ISO 8859-1', () => {
    for (const { texts } of threads) {
      for (const [i, { subject, body, commentTo }] of texts.entries()) {
        expect(commentTo === undefined).toBe(i === 0)
        if (commentTo !== undefined) expect(commentTo).toBeLessThan(i)
        expect(`${subject}\n${body}`).toMatch(/^[ -~]{1,72}(\n[ -~]{1,72})+$/)
      }
    }
  })

  it('is written completely to the bundled conferences', async () => {
    const { tick, subjects } = await start({ threads }, `${ADMIN} 6Hgazonk`)
    const expected = threads.flatMap(({ texts }) => texts.map(({ subject }) => subject))
    tick(expected.length)
    expect(Object.values(await subjects())).toEqual(expected)
  })
})

describe('a gateway', () => {
  /** Returns the number of texts that the demo server has got four minutes after its start. */
  async function textsAfterFourMinutes(demoOptions: { demoQuiet?: boolean }): Promise<number> {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const gateway = await createGateway({ servers: { demo: { name: 'Demo', demo: true } }, demo: demoOptions })
    vi.advanceTimersByTime(240_000)
    vi.useRealTimers()
    try {
      const call = (path: string, body: object, headers = {}) => {
        const init = {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify(body),
        }
        return gateway.fetch(new Request(`http://localhost/demo${path}`, init))
      }
      const { connection_id: id } = (await (
        await call('/sessions/', { client: { name: 'test', version: '1' } })
      ).json()) as { connection_id: string }
      const response = await call('/calls/first-unused-text-no', {}, { 'httpkom-connection': id })
      return ((await response.json()) as { reply: number }).reply - FIRST
    } finally {
      await gateway.close()
    }
  }

  it('keeps its demo server quiet unless demoQuiet is false', async () => {
    expect(await textsAfterFourMinutes({})).toBe(0)
    expect(await textsAfterFourMinutes({ demoQuiet: false })).toBeGreaterThan(0)
  })
})
