import { afterEach, describe, expect, it } from 'vitest'
import { type DemoData, readDemoData } from '../../src/demo/demo-data.ts'
import type { DemoLimits } from '../../src/demo/limits.ts'
import { type DemoServer, startDemoServer } from '../../src/demo/server.ts'
import { RawClient } from './raw-client.ts'

const servers: DemoServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

const MARK = 100
const CREATED = '2026-01-01T00:00:00Z'

/** Initial data with persons 1 and 2, conferences 3 and 4, and text 1 in conference 3. */
function data(): DemoData {
  const conference = {
    type: [],
    created: CREATED,
    creator: 1,
    supervisor: 1,
    superConf: 0,
    permittedSubmitters: 0,
    presentation: 0,
    motd: 0,
  }
  const person = (no: number) => ({
    no,
    name: `Person ${no}`,
    passwd: 'pw',
    created: CREATED,
    presentation: 0,
    memberships: [
      { conf: no, priority: 255 },
      { conf: 3, priority: 100 },
    ],
  })
  return readDemoData({
    info: { motd: 0, confPresConf: 0, persPresConf: 0, motdConf: 0, komNewsConf: 0 },
    conferences: [
      { ...conference, no: 3, name: 'Conference 3' },
      { ...conference, no: 4, name: 'Conference 4' },
    ],
    persons: [person(1), person(2)],
    texts: [
      {
        no: 1,
        author: 2,
        created: CREATED,
        subject: 's',
        body: 'fixture',
        contentType: 'text/plain',
        to: [3],
        cc: [],
        commentTo: [],
        footnoteTo: [],
        marks: [],
      },
    ],
  })
}

async function start(limits: Partial<DemoLimits>) {
  const server = await startDemoServer({ data: data(), limits })
  servers.push(server)
  const client = await RawClient.open(server.port)
  const ask = async (request: string) => (await client.ask(request)).reply.trim()
  expect(await ask('62 1 2Hpw 0')).toBe('=')
  const hits = (limit: keyof DemoLimits) => server.limitHits.get(limit)
  return { server, client, ask, hits }
}

type Ask = (request: string) => Promise<string>

/** Creates a text and returns the reply. */
const write = (ask: Ask, misc: string, body = 'x') => ask(`86 ${body.length}H${body} ${misc} 0 { }`)
/** Returns the numbers of the existing texts in a range. */
async function existing(ask: Ask, from: number, to: number): Promise<number[]> {
  const found: number[] = []
  for (let no = from; no <= to; no++) if ((await ask(`90 ${no}`)).startsWith('=')) found.push(no)
  return found
}

