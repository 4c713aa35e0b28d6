import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseJson, TooManyValuesError } from '../../src/http/parse-json.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const MANY = `[${'0,'.repeat(2_000_000)}0]`
const LONG = 'a'.repeat(100_000)

describe('JSON of a client', () => {
  it.each([
    ['strings with commas and brackets', JSON.stringify([LONG, ',[{"'.repeat(30_000)])],
    [
      'escaped quotes and backslashes',
      JSON.stringify(['",'.repeat(30_000), '\\'.repeat(30_001), ',\\"'.repeat(30_000)]),
    ],
    ['10,000 values and a long string', JSON.stringify([...Array(9998).fill(0), LONG])],
    ['objects, lists and white space', JSON.stringify({ a: [{ b: [LONG] }, {}, []], c: null }, null, 2)],
    ['many values in a few characters', `[${'0,'.repeat(32_000)}0]`],
    ['a single value', JSON.stringify(LONG)],
  ])('may be long: %s', (_, text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text))
  })

  it.each([
    ['10,001 values', JSON.stringify([...Array(9999).fill(0), LONG])],
    ['many numbers', MANY],
    ['many keys', `{${Array.from({ length: 20_000 }, (_, i) => `"k${i}":0`).join(',')}}`],
    ['many empty objects', `[${'{},'.repeat(30_000)}{}]`],
    ['many lists in each other', '['.repeat(70_000) + ']'.repeat(70_000)],
    ['what is not JSON in the end', `${MANY}]`],
  ])('may not hold more than 10,000 values where it is long: %s', (_, text) => {
    expect(() => parseJson(text)).toThrow(TooManyValuesError)
  })

  it.each(['', '{', '[1,]', `"${LONG}`, `${LONG}`, `["${LONG}\\"]`])('is JSON: not %.20s', (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError)
  })
})

describe('a body of millions of values', () => {
  let gateway: TestGateway
  let id: string
  beforeAll(async () => {
    gateway = await startTestGateway([{ id: 'demo', demo: true }], {
      apps: [{ id: 'shop', name: 'Shop' }],
      faces: ['rest-sessions', 'sessman'],
      insecureFaces: true,
    })
    id = await gateway.open()
    const json = { pers_name: 'demo reader', passwd: 'demo' }
    expect((await gateway.send('POST', '/demo/sessions/current/login', { id, json })).status).toBe(201)
  })
  afterAll(() => gateway.close())

  it.each([
    ['POST', '/demo/sessions/'],
    ['POST', '/demo/sessions/current/login'],
    ['POST', '/demo/sessions/current/working-conference'],
    ['PATCH', '/demo/sessions/current/data'],
    ['POST', '/demo/texts/'],
    ['POST', '/demo/textstats'],
    ['PUT', '/demo/texts/1/mark'],
    ['POST', '/demo/persons/'],
    ['POST', '/demo/persons/6/set-passwd'],
    ['PUT', '/demo/persons/6/memberships/1'],
    ['POST', '/demo/conferences/'],
  ])('%s %s is refused unread', async (method, path) => {
    const of = path === '/demo/sessions/' ? {} : { id }
    const headers = { 'content-type': 'application/json' }
    const { status, json } = await gateway.send(method, path, { ...of, headers, body: `{"a":${MANY}}` })
    expect([status, json]).toEqual([
      400,
      { error_type: 'httpkom', error_msg: 'The body holds more than 10000 values.' },
    ])
  })

  it('is refused by the other session managers too', async () => {
    const headers = { 'content-type': 'application/json' }
    const made = await gateway.send('POST', '/sessman/new?user=nicci', { headers, body: `{"data":${MANY}}` })
    expect([made.status, made.text]).toEqual([400, expect.stringContaining('holds more than 10000 values')])
  })
})
