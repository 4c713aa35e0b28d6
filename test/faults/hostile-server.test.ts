import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { show } from '../support/bound.ts'
import { type FakeRequest, type Handler, startFakeServer } from '../support/fake-server.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { array, fields, h, message, reply, time } from '../support/wire.ts'

const GET_MARKS = 23
const GET_TEXT = 25
const UNREAD_CONFS = 52
const LOGIN = 62
const CLIENT_NAME = 70
const CLIENT_VERSION = 71
const LOOKUP_NAME = 76
const UCONF = 78
const WHO_IS_ON = 83
const SESSION_INFO = 84
const TEXT_STAT = 90
const GET_CONF = 91
const LOCAL_TO_GLOBAL = 103
const LOCAL_TO_GLOBAL_REVERSE = 121
const QUERY_READ_TEXTS = 107
const MEMBERSHIP = 108
const MB = 1_000_000
const then = time(new Date('2026-01-02T03:04:05Z'))
const WHO_AM_I = '/kom/sessions/current/who-am-i'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Encodes an array of `n` copies of an element. */
const many = (n: number, element: string | Buffer) => Buffer.from(`${n} { ${`${element} `.repeat(n)}}`, 'latin1')
/** Encodes an array of `n` elements, each created from its index. */
const numbered = (n: number, make: (i: number) => string | Buffer) =>
  Buffer.from(`${n} { ${Array.from({ length: n }, (_, i) => make(i)).join(' ')} }`, 'latin1')

const textStat = (miscInfo: Buffer, auxItems: Buffer | string = '0 *') => fields(then, 5, 1, 1, 0, miscInfo, auxItems)
const membership = (confNo: number, ranges: Buffer | string = '0 *') =>
  fields(1, then, confNo, 100, ranges, 5, then, '00000000')
const uconf = (name: string, highest: number) => fields(h(name), '00000000', highest, 77)

async function start(handler: Handler) {
  const server = await startFakeServer((request, connection) =>
    request.call === LOGIN ? reply(request.ref) : handler(request, connection),
  )
  const gateway = await startTestGateway([{ id: 'kom', port: server.port }])
  closing.push(server.close, gateway.close)
  const id = await gateway.open()
  await gateway.send('POST', '/kom/sessions/current/login', { id, json: { pers_no: 5, passwd: 'x' } })
  return { server, gateway, id }
}

const first = (request: FakeRequest) => Number(String(request.args).split(' ')[0])

async function metric(gateway: TestGateway, line: string): Promise<number> {
  const { text } = await gateway.send('GET', '/metrics')
  const found = text.split('\n').find((each) => each.startsWith(`${line} `))
  return Number(found?.slice(line.length + 1) ?? 0)
}

/**
 * Runs `work`. Measures the longest event-loop tick, in CPU time since other processes run too, and the growth of the
 * resident memory.
 */
async function cost<T>(work: () => Promise<T>) {
  const before = process.memoryUsage.rss()
  let peak = before
  let tickMs = 0
  let isDone = false
  let last = process.cpuUsage()
  const tick = (): void => {
    const { user, system } = process.cpuUsage(last)
    last = process.cpuUsage()
    tickMs = Math.max(tickMs, (user + system) / 1000)
    peak = Math.max(peak, process.memoryUsage.rss())
    if (!isDone) setImmediate(tick)
  }
  tick()
  const value = await work()
  isDone = true
  tick()
  return { value, tickMs, mb: (peak - before) / MB }
}