describe('demo server limits on texts', () => {
  it('deletes the oldest text of a client above the limit and never a text of the initial data', async () => {
    const { ask, hits } = await start({ texts: 3 })
    for (let no = 2; no <= 7; no++) expect(await write(ask, '1 { 0 3 }')).toBe(`= ${no}`)
    expect(await existing(ask, 1, 7)).toEqual([1, 5, 6, 7])
    expect(hits('texts')).toBe(3)
    expect(await ask('60 1')).toBe('= 5')
    expect(await ask('61 5')).toBe('= 1')
    expect(await ask('115')).toBe('= 8')
  })

  it('deletes as many of the oldest texts as the bytes of a new one need', async () => {
    const { ask, hits } = await start({ textBytes: 50_000 })
    for (let no = 2; no <= 6; no++) await write(ask, '1 { 0 3 }', 'x'.repeat(7000))
    expect(await existing(ask, 1, 6)).toEqual([1, 2, 3, 4, 5, 6])
    expect(await write(ask, '1 { 0 3 }', 'y'.repeat(30_000))).toBe('= 7')
    expect(await existing(ask, 1, 7)).toEqual([1, 5, 6, 7])
    expect(hits('textBytes')).toBe(3)
  })

  it('counts aux-items, recipients and links, including those added to a text later', async () => {
    const { ask } = await start({ textBytes: 5000 })
    expect(await ask(`86 1Hx 0 { } 1 { 10103 00000000 0 2500H${'a'.repeat(2500)} }`)).toBe('= 2')
    expect(await write(ask, '0 { }')).toBe('= 3')
    expect(await existing(ask, 2, 3)).toEqual([2, 3])
    expect(await ask('30 3 3 0')).toBe('=')
    expect(await existing(ask, 2, 3)).toEqual([3])
    const { ask: asked } = await start({ textBytes: 2300 })
    expect([await write(asked, '0 { }'), await write(asked, '0 { }')]).toEqual(['= 2', '= 3'])
    expect([await asked('32 3 1'), await asked('30 3 3 0')]).toEqual(['=', '='])
    expect(await existing(asked, 2, 3)).toEqual([2, 3])
    expect(await asked('30 3 4 0')).toBe('=')
    expect(await existing(asked, 2, 3)).toEqual([3])
  })

  it('rejects a text that alone exceeds the limit of all texts', async () => {
    const { ask, hits } = await start({ textBytes: 5000 })
    expect(await write(ask, '0 { }')).toBe('= 2')
    expect(await write(ask, '0 { }', 'x'.repeat(4001))).toBe('% 45 0')
    expect(await existing(ask, 1, 2)).toEqual([1, 2])
    expect(hits('textBytes')).toBe(1)
  })

  it('stops counting a text when its author deletes it', async () => {
    const { ask, hits } = await start({ texts: 2 })
    for (let i = 0; i < 10; i++) {
      const no = (await write(ask, '1 { 0 3 }')).slice(2)
      expect(await ask(`29 ${no}`)).toBe('=')
    }
    expect([await write(ask, '1 { 0 3 }'), await write(ask, '1 { 0 3 }')]).toEqual(['= 12', '= 13'])
    expect([await existing(ask, 1, 13), hits('texts')]).toEqual([[1, 12, 13], 0])
  })

  it('leaves links, local numbers, marks and presentations as delete-text does', async () => {
    const run = async (limits: Partial<DemoLimits>, remove: (ask: Ask) => Promise<unknown>) => {
      const { ask } = await start(limits)
      await write(ask, '2 { 0 3 2 1 }', 'comment to the fixture')
      await write(ask, '2 { 0 3 4 2 }', 'footnote')
      await write(ask, '2 { 0 3 2 2 }', 'comment')
      const setUp = ['72 2 100', '16 3 2', '57 1 2', '27 3 1 { 2 }', '30 2 1 0']
      for (const request of setUp) expect(await ask(request)).toBe('=')
      await remove(ask)
      const views = ['90 1', '90 2', '90 3', '90 4', '91 3', '91 1', '49 1', '23', '107 1 3 1 0', '103 3 1 10']
      const more = ['121 3 0 10', '104 1 1 10', '122 1 0 10', '52 1', '73 2', '23', '16 3 0', '57 1 0', '91 3', '49 1']
      const seen: string[] = []
      for (const request of [...views, ...more]) seen.push(`${request} ${await ask(request)}`)
      return seen.map((line) => line.replace(/\b\d\d? \d\d? \d\d? \d\d? \d\d? 1\d\d \d \d{1,3} \d\b/g, 'TIME'))
    }
    const deleted = await run({}, async (ask) => {
      await write(ask, '1 { 0 3 }')
      expect(await ask('29 2')).toBe('=')
    })
    const evicted = await run({ texts: 3 }, (ask) => write(ask, '1 { 0 3 }'))
    expect(evicted).toEqual(deleted)
  })

  it('notifies the members of the recipients', async () => {
    const { server, ask } = await start({ texts: 1 })
    const other = await RawClient.open(server.port)
    await other.ask('62 2 2Hpw 0')
    await other.ask('80 1 { 14 }')
    await write(ask, '1 { 0 3 }')
    await write(ask, '1 { 0 3 }')
    expect((await other.ask('56')).messages).toEqual([expect.stringMatching(/^:\d+ 14 2 /)])
  })

  it('deletes anonymous texts like others', async () => {
    const { ask } = await start({ texts: 1 })
    expect(await ask('87 1Hx 1 { 0 1 } 0 { }')).toBe('= 2')
    expect(await write(ask, '1 { 0 3 }')).toBe('= 3')
    expect(await ask('103 1 1 10')).toBe('= 1 2 0 0 0 *')
  })
})

it('demo server rejects conferences and persons above the limit like lyskomd until one is deleted', async () => {
  const { ask, hits } = await start({ conferences: 6 })
  expect(await ask('88 1HA 00000000 0 { }')).toBe('= 5')
  expect(await ask('89 1HB 2Hpw 00000000 0 { }')).toBe('= 6')
  expect(await ask('88 1HC 00000000 0 { }')).toBe('% 19 7')
  expect(await ask('89 1HD 2Hpw 00000000 0 { }')).toBe('% 19 7')
  expect(await ask('11 5')).toBe('=')
  expect(await ask('88 1HC 00000000 0 { }')).toBe('= 7')
  expect(hits('conferences')).toBe(2)
})

it('demo server rejects aux-items of conferences and persons above their limit', async () => {
  const { ask, hits } = await start({ auxItemBytes: 3500 })
  const aux = `1 { 10 00000000 0 1000H${'a'.repeat(1000)} }`
  expect(await ask(`88 1HA 00000000 ${aux}`)).toBe('= 5')
  expect(await ask(`89 1HB 2Hpw 00000000 ${aux}`)).toBe('= 6')
  expect(await ask(`88 1HC 00000000 ${aux}`)).toBe('% 45 0')
  expect(await ask(`89 1HC 2Hpw 00000000 ${aux}`)).toBe('% 45 0')
  expect(await ask('88 1HC 00000000 0 { }')).toBe('= 7')
  expect(hits('auxItemBytes')).toBe(2)
})

