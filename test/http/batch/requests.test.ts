import { describe, expect, it } from 'vitest'
import { fillBody } from '../../../src/http/batch/references.ts'
import { BatchBody, parseBatch } from '../../../src/http/batch/requests.ts'
import { fillUrl, parseUrl } from '../../../src/http/batch/url.ts'

const get = (id: string, url = '/texts/1', more: object = {}) => ({ id, method: 'GET', url, ...more })
const post = (id: string, body: unknown, more: object = {}) => ({
  id,
  method: 'POST',
  url: '/textstats',
  body,
  ...more,
})
const parse = (...requests: object[]) => parseBatch(BatchBody.parse({ requests }))

/** Batches that the schema allows, with the message of their error. */
const REJECTED: [message: string, requests: object[]][] = [
  ['"requests.1.id" is that of an earlier request.', [get('a'), get('a')]],
  ['"requests" depend on each other in a cycle: a, a.', [get('a', '/texts/{a#/x}')]],
  [
    '"requests" depend on each other in a cycle: a, b, a.',
    [post('a', { $ref: 'b#' }), get('b', '/', { depends_on: ['a'] })],
  ],
  [
    '"requests.0.depends_on.1" is "x", which is not in the batch.',
    [get('a', '/', { depends_on: ['b', 'x'] }), get('b')],
  ],
  ['"requests.0.url" refers to "x", which is not in the batch.', [get('a', '/texts/{x#/no}')]],
  ['"requests.0.body.a.0" refers to "x", which is not in the batch.', [post('a', { a: [{ $ref: 'x#/no' }] })]],
  ['"requests.0.body.a" holds other fields beside "$ref".', [post('a', { a: { $ref: 'b#', b: 1 } }), get('b')]],
  ['"requests.0.body.$ref" must be a string.', [post('a', { $ref: 1 })]],
  ['"requests.0.body" must be absent with GET.', [get('a', '/', { body: {} })]],
  ...['Httpkom-Connection', 'Cookie', 'Authorization', 'X-Request-Id', 'X-Forwarded-For', 'Host', 'Origin', ''].map(
    (name): [string, object[]] => [
      `"requests.0.headers.${name}" is not among the allowed headers: accept, content-type, if-none-match.`,
      [get('a', '/', { headers: { [name]: 'x' } })],
    ],
  ),
  ['"requests.0.headers.accept" is given twice.', [get('a', '/', { headers: { Accept: 'x', accept: 'y' } })]],
  ...['a\r\nCookie: x', 'å', '\0', 'x'.repeat(1001)].map((value): [string, object[]] => [
    '"requests.0.headers.Accept" is not a header value of at most 1000 characters.',
    [get('a', '/', { headers: { Accept: value } })],
  ]),
]

/** Bodies that the schema does not allow. */
const MISMATCHES: [what: string, body: object][] = [
  ['no list', {}],
  ['an empty list', { requests: [] }],
  ['101 requests', { requests: Array.from({ length: 101 }, (_, i) => get(String(i))) }],
  ['an unknown field', { requests: [get('a')], atomicityGroup: 'x' }],
  ['an unknown field of a request', { requests: [get('a', '/', { dependsOn: ['b'] })] }],
  ...[{ id: 1 }, { id: '' }, { id: 'a#' }, { id: '{a' }, { id: 'a\n' }, { id: 'x'.repeat(101) }].map(
    (wrong): [string, object] => [`the id ${JSON.stringify(wrong.id)}`, { requests: [{ ...get('a'), ...wrong }] }],
  ),
  ...[{ method: 'get' }, { method: 'CONNECT' }, { method: 'OPTIONS' }, { method: null }].map(
    (wrong): [string, object] => [`the method ${wrong.method}`, { requests: [{ ...get('a'), ...wrong }] }],
  ),
  ['a url that is no string', { requests: [{ ...get('a'), url: ['/'] }] }],
  ['headers that are no object', { requests: [get('a', '/', { headers: ['Accept'] })] }],
  ['a header that is no string', { requests: [get('a', '/', { headers: { Accept: 1 } })] }],
  ['dependencies that are no list', { requests: [get('a', '/', { depends_on: 'b' })] }],
  ['a dependency that is no string', { requests: [get('a', '/', { depends_on: [1] })] }],
]

