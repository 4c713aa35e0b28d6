import { isIP } from 'node:net'
import fc from 'fast-check'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { clientAddress, clientAddressBehind, type ForwardedHeader } from '../../src/http/input/client-address.ts'
import { isNetwork } from '../../src/http/input/trusted-proxies.ts'
import { startFakeServer } from '../support/fake-server.ts'
import { startTestGateway } from '../support/gateway.ts'
import { repetitions } from '../support/repetitions.ts'

const PROXIES = ['127.0.0.1', '10.0.0.0/8', '2001:db8:ffff::/48']

/** Returns the client address of a request that `peer` sends with a forwarding header. */
async function from(peer: string | undefined, value?: string, name: ForwardedHeader = 'x-forwarded-for') {
  return await ask(clientAddressBehind(PROXIES, name), peer, value === undefined ? {} : { [name]: value })
}

async function ask(
  address: ReturnType<typeof clientAddressBehind>,
  peer: string | undefined,
  headers: Record<string, string>,
) {
  const app = new Hono().get('/', (c) => c.text(address(c)))
  const incoming = { socket: { remoteAddress: peer, remotePort: 1, remoteFamily: '' } }
  // Unlike `Headers`, a map holds any characters.
  const request = Object.defineProperty(new Request('http://x/'), 'headers', {
    value: new Map(Object.entries(headers)),
  })
  const response = await app.fetch(request, { incoming })
  expect(response.status).toBe(200)
  return await response.text()
}

