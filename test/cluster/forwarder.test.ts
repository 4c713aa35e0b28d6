import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ClusterError, RefusedError } from '../../src/cluster/errors.ts'
import type { ForwardedRequest, ForwardedResponse } from '../../src/cluster/forwarded.ts'
import { Forwarder } from '../../src/cluster/forwarder.ts'
import { NodeClient } from '../../src/cluster/node-client.ts'
import { type Owner, ownerJson } from '../../src/cluster/owner.ts'
import { Owners } from '../../src/cluster/owners.ts'
import { type Slot, slotOf } from '../../src/cluster/slots.ts'

const SLOT = slotOf(1)
const bytesOf = async ({ body }: ForwardedResponse) => (body instanceof Readable ? await buffer(body) : body)
const closing: (() => unknown)[] = []

/** Starts a node that answers with a function. */
async function node(listener: RequestListener, host = '127.0.0.1'): Promise<string> {
  const server = createServer(listener).listen(0, host)
  await once(server, 'listening')
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://${isIPv6(host) ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`
}

const KEY = 'k'.repeat(32)
const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'))

describe('a request to the owner of a slot', () => {
  /** The owners as Redis names them; undefined while it is away. */
  let redis: Map<string, Owner> | undefined
  /** whether the owner has given up its slot */
  let hasGivenUp: boolean
  let refreshes: number
  let isSettled: boolean
  let client: NodeClient
  let forwarder: Forwarder
  beforeEach(() => {
    redis = new Map()
    refreshes = 0
    hasGivenUp = false
    const send = async <T>([command, key = '']: readonly string[]): Promise<T> => {
      if (redis === undefined) throw new Error('Redis is away')
      if (command === 'HGET' && hasGivenUp) return 'ended' as T
      const owner = redis.get(key)
      return (owner === undefined ? null : ownerJson(key.slice(-3) as Slot, owner, KEY)) as T
    }
    client = new NodeClient()
    const isAlive = (owner: Owner) => client.isAlive(owner, () => ['x-probe', owner.epoch], 5000)
    const owners = new Owners({
      ...{ connection: { send }, prefix: '', clusterKey: KEY, isAlive },
      ...{ isSettled: () => isSettled, onInvalid: () => undefined },
    })
    isSettled = true
    forwarder = new Forwarder({ owners, client, isAlive, refreshClock: async () => void refreshes++ })
  })
  afterEach(async () => {
    await client.close()
    for (const close of closing.splice(0)) await close()
  })

  const own = (epoch: string, url: string): void => void redis?.set(`slot:${SLOT}`, { epoch, url })

  async function forward(part: Partial<ForwardedRequest> = {}): Promise<string | undefined> {
    const response = await forwarder.forward(SLOT, {
      ...{ method: 'POST', target: '/', headers: [], body: new Uint8Array([1]) },
      ...{ onGone: () => undefined, sign: ({ epoch }: Owner) => ['x-to', epoch] as const },
      ...part,
    })
    return response && `${response.status} ${Buffer.from(await bytesOf(response))}`
  }

  it('is repeated if the owner holds another epoch by now', async () => {
    const url = await node((request, response) => {
      if (request.headers['x-to'] === 'old') response.writeHead(421).end()
      else response.end('new')
    })
    own('old', url)
    expect(await forward().catch((error: ClusterError) => error.code)).toBe('node-unreachable')
    own('new', url)
    expect(await forward()).toBe('200 new')
  })

  it('goes to the present owner at once if its body cannot be repeated', async () => {
    const url = await node((request, response) => {
      if (request.headers['x-to'] === 'old') response.writeHead(421).end()
      else request.pipe(response)
    })
    own('old', url)
    await forward().catch(() => undefined)
    own('new', url)
    expect(await forward({ body: Readable.from(['a', 'stream']) })).toBe('200 astream')
    redis = undefined
    expect(await forward({ body: Readable.from(['known']) })).toBe('200 known')
  })

  it('is repeated if the owner has closed the connection before it has read the request', async () => {
    const url = await node((_, response) => void response.end('read'))
    const { port } = new URL(url)
    let isFirst = true
    const slow = createTcpServer((socket) => {
      // What Node sends on a connection without a request, which arrives as the answer to the next one.
      if (isFirst) socket.once('data', () => socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n'))
      else socket.pipe(connect(Number(port), '127.0.0.1')).pipe(socket)
      isFirst = false
    }).listen(0, '127.0.0.1')
    await once(slow, 'listening')
    closing.push(() => slow.close())
    own('e', `http://127.0.0.1:${(slow.address() as AddressInfo).port}`)
    expect(await forward()).toBe('200 read')
    isFirst = true
    expect(await forward({ body: Readable.from(['a', 'stream']), headers: [] })).toContain('408')
  })

  it('is signed again with the time of Redis if the owner refuses the signature, once', async () => {
    let refusals = 0
    const url = await node((_, response) => {
      if (refreshes > 0) response.end('ok')
      else response.writeHead(403, { 'komgate-refused': 'foreign-node' }).end(String(refusals++))
    })
    own('e', url)
    expect(await forward()).toBe('200 ok')
    expect([refusals, refreshes]).toEqual([1, 1])
    const strict = await node((_, response) => response.writeHead(403, { 'Komgate-Refused': 'foreign-node' }).end())
    own('f', strict)
    await forwarder.forward(slotOf(2), {} as ForwardedRequest)
    redis?.set('slot:003', { epoch: 'g', url: strict })
    const request = { method: 'GET', target: '/', headers: [], sign: () => ['x', 'y'] as const }
    const refused = forwarder.forward(slotOf(3), { ...request, onGone: () => undefined })
    await expect(refused).rejects.toMatchObject({ code: 'node-unreachable' })
    expect(refreshes).toBe(2)
  })

  it('is not ended because the owner refuses the signature of a check', async () => {
    const url = await node((_, response) => response.writeHead(403, { 'Komgate-Refused': 'foreign-node' }).end('e'))
    await expect(client.isAlive({ epoch: 'e', url }, () => ['x', 'y'], 5000)).rejects.toThrow(RefusedError)
  })

  it('passes a 403 of the session on', async () => {
    own('e', await node((_, response) => response.writeHead(403).end('no')))
    expect(await forward()).toBe('403 no')
    expect(refreshes).toBe(0)
  })

  it('waits as long as the owner answers other connections', async () => {
    let probes = 0
    const url = await node(async (request, response) => {
      const isProbe = request.headers['x-probe'] !== undefined
      if (isProbe) probes++
      await sleep(isProbe ? 100 : 2500)
      response.end(isProbe ? request.headers['x-probe'] : 'late')
    })
    own('e', url)
    expect(await Promise.all([forward(), forward()])).toEqual(['200 late', '200 late'])
    // Requests that wait for the same node share a probe.
    expect(probes).toBe(2)
  })

  it('is repeated at the next owner, of which the session is, if the connection to the one before breaks', async () => {
    const url = await node((request, response) => {
      if (request.headers['x-to'] === 'new') response.end('new')
      else request.socket.destroy()
    })
    own('old', url)
    await forward().catch(() => undefined)
    own('new', url)
    expect(await forward()).toBe('200 new')
  })

  it('goes on to an owner that Redis does not name any more, while it answers', async () => {
    let isThere = true
    const url = await node((request, response) => {
      if (!isThere) request.socket.destroy()
      else response.end(String(request.headers['x-probe'] ?? 'ok'))
    })
    own('e', url)
    expect(await forward()).toBe('200 ok')
    redis?.clear()
    expect(await forward({ body: Readable.from(['stream']) })).toBe('200 ok')
    isThere = false
    isSettled = false
    await expect(forward()).rejects.toMatchObject({ code: 'cluster-unavailable' })
    isSettled = true
    expect(await forward()).toBeUndefined()
  })

  it('is answered by an owner that has given up its slot, and finishes the request', async () => {
    let hasBegun = false
    const url = await node((request, response) => {
      const probe = request.headers['x-probe']
      if (probe === undefined) setTimeout(() => response.end('late'), 2500)
      else response.end(probe)
      hasBegun = true
    })
    own('e', url)
    const answer = forward()
    await expect.poll(() => hasBegun).toBe(true)
    redis?.clear()
    hasGivenUp = true
    expect(await answer).toBe('200 late')
    expect(await forward()).toBeUndefined()
  })

  it.skipIf(!hasIpv6)('goes to an IPv6 address, which is checked while it waits', async () => {
    const url = await node((request, response) => {
      const probe = request.headers['x-probe']
      if (probe === undefined) setTimeout(() => response.end('late'), 1500)
      else response.end(probe)
    }, '::1')
    own('e', url)
    expect(await forward()).toBe('200 late')
    const upgrade = await forwarder.upgrade(SLOT, {
      ...{ method: 'GET', target: '/', headers: ['Host', 'h'], onGone: () => undefined },
      sign: ({ epoch }) => ['x-to', epoch] as const,
    })
    expect(upgrade).toMatchObject({ status: 200 })
  })

  it('fails if the owner dies between the headers and the body', async () => {
    const url = await node((request, response) => {
      if (request.headers['x-probe'] !== undefined) response.end(request.headers['x-probe'])
      else response.writeHead(200, { 'content-length': '10' }).write('half', () => request.socket.destroy())
    })
    own('e', url)
    await expect(forward()).rejects.toMatchObject({ code: 'node-unreachable' })
  })

  it('fails if a body of known length stalls, and its owner does not answer', async () => {
    const url = await node((request, response) => {
      if (request.headers['x-probe'] !== undefined) response.end('another epoch')
      else response.writeHead(200, { 'content-length': '10' }).write('half')
    })
    own('e', url)
    await expect(forward()).rejects.toMatchObject({ code: 'node-unreachable' })
  })

  it('ends a stream if the owner does not answer any more, by one check for all streams', async () => {
    let probes = 0
    const url = await node((request, response) => {
      if (request.headers['x-probe'] === undefined) response.write('begun')
      else response.end(probes++ === 0 ? request.headers['x-probe'] : 'another epoch')
    })
    own('e', url)
    const streams = await Promise.all(
      [1, 2].map(async () => {
        const response = await forwarder.forward(SLOT, {
          ...{ method: 'GET', target: '/', headers: [], onGone: () => undefined },
          sign: () => ['x', 'y'] as const,
        })
        return response?.body as Readable
      }),
    )
    const errors = await Promise.all(streams.map((stream) => once(stream.resume(), 'error')))
    for (const [error] of errors) expect(String(error)).toMatch(/does not answer any more/)
    // It was there at the first check.
    expect(probes).toBe(2)
  })

  it('fails if the owner cannot be reached, and says so as long as it has its lease', async () => {
    const url = await node(() => undefined)
    for (const close of closing.splice(0)) await close()
    own('e', url)
    await expect(forward()).rejects.toBeInstanceOf(ClusterError)
    await expect(forward()).rejects.toMatchObject({ code: 'node-unreachable' })
    redis?.clear()
    expect(await forward()).toBeUndefined()
    own('e', url)
    await forward().catch(() => undefined)
    redis = undefined
    await expect(forward()).rejects.toMatchObject({ code: 'cluster-unavailable' })
    expect(forwarder.outcomes).toEqual(
      new Map([
        ['node-unreachable', 3],
        ['no-owner', 1],
        ['cluster-unavailable', 1],
      ]),
    )
  })
})
