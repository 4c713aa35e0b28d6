import { once } from 'node:events'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { InvalidJsonError, parseJson, TooManyValuesError } from '../../src/http/input/parse-json.ts'
import { startDemoSession } from '../support/demo-session.ts'
import type { TestGateway } from '../support/gateway.ts'
import { repetitions } from '../support/repetitions.ts'

const MANY = `[${'0,'.repeat(2_000_000)}0]`
const LONG = 'a'.repeat(100_000)

let gateway: TestGateway
let id: string
beforeAll(async () => {
  ;({ gateway, id } = await startDemoSession(['rest-sessions', 'sessman']))
})
afterAll(() => gateway.close())

describe('parseJson', () => {
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
  ])('accepts long JSON: %s', (_, text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text))
  })

  it.each([
    ['10,001 values', JSON.stringify([...Array(9999).fill(0), LONG])],
    ['many numbers', MANY],
    ['many keys', `{${Array.from({ length: 20_000 }, (_, i) => `"k${i}":0`).join(',')}}`],
    ['many empty objects', `[${'{},'.repeat(30_000)}{}]`],
    ['many lists in each other', '['.repeat(70_000) + ']'.repeat(70_000)],
    ['what is not JSON in the end', `${MANY}]`],
  ])('rejects long JSON with more than 10,000 values: %s', (_, text) => {
    expect(() => parseJson(text)).toThrow(TooManyValuesError)
  })

  it.each(['', '{', '[1,]', `"${LONG}`, `${LONG}`, `["${LONG}\\"]`])(
    'rejects text that is not JSON, case %#',
    (text) => {
      expect(() => parseJson(text)).toThrow(SyntaxError)
    },
  )
})

const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)

/** JSON that the gateway rejects, and the reason. */
const UNFIT = [
  [nested(101), 'is nested too deeply.'],
  [nested(8000), 'is nested too deeply.'],
  [nested(20_000), 'is nested too deeply.'],
  [`${'{"a":'.repeat(101)}1${'}'.repeat(101)}`, 'is nested too deeply.'],
  ['1e999', 'holds a number that is too large.'],
  ['[-1e999]', 'holds a number that is too large.'],
  [`{"a":{"b":[1,${'9'.repeat(400)}]}}`, 'holds a number that is too large.'],
  ['9007199254740993', 'holds a number that is too large.'],
  ['{"id":-12345678901234567890}', 'holds a number that is too large.'],
  ['"\\ud800"', 'holds a lone surrogate.'],
  ['["a\\udc00b"]', 'holds a lone surrogate.'],
  ['{"\\uD83D":1}', 'holds a lone surrogate.'],
] as const

describe('parseJson with a limited range', () => {
  it.each(UNFIT)('rejects JSON that JSON.stringify could not write again, case %#', (text, reason) => {
    expect(() => parseJson(text)).toThrow(InvalidJsonError)
    expect(() => parseJson(text)).toThrow(reason)
  })

  it.each([
    nested(100),
    '9007199254740992',
    '100000000000000000000',
    '12345678901234567000',
    '"12345678901234567890"',
    '{"12345678901234567891":"\\\\","b":"\\"98765432109876543210"}',
    '1.7976931348623157e308',
    '5e-324',
    '0.1234567890123456789',
    '"\\ud83d\\ude00"',
    '{"__proto__":{"__proto__":1},"constructor":2}',
  ])('accepts what JSON.parse accepts, case %#', (text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text))
    expect(JSON.stringify(parseJson(text))).toBe(JSON.stringify(JSON.parse(text)))
  })

  it('accepts anything that JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }), (value) => {
        const text = JSON.stringify(value)
        expect(JSON.stringify(parseJson(text))).toBe(text)
      }),
      { numRuns: repetitions(100, 30) },
    )
  })

  it('names the invalid field', () => {
    const sentenceOf = (text: string) => {
      try {
        parseJson(text)
      } catch (error) {
        if (error instanceof InvalidJsonError) return error.sentence('The body')
      }
      return undefined
    }
    expect(sentenceOf('{"a":{"b":[1,1e999]}}')).toBe('"a.b.1" holds a number that is too large.')
    expect(sentenceOf('{"a":{"\\ud800":1}}')).toBe('"a" holds a lone surrogate.')
    expect(sentenceOf('1e999')).toBe('The body holds a number that is too large.')
    expect(sentenceOf(`{"${'a'.repeat(1000)}":1e999}`)).toHaveLength(
      100 + '"" holds a number that is too large.'.length,
    )
  })
})