describe('clientAddressBehind', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    [undefined, 'unknown'],
  ])('returns the address of an untrusted peer: %s is %s', async (peer, address) => {
    expect(await ask(clientAddress, peer, { 'x-forwarded-for': '203.0.113.1' })).toBe(address)
    expect(await from(peer, '203.0.113.1')).toBe(address)
    expect(await from(peer, 'for=203.0.113.1', 'forwarded')).toBe(address)
  })

  it('returns unknown without a socket', async () => {
    const app = new Hono().get('/', (c) => c.text(clientAddressBehind(PROXIES, 'forwarded')(c)))
    expect(await (await app.request('/', { headers: { forwarded: 'for=192.0.2.1' } })).text()).toBe('unknown')
  })

  it.each([
    ['203.0.113.1', '203.0.113.1'],
    [' 203.0.113.1 ', '203.0.113.1'],
    ['6.6.6.6, 203.0.113.1', '203.0.113.1'],
    ['6.6.6.6,203.0.113.1,10.1.2.3', '203.0.113.1'],
    ['6.6.6.6, 203.0.113.1, 10.1.2.3, 127.0.0.1', '203.0.113.1'],
    ['10.1.2.3', '10.1.2.3'],
    ['10.1.2.3, 10.1.2.4', '10.1.2.3'],
    ['203.0.113.1:4711', '203.0.113.1'],
    ['[2001:DB8:0::1]:4711', '2001:db8::1'],
    ['2001:db8:0:0::1', '2001:db8::1'],
    ['2001:db8::1, 2001:db8:ffff::2', '2001:db8::1'],
    ['::ffff:203.0.113.1', '203.0.113.1'],
    ['203.0.113.1, ::ffff:10.0.0.1', '203.0.113.1'],
    ['203.0.113.1, unknown', '127.0.0.1'],
    ['203.0.113.1, _hidden', '127.0.0.1'],
    ['203.0.113.1, unknown, 10.0.0.1', '10.0.0.1'],
    ['203.0.113.1,', '127.0.0.1'],
    ['', '127.0.0.1'],
    ['203.0.113', '127.0.0.1'],
    ['203.0.113.01', '127.0.0.1'],
    ['203.0.113.1:', '127.0.0.1'],
    ['[203.0.113.1]x', '127.0.0.1'],
    ['[[2001:db8::1]]', '127.0.0.1'],
    ['2001:db8::1%eth0', '2001:db8::1'],
    ['2001:db8::1%\u00e5', '127.0.0.1'],
    ['203.0.113.1\u0000', '127.0.0.1'],
  ])('returns the last hop in X-Forwarded-For that is not a trusted proxy: %j', async (value, address) => {
    expect(await from('127.0.0.1', value)).toBe(address)
  })

  it.each([
    ['for=203.0.113.1', '203.0.113.1'],
    ['For="203.0.113.1"', '203.0.113.1'],
    ['for="[2001:db8::1]:4711";proto=https;by=10.0.0.1', '2001:db8::1'],
    ['for="[2001:db8::1]:_port"', '2001:db8::1'],
    ['proto=http ; for=203.0.113.1;host="a\\"b"', '203.0.113.1'],
    ['for=6.6.6.6, for=203.0.113.1, for=10.1.2.3', '203.0.113.1'],
    ['for=6.6.6.6;x=", for=203.0.113.1', '203.0.113.1'],
    ['for="6.6.6.6, for=203.0.113.1', '203.0.113.1'],
    ['for=203.0.113.1, for=_hidden', '127.0.0.1'],
    ['for=203.0.113.1, for=unknown', '127.0.0.1'],
    ['for=203.0.113.1, for=unknown, for=10.0.0.1', '10.0.0.1'],
    ['for=203.0.113.1;host="a, for=6.6.6.6"', '127.0.0.1'],
    ['for=203.0.113.1;host="a;for=6.6.6.6"', '127.0.0.1'],
    ['for=203.0.113.1;for=6.6.6.6', '127.0.0.1'],
    ['203.0.113.1', '127.0.0.1'],
    ['proto=https', '127.0.0.1'],
    ['for=', '127.0.0.1'],
    ['for', '127.0.0.1'],
    [';;;', '127.0.0.1'],
  ])('returns the last hop in Forwarded that is not a trusted proxy: %j', async (value, address) => {
    expect(await from('127.0.0.1', value, 'forwarded')).toBe(address)
  })

  it('reads hundreds of hops, and ignores elements that are too long', async () => {
    const hops = Array.from({ length: 2000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`)
    expect(await from('127.0.0.1', `203.0.113.1,${hops.join()}`)).toBe('203.0.113.1')
    expect(await from('127.0.0.1', hops.join())).toBe('10.0.0.0')
    expect(await from('127.0.0.1', `2001:db8::1%${'x'.repeat(10_000)}`)).toBe('127.0.0.1')
    expect(await from('127.0.0.1', `for=203.0.113.1;x=${'y'.repeat(10_000)}`, 'forwarded')).toBe('127.0.0.1')
  })

  it('reads only the configured header', async () => {
    const headers = { 'x-forwarded-for': '203.0.113.1', forwarded: 'for=6.6.6.6' }
    expect(await ask(clientAddressBehind(PROXIES, 'x-forwarded-for'), '127.0.0.1', headers)).toBe('203.0.113.1')
    expect(await ask(clientAddressBehind(PROXIES, 'forwarded'), '127.0.0.1', headers)).toBe('6.6.6.6')
    expect(await ask(clientAddressBehind(PROXIES, 'forwarded'), '127.0.0.1', { ...headers, forwarded: '' })).toBe(
      '127.0.0.1',
    )
  })

  const nonsense = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc
      .array(
        fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('for=', '"', '[', ']', ';', ',', '_x', 'unknown', '\\', '=')),
      )
      .map((parts) => parts.join('')),
  )

  it('returns an IP address, whatever a trusted proxy sends', async () => {
    await fc.assert(
      fc.asyncProperty(nonsense, fc.constantFrom('x-forwarded-for', 'forwarded'), async (value, name) => {
        const address = await from('10.0.0.1', value, name)
        expect(isIP(address)).not.toBe(0)
        expect(address.length).toBeLessThan(46)
      }),
      { numRuns: repetitions(1000) },
    )
  })

  it('ignores hops that a client behind a proxy claims', async () => {
    await fc.assert(
      fc.asyncProperty(nonsense, async (claimed) => {
        expect(await from('127.0.0.1', `${claimed}, 203.0.113.1`)).toBe('203.0.113.1')
        expect(await from('127.0.0.1', `${claimed}, for=203.0.113.1`, 'forwarded')).toBe('203.0.113.1')
        expect(await from('127.0.0.1', `${claimed}, for="[2001:db8::1]:7";by="x"`, 'forwarded')).toBe('2001:db8::1')
      }),
      { numRuns: repetitions(1000) },
    )
  })

  it('determines the address that the gateway sends to the LysKOM server and counts for limits', async () => {
    const server = await startFakeServer()
    const settings = { trustedProxies: ['127.0.0.1'], maxSessionsPerAddress: 1 }
    const gateway = await startTestGateway([{ id: 'kom', port: server.port }], settings)
    const open = async (forwarded: string) => {
      const json = { client: { name: 'x', version: '1' } }
      return (await gateway.send('POST', '/kom/sessions/', { json, headers: { 'x-forwarded-for': forwarded } })).status
    }
    expect([await open('6.6.6.6, 203.0.113.1'), await open('7.7.7.7, 203.0.113.1')]).toEqual([201, 503])
    expect([await open('2001:db8::1'), await open('2001:DB8::2')]).toEqual([201, 503])
    expect([await open('x\u00e5%; DROP'), await open('_hidden')]).toEqual([201, 503])
    expect(server.connections.map(({ hello }) => hello)).toEqual([
      'A19Hkomgate%203.0.113.1',
      'A19Hkomgate%2001:db8::1',
      'A17Hkomgate%127.0.0.1',
    ])
    await gateway.close()
    await server.close()
  })
})

it.each([
  ['127.0.0.1', true],
  ['10.0.0.0/8', true],
  ['10.0.0.0/0', true],
  ['::1', true],
  ['2001:db8::/128', true],
  ['10.0.0.0/33', false],
  ['2001:db8::/129', false],
  ['10.0.0.0/', false],
  ['10.0.0.0/-1', false],
  ['10.0.0.0/8/8', false],
  ['10.0.0.0/ 8', false],
  ['10.0.0.1/undefined', false],
  ['fe80::1%eth0', false],
  ['localhost', false],
  ['', false],
])('isNetwork(%j) returns %s', (text, expected) => {
  expect(isNetwork(text)).toBe(expected)
})
