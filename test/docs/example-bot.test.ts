import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Program, ROOT, startTypeScript } from '../support/example.ts'
import { ExampleStage } from '../support/example-stage.ts'

const [READER, BOT, TESTING] = [6, 7, 9]
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-/

let stage: ExampleStage
/** A session of the person of the program. */
let observer: string

beforeAll(async () => {
  stage = await ExampleStage.start()
  observer = await stage.logIn(BOT)
})
beforeEach(() => {
  stage.proxy.requests.length = 0
})
afterAll(() => stage.close())

const startBot = (env: NodeJS.ProcessEnv = {}): Program =>
  startTypeScript(join(ROOT, 'examples/bot.ts'), [`${stage.proxy.url}/demo`], { env: { POLL_SECONDS: '0.1', ...env } })

/** Waits until the bot has read every text in a conference. */
async function hasRead(conference: number): Promise<void> {
  const path = `/demo/persons/${BOT}/memberships/${conference}/unread`
  const unread = async () => (await stage.gateway.send('GET', path, { id: observer })).json.unread_texts
  await expect.poll(unread, { timeout: 25_000 }).toEqual([])
}

const countOf = (method: string, path: string) =>
  stage.proxy.requests.filter((request) => request.method === method && request.path === path).length

it('examples/bot.ts answers the texts that ask for dice, marks all texts as read, and deletes its session on SIGTERM', async () => {
  const asked = await stage.write('dice 9d3', TESTING)
  const letter = await stage.write('Dice', BOT)
  const others = [await stage.write('Re: dice', TESTING), await stage.write('dice 0d6', TESTING)]
  const bot = startBot()
  await bot.prints(/answered text/)
  await hasRead(TESTING)
  await hasRead(BOT)

  const answers = await stage.commentsTo(asked)
  expect(answers).toMatchObject([{ author: { pers_no: BOT }, recipient_list: [{ recpt: { conf_no: TESTING } }] }])
  expect(answers[0].subject).toMatch(/^Thrown: (?:[123], ){8}[123]$/)
  const replies = await stage.commentsTo(letter)
  expect(replies).toMatchObject([{ recipient_list: [{ recpt: { conf_no: READER } }] }])
  expect(replies[0].subject).toMatch(/^Thrown: [1-6]$/)
  for (const other of others) expect(await stage.commentsTo(other)).toEqual([])

  bot.kill('SIGTERM')
  expect(await bot.exit).toBe(0)
  expect(stage.proxy.requests.at(-1)).toMatchObject({ method: 'DELETE', path: '/demo/sessions/0' })
  expect((await stage.gateway.send('GET', '/demo/sessions/mine', { id: observer })).json).toEqual({ sessions: [] })
  expect(stage.proxy.requests.map(({ path }) => path).join(' ')).not.toMatch(UUID)
  expect(bot.output()).not.toMatch(UUID)
})

it('examples/bot.ts stops on SIGTERM while it waits for Retry-After', async () => {
  stage.proxy.failNext({ method: 'GET', path: /unread/, status: 503, retryAfter: 3_600 })
  const bot = startBot()
  await bot.prints(/: 503 /)
  bot.kill('SIGTERM')
  expect(await bot.exit).toBe(0)
  expect(stage.proxy.requests.at(-1)).toMatchObject({ method: 'DELETE', path: '/demo/sessions/0' })
})

it('examples/bot.ts exits with 1 after one attempt with a wrong password', async () => {
  const bot = startBot({ KOM_PASSWORD: 'wrong' })
  expect(await bot.exit).toBe(1)
  expect(bot.output()).toContain('InvalidPassword')
  expect(stage.proxy.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'POST /demo/sessions/',
    'POST /demo/sessions/current/login',
    'DELETE /demo/sessions/0',
  ])
})

describe('examples/bot.ts that is logged in', () => {
  let bot: Program
  beforeAll(async () => {
    bot = startBot()
    await bot.prints(/logged in/)
  })
  afterAll(async () => {
    bot.kill('SIGTERM')
    await bot.exit
  })

  it('opens a new session and logs in again when its session is ended', async () => {
    const ended = await stage.gateway.send('DELETE', '/demo/sessions/mine?except=current', { id: observer })
    expect(ended.json).toEqual({ ended: 1 })
    const asked = await stage.write('dice', TESTING)
    await bot.prints(new RegExp(`answered text ${asked}\\n`))
    await hasRead(TESTING)
    expect(await stage.commentsTo(asked)).toHaveLength(1)
    expect(countOf('POST', '/demo/sessions/')).toBe(1)
    expect(countOf('POST', '/demo/sessions/current/login')).toBe(1)
  })

  const READ = { method: 'GET', path: /texts/ }
  const WRITE = { method: 'POST', path: /texts/, isCarriedOut: true }
  it.each([
    { what: 'a 401', fault: { ...READ, status: 401 }, openings: 0, logins: 1 },
    { what: 'a 403', fault: { ...READ, status: 403 }, openings: 1, logins: 1 },
    { what: 'a 502', fault: { ...READ, status: 502 }, openings: 0, logins: 0 },
    { what: 'a 504', fault: { ...READ, status: 504 }, openings: 0, logins: 0 },
    { what: 'a lost response', fault: READ, openings: 0, logins: 0 },
    { what: 'a 504 to an answer that was written', fault: { ...WRITE, status: 504 }, openings: 0, logins: 0 },
    { what: 'a 403 to an answer that was written', fault: { ...WRITE, status: 403 }, openings: 1, logins: 1 },
    { what: 'a lost response to an answer that was written', fault: WRITE, openings: 0, logins: 0 },
  ])('answers a text once in spite of $what', async ({ fault, openings, logins }) => {
    stage.proxy.failNext(fault)
    const asked = await stage.write('dice', TESTING)
    await hasRead(TESTING)
    expect(await stage.commentsTo(asked)).toHaveLength(1)
    expect(countOf('GET', `/demo/texts/${asked}`)).toBe(2)
    expect(countOf('POST', '/demo/sessions/')).toBe(openings)
    expect(countOf('POST', '/demo/sessions/current/login')).toBe(logins)
  })

  it.each([429, 503])('waits for Retry-After after a %i', async (status) => {
    stage.proxy.failNext({ method: 'POST', path: /texts/, status, retryAfter: 2 })
    const asked = await stage.write('dice', TESTING)
    await hasRead(TESTING)
    expect(await stage.commentsTo(asked)).toHaveLength(1)
    const failed = stage.proxy.requests.findIndex(({ method }) => method === 'POST')
    const [{ at: failedAt = 0 } = {}, { at: retriedAt = 0 } = {}] = stage.proxy.requests.slice(failed)
    // Without Retry-After it waits for a second. A timer may fire a millisecond early.
    expect(retriedAt - failedAt).toBeGreaterThan(1_990)
  })

  it('marks a text as read whose recipients it may not write to', async () => {
    stage.proxy.failNext({ method: 'POST', path: /texts/, status: 400 })
    const asked = await stage.write('dice', TESTING)
    await hasRead(TESTING)
    expect(await stage.commentsTo(asked)).toEqual([])
  })

  it('handles the next text after one that has been deleted', async () => {
    stage.proxy.failNext({ method: 'GET', path: /texts/, status: 404 })
    stage.proxy.failNext({ method: 'PUT', path: /texts/, status: 400 })
    const asked = [await stage.write('dice', TESTING), await stage.write('dice', TESTING)]
    await bot.prints(new RegExp(`answered text ${asked[1]}\\n`))
  })
})
