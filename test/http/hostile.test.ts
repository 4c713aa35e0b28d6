import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { COMPAT_APIS } from '../../src/compat/compat-apis.ts'
import { Connection } from '../../src/connection/connection.ts'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { configFor } from '../support/config.ts'
import { type FakeRequest, startFakeServer } from '../support/fake-server.ts'
import { repetitions } from '../support/repetitions.ts'
import { reply } from '../support/wire.ts'

const RUNS = repetitions(10_000, 1500)
const LOGIN_AND_LOGOUT = [62, 1]
const GET_TIME = 35
const DISCONNECT = 55
const MISSING = '00000000-0000-4000-8000-000000000000'
/** Texts that would be a second call or break the connection if they were pasted into a call. */
const INJECTED = ['x\n99 0\n', '0\r\n99 1', '5Hhello\n7 55 0\n', ' \n%%', '\u0000', '"\n', '1 { 2 }', '0 { }\n8 56']

const nasty = fc.constantFrom(
  ...INJECTED,
  '__proto__',
  'constructor',
  'toString',
  '..',
  '.',
  '%',
  '%00',
  '%0a',
  '%zz',
  '%c0%af',
  '%f0%28%8c%28',
  '%25%30%61',
  '\u2028',
  '\ud800',
  '😀',
  'Å',
  '',
  ' ',
  '-1',
  '1e9',
  '0x10',
  '1.5',
  '４',
  '99999999999999999999',
  '4294967296',
  '65536',
  'NaN',
  'null',
  'true',
  'a'.repeat(5000),
)
const word = fc.constantFrom(
  ...['sessions', 'current', 'who-am-i', 'login', 'logout', 'active', 'working-conference', 'server', 'info'],
  ...['conferences', 'persons', 'texts', 'textstats', 'memberships', 'unread', 'marks', 'mark', 'read-marking', 'body'],
  ...['set-presentation', 'set-passwd', 'user-area', 'data', 'mine', 'websocket', 'stats', 'ping', 'sessman', 'new'],
  ...['get', 'update', 'create', 'set', 'kill', 'soapp', 'soid', 'activity', 'add_session.cgi', 'validate.cgi', 'shop'],
)
const number = fc.oneof(fc.constantFrom(0, 1, 5, 6, 8, 65535), fc.integer(), fc.double()).map(String)
const segment = fc.oneof({ weight: 5, arbitrary: word }, { weight: 3, arbitrary: number }, nasty, fc.string())
const path = fc
  .tuple(
    fc.constantFrom('kom', 'kom', 'kom', 'kom', 'shop', 'nosuch', '__proto__', ''),
    fc.array(segment, { maxLength: 6 }),
  )
  .map(([server, rest]) => `/${[server, ...rest].map(encoded).join('/')}`)
const text = fc.oneof(nasty, fc.string(), number, fc.string({ unit: 'binary' }))
const query = fc.array(
  fc.tuple(
    fc.oneof(
      fc.constantFrom(
        'name',
        'micro',
        'unread',
        'first',
        'no-of-texts',
        'Httpkom-Connection',
        '_token',
        'ip',
        'ttl',
        'dt',
      ),
      fc.constantFrom('user', 'session_id', 'data', 'user_id', 'service', 'except'),
      nasty,
    ),
    text,
  ),
  { maxLength: 4 },
)
const field = fc.constantFrom(
  ...[
    'client',
    'name',
    'version',
    'pers_no',
    'pers_name',
    'passwd',
    'conf_no',
    'subject',
    'body',
    'content_type',
    'type',
  ],
  ...['recipient_list', 'comment_to_list', 'recpt', 'text_no', 'text_nos', 'priority', 'where', 'no_of_unread'],
  ...['old_pwd', 'new_pwd', 'user', 'session_id', 'data', '__proto__', 'constructor'],
)
const { json } = fc.letrec((tie) => ({
  json: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    text,
    fc.integer(),
    fc.constantFrom(null, true, false, [], {}),
    fc.array(tie('json'), { maxLength: 3 }),
    fc.array(fc.tuple(field, tie('json')), { maxLength: 5 }).map(Object.fromEntries),
  ),
}))
const body = fc.oneof(
  { weight: 6, arbitrary: json.map((value) => JSON.stringify(value)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '{',
      '[',
      '"',
      'nul',
      '{"a":1}{',
      '{"__proto__":{"a":1},"client":{"name":"x","version":"1"}}',
    ),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) },
)
const header = fc.tuple(
  fc.constantFrom(
    'content-type',
    'origin',
    'cookie',
    'authorization',
    'if-none-match',
    'x-request-id',
    'x-forwarded-for',
  ),
  fc.oneof(
    fc.constantFrom(
      'application/json',
      'text/plain',
      'Bearer x',
      `Bearer ${MISSING}`,
      '__Host-komgate-kom=%',
      '"a", W/"b"',
    ),
    fc.string({ unit: 'grapheme-ascii' }),
  ),
)
/** Routes, with placeholders for hostile values. */
const API = readFileSync(fileURLToPath(new URL('../../docs/api.md', import.meta.url)), 'utf8')
const ROUTES = Array.from(
  API.matchAll(/^\| `([A-Z]+) (\/[^`?]*)/gm),
  ([, method = '', path = '']) => [method, path.replace('/S/', '/kom/')] as const,
)
const target = fc.oneof(
  fc.record({ method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'QUERY'), path }),
  fc
    .tuple(fc.constantFrom(...ROUTES), fc.array(fc.oneof(number, segment), { minLength: 3, maxLength: 3 }))
    .map(([[method, template], values]) => {
      let place = 0
      return { method, path: template.replace(/<\w+>/g, () => encoded(values[place++] as string)) }
    }),
)
const request = fc.record({
  target,
  query,
  body,
  headers: fc.array(header, { maxLength: 3 }),
  isJson: fc.boolean(),
  hasSession: fc.boolean(),
})
type Hostile = typeof request extends fc.Arbitrary<infer T> ? T : never

