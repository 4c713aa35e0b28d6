import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Program, ROOT, startTypeScript } from '../support/example.ts'
import { ExampleStage } from '../support/example-stage.ts'

const [READER, WRITER, TESTING] = [6, 7, 9]

let stage: ExampleStage
/** A session of the person of the program. */
let writer: string

beforeAll(async () => {
  stage = await ExampleStage.start()
  writer = await stage.logIn(WRITER)
})
beforeEach(() => {
  stage.proxy.requests.length = 0
})
afterAll(() => stage.close())

/** Returns the unread texts of a person by conference. */
async function unreadOf(pers_no: number, id: string): Promise<Record<string, number[]>> {
  const { json } = await stage.gateway.send('GET', `/demo/persons/${pers_no}/memberships/unread/`, { id })
  type Unread = { conf_no: number; unread_texts: number[] }
  return Object.fromEntries(json.list.map((each: Unread) => [each.conf_no, each.unread_texts]))
}

const sent = () => stage.proxy.requests.map(({ method, path }) => `${method} ${path}`)

describe('examples/name-bot.ts', () => {
  const start = (env: NodeJS.ProcessEnv = {}): Program =>
    startTypeScript(join(ROOT, 'examples/name-bot.ts'), [`${stage.proxy.url}/demo`], {
      env: { POLL_SECONDS: '0.1', ...env },
    })
  const hasReadAll = () => expect.poll(() => unreadOf(WRITER, writer), { timeout: 25_000 }).toEqual({})

  it('answers the texts that contain its name, once, and closes its session on SIGTERM', async () => {
    const called = await stage.write('Who is there?', TESTING, 'Is it you, demo\nwriter?')
    const letter = await stage.write('Demo Writer!', WRITER)
    const others = [
      await stage.write('Hello', TESTING, 'Demo Writers of the world'),
      await stage.write('Writer Demo', TESTING),
    ]
    const bot = start()
    await bot.prints(/answered text/)
    await hasReadAll()
    expect(await stage.commentsTo(called)).toMatchObject([
      {
        subject: 'Who is there?',
        body: 'Hello Demo Reader, you called me.',
        author: { pers_no: WRITER },
        recipient_list: [{ recpt: { conf_no: TESTING } }],
      },
    ])
    expect(await stage.commentsTo(letter)).toMatchObject([{ recipient_list: [{ recpt: { conf_no: READER } }] }])
    for (const other of others) expect(await stage.commentsTo(other)).toEqual([])
    bot.kill('SIGTERM')
    expect(await bot.exit).toBe(0)
    expect(sent().at(-1)).toBe('DELETE /demo/sessions/0')
  })

  it('exits with 1 after one attempt with a wrong password', async () => {
    const bot = start({ KOM_PASSWORD: 'wrong' })
    expect(await bot.exit).toBe(1)
    expect(bot.output()).toContain('InvalidPassword')
    expect(sent()).toEqual(['POST /demo/sessions/', 'POST /demo/sessions/current/login', 'DELETE /demo/sessions/0'])
  })

  describe('that is logged in', () => {
    let bot: Program
    beforeAll(async () => {
      bot = start()
      await bot.prints(/logged in/)
    })
    afterAll(async () => {
      bot.kill('SIGTERM')
      await bot.exit
    })

    const READ = { method: 'GET', path: /texts/ }
    const WRITE = { method: 'POST', path: /texts/, isCarriedOut: true }
    it.each([
      { what: 'a 403', fault: { ...READ, status: 403 }, openings: 1 },
      { what: 'a 401', fault: { ...READ, status: 401 }, openings: 1 },
      { what: 'a 502 to a GET', fault: { ...READ, status: 502 }, openings: 0 },
      { what: 'a 504 to an answer that was written', fault: { ...WRITE, status: 504 }, openings: 1 },
      { what: 'a lost response to an answer that was written', fault: WRITE, openings: 1 },
    ])('answers a text once in spite of $what', async ({ fault, openings }) => {
      stage.proxy.failNext(fault)
      const called = await stage.write('Demo Writer', TESTING)
      await hasReadAll()
      expect(await stage.commentsTo(called)).toHaveLength(1)
      expect(sent().filter((each) => each === 'POST /demo/sessions/')).toHaveLength(openings)
    })
  })
})

describe('examples/read-unread.ts', () => {
  const start = (input: string, env: NodeJS.ProcessEnv = {}) =>
    startTypeScript(join(ROOT, 'examples/read-unread.ts'), [`${stage.proxy.url}/demo`], { input, env })

  it('marks the texts as read that Return passes, keeps those that s skips, and stops at q', async () => {
    const before = await unreadOf(READER, stage.reader)
    const program = start('\ns\n\nq\n')
    expect(await program.exit).toBe(0)
    const [first = 0, second, third = 0, fourth] = new Set(Object.values(before).flat())
    const output = program.output()
    for (const textNo of [first, second, third, fourth]) expect(output).toContain(`\nText ${textNo}, `)
    expect(output).toMatch(/=== .+: \d+ unread/)
    const after = await unreadOf(READER, stage.reader)
    const left = Object.values(before)
      .flat()
      .filter((textNo) => ![first, third].includes(textNo))
    expect(Object.values(after).flat()).toEqual(left)
    expect(sent().at(-1)).toBe('DELETE /demo/sessions/0')
  })

  it('shows each text once, to the last, without control characters', async () => {
    const evil = await stage.write('clear \u001b[2J', READER, 'first\tline\nsecond')
    const program = start('\n'.repeat(200))
    expect(await program.exit).toBe(0)
    expect(program.output()).toContain('No more unread texts.')
    expect(program.output()).toContain('Subject: clear [2J\n\nfirst\tline\nsecond\n')
    expect(program.output().split(`\nText ${evil}, `)).toHaveLength(2)
    expect(await unreadOf(READER, stage.reader)).toEqual({})
  })

  it('exits with 1 and the name of the error for a wrong password', async () => {
    const program = start('', { KOM_PASSWORD: 'wrong' })
    expect(await program.exit).toBe(1)
    expect(program.output()).toContain('InvalidPassword')
  })
})

describe('examples/live-reader.ts', () => {
  // The proxy of the stage does not pass streams on.
  const start = (env: NodeJS.ProcessEnv = {}) =>
    startTypeScript(join(ROOT, 'examples/live-reader.ts'), [`${stage.gateway.url}/demo`], { env })

  it('shows texts and messages as they come, without control characters, and closes its session on SIGTERM', async () => {
    const program = start({ KOM_PERSON: String(WRITER) })
    await program.prints(/^No unread texts$|unread in /m)
    const textNo = await stage.write('Live \u001b[2J', TESTING, 'As it is written')
    await program.prints(new RegExp(`\nText ${textNo} by Demo Reader in Testing .*: Live \\[2J\nAs it is written\n`))
    await program.prints(/\n\d+ unread in Testing/)
    const json = { recipient: WRITER, message: 'Lunch?' }
    await stage.gateway.send('POST', '/demo/messages', { id: stage.reader, json })
    await program.prints(/\nMessage from person 6: Lunch\?\n/)
    program.kill('SIGTERM')
    expect(await program.exit).toBe(0)
  })

  it('exits with 1 and the name of the error for a wrong password', async () => {
    const program = start({ KOM_PASSWORD: 'wrong' })
    expect(await program.exit).toBe(1)
    expect(program.output()).toContain('InvalidPassword')
  })
})