describe('the requests of a batch', () => {
  it('depend on what they name and on what they refer to', () => {
    const { requests, inOrder, referredTo } = parse(
      post('d', { text_nos: [{ $ref: 'a#/no' }, { x: { $ref: 'b#' } }] }, { depends_on: ['c', 'a'] }),
      get('c', '/texts/{b#/no}/{b#/x}?y={a#/z}'),
      get('a'),
      get('b', '/texts/2', { depends_on: null, headers: null, body: null }),
    )
    const dependencies = requests.map(({ id, dependsOn }) => [id, dependsOn])
    expect(dependencies).toEqual([
      ['d', new Set(['a', 'b', 'c'])],
      ['c', new Set(['a', 'b'])],
      ['a', new Set()],
      ['b', new Set()],
    ])
    expect(inOrder.map(({ id }) => id).join('')).toMatch(/^(?:ab|ba)cd$/)
    expect(referredTo).toEqual(new Set(['a', 'b']))
  })

  it('may have ids that are names of object members', () => {
    const { inOrder } = parse(get('__proto__', '/texts/{constructor#/x}'), get('constructor'))
    expect(inOrder.map(({ id }) => id)).toEqual(['constructor', '__proto__'])
  })

  it('set the allowed headers in any case', () => {
    const [request] = parse(get('a', '/texts/1', { headers: { 'IF-None-Match': '"x"', accept: '*/*' } })).requests
    expect(request?.headers).toEqual({ 'if-none-match': '"x"', accept: '*/*' })
  })

  it.each(REJECTED)('are rejected: %s', (message, requests) => {
    expect(() => parse(...requests)).toThrow(message)
  })

  it.each(MISMATCHES)('do not match the schema: %s', (_, body) => {
    expect(BatchBody.safeParse(body).success).toBe(false)
  })
})

describe('a url of a batch', () => {
  it.each([
    'texts/1',
    '',
    'http://example.com/texts/1',
    '//example.com/texts/1',
    '\\\\example.com',
    '/texts//1',
    '/texts/1#x',
    '/texts/../sessions',
    '/texts/..',
    '/texts/.',
    '/texts/./1',
    '/texts/%2e%2e/sessions',
    '/texts/%252E%252e/sessions',
    '/texts/.%2e',
    '/texts%2f..%2fsessions',
    '/texts%2F1',
    '/texts%5c1',
    '/texts%255c1',
    '/texts\\1',
    '/texts/1\r\nX: y',
    '/texts/\0',
    '/texts/%00',
    '/texts/%0d%0a',
    '/texts/%7F',
    '/texts/%',
    '/texts/%zz',
    '/texts/1 2',
    '/texts/å',
    '/texts/{',
    '/texts/}',
    '/texts/{{a#/x}}',
    '/texts/{a}',
    '/texts/{a#x}',
    '/texts/{#/x}',
    '/texts/{a#/~2}',
    '{a#/x}/texts',
    `/texts/${'1'.repeat(8192)}`,
  ])('is rejected: %j', (url) => {
    expect(() => parse(get('b', url), get('a'))).toThrow(/^"requests\.0\.url" /)
  })

  it.each([
    '/',
    '/texts/',
    '/conferences/?name=r%C3%A4v&want-confs=true',
    '/x?y=//z/../%2f%00',
    '/texts/1?',
    "/!$&'()*+,;=:@",
  ])('is accepted: %j', (url) => {
    expect(fillUrl(parseUrl(url, new Set()), () => undefined)).toBe(url)
  })

  it.each([
    [4711, '/texts/4711/body?x=4711'],
    ['a-b_c.d~e', '/texts/a-b_c.d~e/body?x=a-b_c.d~e'],
    [true, '/texts/true/body?x=true'],
    [-1, '/texts/-1/body?x=-1'],
    ['a/b', undefined],
    ['a b', undefined],
    ['a%20b', undefined],
    ['å', undefined],
    ['', undefined],
    ['x\n', undefined],
    ['..', undefined],
    ['.', undefined],
    [1e21, undefined],
    [null, undefined],
    [[1], undefined],
    [{}, undefined],
  ])('with the value %j is %j', (value, expected) => {
    expect(fillUrl(parseUrl('/texts/{a#/x}/body?x={a#/x}', new Set('a')), () => value)).toBe(expected)
  })

  it('holds no dot segment that values compose', () => {
    const ids = new Set('a')
    expect(fillUrl(parseUrl('/texts/.{a#/x}', ids), () => '.')).toBeUndefined()
    expect(fillUrl(parseUrl('/texts/{a#/x}{a#/x}/', ids), () => '.')).toBeUndefined()
    expect(fillUrl(parseUrl('/texts/{a#/x}', ids), () => 'x'.repeat(8192))).toBeUndefined()
  })
})

it('the references of a body are replaced by their values, and everything else stays', () => {
  const body = JSON.parse(
    '{"a": [1, {"$ref": "b#/x"}, null], "__proto__": {"$ref": "b#/y"}, "c": {"d": {"$ref": "b#"}}}',
  )
  const [request] = parse(post('a', body), get('b')).requests
  const filled = fillBody(body, request?.bodyReferences ?? new Map(), ({ text }) => [text])
  expect(JSON.stringify(filled)).toBe('{"a":[1,["b#/x"],null],"__proto__":["b#/y"],"c":{"d":["b#"]}}')
})