/** Percent-encodes a path segment, unless it is encoded already. */
function encoded(part: string): string {
  return part.startsWith('%') ? part : encodeURIComponent(part.toWellFormed())
}

function toRequest(
  { target: { method, path }, query, body, headers, isJson, hasSession }: Hostile,
  id: string,
): Request {
  const search = query.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&')
  const all = new Headers(isJson ? { 'content-type': 'application/json' } : {})
  for (const [name, value] of headers) {
    try {
      all.set(name, value)
    } catch {
      // No client can send this header.
    }
  }
  if (hasSession) all.set('httpkom-connection', id)
  const hasBody = method !== 'GET' && method !== 'HEAD'
  return new Request(`http://127.0.0.1${path}?${search}`, {
    method,
    headers: all,
    ...(hasBody && { body: body as string }),
  })
}

describe('arbitrary requests', () => {
  let gateway: Gateway
  let serverList: string
  let server: Awaited<ReturnType<typeof startFakeServer>>
  const calls = vi.spyOn(Connection.prototype, 'call')
  const received: FakeRequest[] = []
  const faults: unknown[] = []

  beforeAll(async () => {
    server = await startFakeServer((seen) => {
      received.push(seen)
      return LOGIN_AND_LOGOUT.includes(seen.call) && reply(seen.ref)
    })
    const logger = pino({ level: 'error' }, { write: (line) => void faults.push(line) })
    const servers = [{ id: 'kom', name: 'kom', demo: false, host: '127.0.0.1', port: server.port }]
    const apps = [{ id: 'shop', name: 'shop' }]
    const config = configFor(servers, {
      compat: [...COMPAT_APIS],
      insecureCompat: true,
      apps,
      maxSessionsPerAddress: 20_000,
      transports: ['bearer', 'cookie', 'query'],
    })
    gateway = await createGateway({ ...config, logger })
    await open()
    serverList = await (await send(new Request('http://127.0.0.1/'))).text()
  })
  afterAll(async () => {
    calls.mockRestore()
    await gateway.close()
    await server.close()
  })

  async function send(each: Request): Promise<Response> {
    return (await gateway.fetch(each, {} as never)) as Response
  }

  async function open(): Promise<string> {
    const made = await send(
      new Request('http://127.0.0.1/kom/sessions/', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"client": {"name": "x", "version": "1"}}',
      }),
    )
    const { connection_id } = (await made.json()) as { connection_id: string }
    const headers = { 'httpkom-connection': connection_id, 'content-type': 'application/json' }
    const login = { method: 'POST', headers, body: '{"pers_no": 6, "passwd": "x"}' }
    await send(new Request('http://127.0.0.1/kom/sessions/current/login', login))
    return connection_id
  }

  it('the gateway answers each of them without a 500, and makes only the calls of its route', async () => {
    let id = await open()
    const seen = new Map<number, number>()
    await fc.assert(
      fc.asyncProperty(request, async (hostile) => {
        const response = await send(toRequest(hostile, id))
        // A stream of events does not end.
        if (response.headers.get('content-type')?.startsWith('text/event-stream')) await response.body?.cancel()
        else await response.arrayBuffer()
        seen.set(response.status, (seen.get(response.status) ?? 0) + 1)
        expect(faults).toEqual([])
        expect(response.status).not.toBe(500)
        expect(response.status).toBeLessThan(505)
        // A session that ends by anything but its own DELETE was broken by the request.
        const alive = await send(
          new Request('http://127.0.0.1/kom/sessions/current/who-am-i', { headers: { 'httpkom-connection': id } }),
        )
        if (alive.status === 403 && hostile.target.method === 'DELETE') id = await open()
        else expect(alive.status).not.toBe(403)
      }),
      { numRuns: RUNS },
    )
    expect(await (await send(new Request('http://127.0.0.1/'))).text()).toBe(serverList)
    // Disconnects and keepalive calls do not belong to requests.
    const asked = () =>
      received.filter(({ call, args }) => call !== GET_TIME && !(call === DISCONNECT && `${args}` === '0'))
    await expect.poll(() => asked().length).toBe(calls.mock.calls.length)
    expect(received.filter(({ ref, call }) => Number.isNaN(ref) || Number.isNaN(call))).toEqual([])
    // The test is effective only if all kinds of responses occur.
    for (const status of [200, 400, 401, 403, 404, 405]) expect(seen.get(status), String(status)).toBeGreaterThan(0)
  }, 240_000)
})