const LISTS: [what: string, path: string, call: number, data: () => Buffer][] = [
  ['100,000 recipients', '/texts/1', TEXT_STAT, () => textStat(many(100_000, '0 7'))],
  ['100,000 recipients without its body', '/textstats/1', TEXT_STAT, () => textStat(many(100_000, '0 7'))],
  ['100,000 comments', '/texts/1', TEXT_STAT, () => textStat(numbered(100_000, (i) => `3 ${i + 10}`))],
  [
    '100,000 aux-items',
    '/texts/1',
    TEXT_STAT,
    () => textStat(Buffer.from('0 *'), many(100_000, fields(1, 2, 5, then, '00000000', 0, h('')))),
  ],
  [
    '100,000 aux-items of a conference',
    '/conferences/1?micro=false',
    GET_CONF,
    () =>
      fields(
        ...[h('c'), '00000000', then, then, 0, 0, 0, 0, 0, 0, 77, 77, 1, 1, 10, 0],
        many(100_000, fields(1, 2, 5, then, '00000000', 0, h(''))),
      ),
  ],
  ['7.9 million marks', '/texts/marks', GET_MARKS, () => many(7_900_000, '1 1')],
  ['100,000 memberships', '/persons/5/memberships', MEMBERSHIP, () => many(100_000, membership(7))],
  ['100,000 conferences with unread texts', '/persons/6/memberships/unread', UNREAD_CONFS, () => many(100_000, '7')],
  ['100,000 names', '/conferences?name=a&want-confs=true', LOOKUP_NAME, () => many(100_000, '1Ha 0000 7')],
  ['a name of 1 MB', '/conferences/7', UCONF, () => uconf('x'.repeat(MB), 1)],
  [
    '5 million read ranges',
    '/persons/6/memberships/7/unread',
    QUERY_READ_TEXTS,
    () => membership(7, many(5_000_000, '1 2')),
  ],
  [
    'read ranges within memberships',
    '/persons/5/memberships/unread',
    MEMBERSHIP,
    () => many(2000, membership(7, many(1000, '1 2'))),
  ],
]

describe('a reply that exceeds a bound', () => {
  it.each(LISTS)(
    'yields 504 with the limit reply-size and keeps the session open (%s)',
    async (what, path, call, data) => {
      const bytes = data()
      const { gateway, id } = await start(({ ref, call: asked, args }) => {
        if (asked === call && !(call === UCONF && String(args) === '5')) return reply(ref, bytes)
        if (asked === UCONF) return reply(ref, uconf('a name', 10))
        if (asked === UNREAD_CONFS) return reply(ref, array([7]))
        return asked === GET_TEXT && reply(ref, h('subject\nbody'))
      })
      const { value, tickMs, mb } = await cost(() => gateway.send('GET', `/kom${path}`, { id }))
      expect([value.status, value.json.error_type, value.json.limit]).toEqual([504, 'httpkom', 'reply-size'])
      show(`a reply with ${what}`, '1 s, 300 MB', `${tickMs.toFixed(0)} ms, ${mb.toFixed(0)} MB`)
      expect(value.json.error_msg).toMatch(/over the bound of \d+ \((string-length|array-length|message-elements)\)$/)
      expect((await gateway.send('GET', WHO_AM_I, { id })).status).toBe(200)
      const { text } = await gateway.send('GET', '/metrics')
      expect(text).toMatch(/^komgate_lyskom_bound_hits_total\{bound="(string|array|message)-\w+"\} [1-9]/m)
      expect(await metric(gateway, 'komgate_lyskom_unanswered_calls_total{code="over-bound"}')).toBeGreaterThan(0)
      expect(await metric(gateway, 'komgate_limit_hits_total{limit="reply-size"}')).toBe(1)
      expect(tickMs).toBeLessThan(1000)
      expect(mb).toBeLessThan(300)
    },
  )
})

/** A name of the longest kind, of a character that takes six characters in JSON. */
const LONG_NAME = '\x01'.repeat(1024)