describe('the limit of values in a body', () => {
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
  ])('%s %s rejects a body of millions of values before parsing it', async (method, path) => {
    const of = path === '/demo/sessions/' ? {} : { id }
    const headers = { 'content-type': 'application/json' }
    const { status, json } = await gateway.send(method, path, { ...of, headers, body: `{"a":${MANY}}` })
    expect([status, json]).toEqual([
      400,
      { error_type: 'httpkom', error_msg: 'The body holds more than 10000 values.' },
    ])
  })

  it('the compatibility APIs reject a body of millions of values before parsing it', async () => {
    const headers = { 'content-type': 'application/json' }
    const made = await gateway.send('POST', '/sessman/new?user=nicci', { headers, body: `{"data":${MANY}}` })
    expect([made.status, made.text]).toEqual([400, expect.stringContaining('holds more than 10000 values')])
  })
})

describe('JSON that could not be written again', () => {
  it.each([
    ['POST', '/demo/sessions/'],
    ['POST', '/demo/sessions/current/login'],
    ['PATCH', '/demo/sessions/current/data'],
    ['POST', '/demo/texts/'],
    ['POST', '/demo/textstats'],
    ['PUT', '/demo/texts/1/mark'],
    ['POST', '/demo/persons/'],
    ['PUT', '/demo/persons/6/memberships/1'],
    ['POST', '/demo/conferences/'],
    ['PUT', '/shop/create/user?ip=192.0.2.1'],
    ['POST', `/shop/set/${'a'.repeat(64)}`],
    ['POST', '/sessman/new?user=u'],
    ['POST', '/sessman/update?session_id=x'],
  ])('%s %s rejects it with 400', async (method, path) => {
    const as = path === '/demo/sessions/' ? {} : { id }
    for (const [value, reason] of UNFIT) {
      const body = `{"a":${value}}`
      const headers = { 'content-type': 'application/json' }
      const answer = await gateway.send(method, path, { ...as, headers, body })
      expect([value.slice(0, 30), answer.status, answer.text]).toEqual([
        value.slice(0, 30),
        400,
        expect.stringContaining(reason),
      ])
    }
    expect(gateway.log.filter((line) => line.includes('internal error'))).toEqual([])
  })

  it('the WebSocket rejects it with an error that has the reference number of the message', async () => {
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/websocket?Httpkom-Connection=${id}`)
    await once(socket, 'open')
    const ask = async (message: string) => {
      socket.send(message)
      const [data] = await once(socket, 'message')
      return JSON.parse(String(data))
    }
    for (const [value, reason] of UNFIT) {
      const { ref_no, error } = await ask(`{"protocol":"echo","ref_no":7,"request":${value}}`)
      expect([value.slice(0, 30), ref_no, error]).toEqual([value.slice(0, 30), 7, expect.stringContaining(reason)])
      expect((await ask(`{"protocol":"echo","ref_no":[${value}],"request":1}`)).ref_no).toBeNull()
    }
    const proto = '{"__proto__":{"a":1}}'
    socket.send(`{"protocol":"echo","ref_no":8,"request":${proto}}`)
    const [data] = await once(socket, 'message')
    expect(String(data)).toBe(`{"protocol":"echo","ref_no":8,"reply":${proto}}`)
    socket.close()
  })

  it('every route accepts __proto__ as an ordinary key', async () => {
    const headers = { 'content-type': 'application/json' }
    const body = '{"__proto__":{"a":1},"constructor":{"prototype":{"a":1}}}'
    const patched = await gateway.send('PATCH', '/demo/sessions/current/data', { id, headers, body })
    expect(patched.text).toBe(body)
    const made = await gateway.send('POST', '/sessman/new?user=u', { headers, body: `{"data":${body}}` })
    const got = await gateway.send('GET', `/sessman/get?session_id=${made.json.session_id}`)
    expect(got.text).toContain(`"data":${body}`)
    const flat = '{"__proto__":"a","constructor":1}'
    const { token } = (await gateway.send('PUT', '/shop/create/u?ip=192.0.2.1', { headers, body: flat })).json
    expect((await gateway.send('GET', `/shop/get/${token}`)).text).toContain(`"d":${flat}`)
    expect(({} as { a?: unknown }).a).toBeUndefined()
  })
})