it('demo server rejects aux-items of texts of the initial data above their limit, and accepts others', async () => {
  const { ask, hits } = await start({ auxItemBytes: 3500 })
  const aux = `1 { 20000 00000000 0 1000H${'a'.repeat(1000)} }`
  expect(await ask(`92 1 0 { } ${aux}`)).toBe('=')
  expect(await ask(`92 1 0 { } ${aux}`)).toBe('=')
  expect(await ask(`92 1 0 { } ${aux}`)).toBe('% 45 0')
  expect(await ask(`92 1 1 { 2 } ${aux}`)).toBe('=')
  expect(await write(ask, '1 { 0 3 }')).toBe('= 2')
  for (let i = 0; i < 5; i++) expect(await ask(`92 2 0 { } ${aux}`)).toBe('=')
  expect(hits('auxItemBytes')).toBe(1)
})

it('demo server deletes old texts to make room for aux-items of texts', async () => {
  const { ask, hits } = await start({ textBytes: 5000 })
  for (let i = 0; i < 3; i++) await write(ask, '1 { 0 3 }')
  const aux = `1 { 20000 00000000 0 2000H${'a'.repeat(2000)} }`
  expect(await ask(`92 4 0 { } ${aux}`)).toBe('=')
  expect(await ask(`92 4 0 { } ${aux}`)).toBe('% 45 0')
  expect(await existing(ask, 1, 4)).toEqual([1, 3, 4])
  expect(hits('textBytes')).toBe(2)
})

it('demo server rejects memberships above the limit, and accepts changes of existing ones', async () => {
  const { ask, hits } = await start({ memberships: 5 })
  expect(await ask('100 4 1 100 1 00000000')).toBe('=')
  expect(await ask('100 4 2 100 1 00000000')).toBe('% 45 0')
  expect(await ask('89 1HA 2Hpw 00000000 0 { }')).toBe('% 45 0')
  expect(await ask('100 4 1 50 0 00000000')).toBe('=')
  expect(await ask('15 4 1')).toBe('=')
  expect(await ask('89 1HA 2Hpw 00000000 0 { }')).toBe('= 5')
  expect(hits('memberships')).toBe(2)
})

it('demo server rejects read ranges above the limit and accepts markings that add no range', async () => {
  const { ask, hits } = await start({ readRanges: 2 })
  for (let i = 0; i < 6; i++) await write(ask, '1 { 0 3 }')
  expect([await ask('27 3 1 { 2 }'), await ask('27 3 1 { 4 }')]).toEqual(['=', '='])
  expect([await ask('27 3 1 { 6 }'), await ask('110 3 3 { 1 1 3 3 5 5 }')]).toEqual(['% 45 0', '% 45 0'])
  expect([await ask('27 3 1 { 3 }'), await ask('27 3 1 { 6 }')]).toEqual(['=', '='])
  expect(await ask('109 3 3')).toBe('% 45 0')
  expect(await ask('77 3 7')).toBe('=')
  expect(hits('readRanges')).toBe(3)
})

it('demo server rejects marks above the limit', async () => {
  const { ask, hits } = await start({ marks: 2 })
  for (let i = 0; i < 3; i++) await write(ask, '1 { 0 3 }')
  expect([await ask(`72 1 ${MARK}`), await ask(`72 2 ${MARK}`), await ask(`72 3 ${MARK}`)]).toEqual([
    '=',
    '=',
    '% 36 3',
  ])
  expect([await ask('72 2 50'), await ask('73 1'), await ask('72 3 1')]).toEqual(['=', '=', '='])
  expect(hits('marks')).toBe(1)
})

it('demo server rejects more than 2048 marks of one person like lyskomd', async () => {
  const { client, ask } = await start({})
  const send = (request: string) => client.ask(request)
  for (let i = 0; i < 2048; i++) await send('86 1Hx 0 { } 0 { }')
  for (let no = 2; no <= 2049; no++) await send(`72 ${no} 1`)
  expect(await ask('72 1 1')).toBe('% 36 1')
}, 60_000)

it('demo server truncates the user name of a client to 129 characters like lyskomd', async () => {
  const { server } = await start({})
  const client = await RawClient.connect(server.port)
  client.send(`A3000H${'u'.repeat(3000)}\n`)
  await client.until('LysKOM\n')
  await client.ask('62 2 2Hpw 0')
  expect((await client.ask('84 0')).reply).toContain(`= 129H${'u'.repeat(129)} 9H127.0.0.1 `)
})

it('demo server stores at most 32 MB of texts by default', async () => {
  const { ask, hits } = await start({})
  const body = 'x'.repeat(131_072)
  for (let i = 0; i < 300; i++) await write(ask, '1 { 0 3 }', body)
  expect(300 - (hits('textBytes') ?? 0)).toBe(253)
})