describe('replies to one request that together exceed a bound', () => {
  const ALL: [what: string, path: string, answers: Partial<Record<number, (request: FakeRequest) => Buffer>>][] = [
    [
      'long names of 20,000 recipients',
      '/textstats/1',
      { [TEXT_STAT]: () => textStat(numbered(20_000, (i) => `0 ${i + 10}`)) },
    ],
    ['one long name of 60,000 recipients', '/textstats/1', { [TEXT_STAT]: () => textStat(many(60_000, '0 7')) }],
    [
      'one long name of the authors of 60,000 links to one text',
      '/textstats/1',
      {
        [TEXT_STAT]: (request) => textStat(first(request) === 1 ? many(60_000, '3 2') : Buffer.from('0 *')),
      },
    ],
    [
      'long names of 20,000 conferences',
      '/persons/5/memberships?no-of-memberships=20000',
      { [MEMBERSHIP]: () => numbered(20_000, (i) => membership(i + 10)) },
    ],
    [
      'read ranges of the memberships of another person',
      '/persons/6/memberships/unread',
      {
        [UNREAD_CONFS]: () => numbered(40, (i) => `${i + 10}`),
        [QUERY_READ_TEXTS]: (request) => membership(Number(String(request.args).split(' ')[1]), many(60_000, '1 2')),
      },
    ],
    [
      'comments on the texts of a conference',
      '/conferences/7/texts?no-of-texts=255',
      {
        [LOCAL_TO_GLOBAL_REVERSE]: () =>
          fields(
            1,
            256,
            0,
            1,
            1,
            numbered(255, (i) => `${i + 1}`),
          ),
        [TEXT_STAT]: () => textStat(many(60_000, '6 1')),
      },
    ],
    [
      'long subjects of the texts of a conference',
      '/conferences/7/texts?no-of-texts=255&subjects=true',
      {
        [LOCAL_TO_GLOBAL_REVERSE]: () =>
          fields(
            ...[1, 256, 0, 1, 1],
            numbered(255, (i) => `${i + 1}`),
          ),
        [TEXT_STAT]: () => textStat(Buffer.from('0 *')),
        [GET_TEXT]: () => h(`${'x'.repeat(100_000)}\n`),
      },
    ],
    [
      'comments on the texts of a thread',
      '/texts/1/tree?limit=1000',
      { [TEXT_STAT]: () => textStat(numbered(60_000, (i) => `3 ${i + 2}`)), [GET_TEXT]: () => h('subject\n') },
    ],
    [
      'long names of 20,000 persons who are on',
      '/sessions',
      {
        [WHO_IS_ON]: () => numbered(20_000, (i) => fields(i + 1, i + 10, 0, 5, '01000000', h('')).toString()),
        [CLIENT_NAME]: () => h('client'),
        [CLIENT_VERSION]: () => h('1'),
        [SESSION_INFO]: () => fields(h('user'), h('host'), h('unknown'), then),
      },
    ],
  ]

  it.each(ALL)('yield 504 with the limit reply-size (%s)', async (what, path, answers) => {
    const replies = new Map<string, Buffer>()
    const { gateway, id } = await start((request) => {
      const { call, ref, args } = request
      if (call === UCONF) return reply(ref, uconf(LONG_NAME, 10))
      const data = answers[call]
      if (data === undefined) return false
      const key = `${call} ${args}`
      const bytes = replies.get(key) ?? data(request)
      replies.set(key, bytes)
      return reply(ref, bytes)
    })
    const { value, tickMs, mb } = await cost(() => gateway.send('GET', `/kom${path}`, { id }))
    expect([value.status, value.json.limit]).toEqual([504, 'reply-size'])
    show(`replies with ${what}`, '1 s, 300 MB', `${tickMs.toFixed(0)} ms, ${mb.toFixed(0)} MB`)
    expect(tickMs).toBeLessThan(1000)
    expect(mb).toBeLessThan(300)
    expect((await gateway.send('GET', WHO_AM_I, { id })).status).toBe(200)
  })
})

describe('a reply on a WebSocket that exceeds a bound', () => {
  it.each([
    ['an array', '39', () => many(100_000, '0 0 0H'), /array-length/],
    ['a string', '70 1', () => h(Buffer.alloc(2000, 'x')), /string-length/],
    ['a text too long for JSON', '25 1 0 99999999', () => h(Buffer.alloc(9 * MB, 'x')), /json-string/],
  ] as const)('is an error with the limit, and the next request is answered (%s)', async (_, request, data, error) => {
    const { gateway, id } = await start(({ ref, call }) => call === Number.parseInt(request, 10) && reply(ref, data()))
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/websocket?Httpkom-Connection=${id}`)
    await once(socket, 'open')
    const ask = async (raw: string) => {
      socket.send(JSON.stringify({ protocol: 'a', ref_no: 1, request: raw }))
      const [reply] = await once(socket, 'message')
      return JSON.parse(String(reply))
    }
    expect(await ask(request)).toEqual({
      ref_no: 1,
      error: expect.stringMatching(error),
      error_type: 'httpkom',
      error_msg: expect.stringMatching(error),
      limit: 'reply-size',
    })
    expect((await ask('56')).reply).toBe('1')
    socket.close()
  })
})

describe('a reply at its bound', () => {
  const answer = (answers: Partial<Record<number, (request: FakeRequest) => Buffer>>): Handler => {
    return (request) => {
      const data = answers[request.call]?.(request)
      return data && reply(request.ref, data)
    }
  }

  it('is accepted: a text with 13,000 recipients and as many comments', async () => {
    const n = 13_000
    const list = Array.from({ length: n }, (_, i) => `0 ${i + 1} 6 ${i} 3 ${i + 10}`)
    const stat = textStat(Buffer.from(`${3 * n} { ${list.join(' ')} }`))
    const { gateway, id } = await start(
      answer({
        [TEXT_STAT]: (request) => (first(request) === 1 ? stat : textStat(Buffer.from('0 *'))),
        [UCONF]: (request) => uconf(`conference ${first(request)} ${'x'.repeat(40)}`, 10),
      }),
    )
    const { value, tickMs, mb } = await cost(() => gateway.send('GET', '/kom/textstats/1', { id }))
    expect(value.status).toBe(200)
    expect([value.json.recipient_list.length, value.json.comment_in_list.length]).toEqual([n, n])
    expect(tickMs).toBeLessThan(1000)
    expect(mb).toBeLessThan(300)
  })

  it('is accepted: 65,535 marks and memberships, 10,000 of them with unread texts', async () => {
    const all = 65_535
    const unread = 10_000
    const memberships = numbered(all, (i) => membership(i + 1))
    const { gateway, id } = await start(
      answer({
        [GET_MARKS]: () => many(all, '4294967295 255'),
        [UNREAD_CONFS]: () => numbered(unread, (i) => String(i + 1)),
        [MEMBERSHIP]: () => memberships,
        [UCONF]: () => uconf('x'.repeat(60), 1),
        [LOCAL_TO_GLOBAL]: () => fields(1, 2, 0, 1, 1, array([7])),
      }),
    )
    for (const path of ['/texts/marks', '/persons/5/memberships?first=0', '/persons/5/memberships/unread']) {
      const { value, tickMs, mb } = await cost(() => gateway.send('GET', `/kom${path}`, { id }))
      expect(value.status).toBe(200)
      expect(tickMs).toBeLessThan(1000)
      expect(mb).toBeLessThan(300)
    }
  })

  it('is accepted: names of 1,024 bytes and a text of 8 MB', async () => {
    const { gateway, id } = await start(
      answer({
        [UCONF]: () => uconf('x'.repeat(1024), 1),
        [TEXT_STAT]: () => textStat(Buffer.from('0 *')),
        [GET_TEXT]: () => h(Buffer.alloc(8 * MB, 'x')),
      }),
    )
    expect((await gateway.send('GET', '/kom/conferences/7', { id })).json.name).toHaveLength(1024)
    expect((await gateway.send('GET', '/kom/texts/1/body', { id })).text).toHaveLength(8 * MB)
  })
})

describe('unread texts', () => {
  const unread = (highest: number, block: (from: number) => string | Buffer): Handler => {
    return ({ ref, call, args }) => {
      if (call === QUERY_READ_TEXTS) return reply(ref, membership(7))
      if (call === UCONF) return reply(ref, uconf('a', highest))
      return call === LOCAL_TO_GLOBAL && reply(ref, 1, 2, 0, block(Number(String(args).split(' ')[1])))
    }
  }

  it('yield 504 without mapping local numbers if a conference claims 4 billion of them', async () => {
    const { server, gateway, id } = await start(unread(2 ** 32 - 1, () => fields(0, '0 *')))
    const { value, tickMs } = await cost(() => gateway.send('GET', '/kom/persons/6/memberships/7/unread', { id }))
    expect([value.status, value.json.limit]).toEqual([504, 'reply-size'])
    expect(tickMs).toBeLessThan(1000)
    expect(server.connections[0]?.received.filter(({ call }) => call === LOCAL_TO_GLOBAL)).toHaveLength(0)
    expect(await metric(gateway, 'komgate_lyskom_bound_hits_total{bound="unread-texts"}')).toBe(1)
  })

  it('are listed for a long conference: 100,000 texts', async () => {
    const { gateway, id } = await start(
      unread(100_000, (from) =>
        fields(
          1,
          from,
          numbered(255, (i) => String(from + i)),
        ),
      ),
    )
    const { json } = await gateway.send('GET', '/kom/persons/6/memberships/7/unread', { id })
    expect(json.no_of_unread).toBe(100_000)
  })

  it('are limited to the requested number even if the server sends more', async () => {
    const { gateway, id } = await start(unread(10, (from) => fields(1, from, many(1000, '5'))))
    const { json } = await gateway.send('GET', '/kom/persons/6/memberships/7/unread', { id })
    expect(json.no_of_unread).toBe(10)
  })

  it('are limited to the requested number in a list of the newest texts', async () => {
    const { server, gateway, id } = await start(({ ref, call }) => {
      if (call === LOCAL_TO_GLOBAL_REVERSE) return reply(ref, 1, 2, 0, 1, 1, many(50_000, '5'))
      if (call === UCONF) return reply(ref, uconf('a', 1))
      return call === TEXT_STAT && reply(ref, textStat(Buffer.from('0 *')))
    })
    const { status, json } = await gateway.send('GET', '/kom/conferences/7/texts?no-of-texts=10', { id })
    expect([status, json.texts?.length]).toEqual([200, 10])
    expect(server.connections[0]?.received.filter(({ call }) => call === TEXT_STAT)).toHaveLength(10)
  })
})

describe('unsolicited asynchronous messages', () => {
  it('are skipped and counted if they contain names of 1 MB, and the memory does not grow', async () => {
    const { server, gateway, id } = await start(({ ref, call }) => call === UCONF && reply(ref, uconf('a', 1)))
    const [connection] = server.connections
    const name = h(Buffer.alloc(MB, 'x'))
    const { value, mb } = await cost(async () => {
      for (let confNo = 1; confNo <= 500; confNo++) {
        if (connection?.socket.write(message(5, confNo, h('a'), name)) === false)
          await new Promise((resolve) => connection.socket.once('drain', resolve))
      }
      return await gateway.send('GET', WHO_AM_I, { id })
    })
    show('500 unasked names of 1 MB', '300 MB', `${mb.toFixed(0)} MB`)
    expect(value.status).toBe(200)
    expect(mb).toBeLessThan(300)
    expect(await metric(gateway, 'komgate_lyskom_unreadable_messages_total')).toBe(500)
    expect(await metric(gateway, 'komgate_lyskom_bound_hits_total{bound="string-length"}')).toBe(500)
  })
})

describe('unfinished messages of all sessions', () => {
  it('are bounded: the sessions with the largest ones end, others continue', async () => {
    const bad = await startFakeServer()
    const good = await startFakeServer()
    const servers = [
      { id: 'bad', port: bad.port },
      { id: 'good', port: good.port },
    ]
    const gateway = await startTestGateway(servers, { maxMessageBytes: 20 * MB })
    closing.push(bad.close, good.close, gateway.close)
    const ids = await Promise.all(Array.from({ length: 12 }, () => gateway.open('bad')))
    const other = await gateway.open('good')
    const half = Buffer.alloc(10 * MB, 'x')
    for (const { socket } of bad.connections) socket.write(Buffer.concat([Buffer.from('=1 19000000H'), half]))
    await expect
      .poll(async () => await metric(gateway, 'komgate_lyskom_bound_hits_total{bound="unfinished-messages"}'))
      .toBeGreaterThan(0)
    expect((await gateway.send('GET', '/good/sessions/current/who-am-i', { id: other })).status).toBe(200)
    const statuses = await Promise.all(
      ids.map(async (id) => (await gateway.send('DELETE', '/bad/sessions/0', { id })).status),
    )
    expect(statuses).toContain(403)
    expect(statuses).toContain(204)
  })
})

describe('a string that is too long for JSON', () => {
  it('yields 504 for the text, while its body is served', async () => {
    const { gateway, id } = await start(({ ref, call }) => {
      if (call === TEXT_STAT) return reply(ref, textStat(Buffer.from('0 *')))
      if (call === UCONF) return reply(ref, uconf('a', 1))
      return call === GET_TEXT && reply(ref, h(Buffer.alloc(30 * MB, 1)))
    })
    const { value, tickMs, mb } = await cost(() => gateway.send('GET', '/kom/texts/1', { id }))
    expect([value.status, value.json.limit]).toEqual([504, 'reply-size'])
    expect(value.json.error_msg).toMatch(/json-string/)
    expect(tickMs).toBeLessThan(1000)
    expect(mb).toBeLessThan(300)
    expect((await gateway.send('GET', '/kom/texts/1/body', { id })).text).toHaveLength(30 * MB)
  })
})
