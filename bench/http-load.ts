import { setTimeout as sleep } from 'node:timers/promises'
import { HttpConnection, type HttpRequest, type HttpResponse, requestBytes } from '../test/support/http-connection.ts'
import { median, medianTime, timed } from '../test/support/statistics.ts'
import { BareClient } from './bare-client.ts'

const CONCURRENCY = 32
const WARM_UP_CALLS = 200
/** Rounds of many requests. */
const WARM_UP_ROUNDS = 20
const WARM_UP_MS = 250
const OPEN_SESSION = { client: { name: 'bench', version: '1' } }
const WHO_AM_I = BareClient.format({ name: 'who-am-i', params: {} })

/** The request to repeat. */
export interface Target {
  port: number
  path: string
  /** default: `GET` */
  method?: string
  /** the JSON body */
  json?: unknown
  /** connection ids; each connection uses one of them exclusively */
  ids?: string[]
}

/** Opens `count` sessions on the server `serverId`. Returns their ids. */
export async function openSessions(port: number, serverId: string, count: number): Promise<string[]> {
  const request: HttpRequest = { method: 'POST', path: `/${serverId}/sessions/`, json: OPEN_SESSION }
  const responses = await sendAll(port, new Array<HttpRequest>(count).fill(request), 201)
  return responses.map(({ body }) => (JSON.parse(body.toString()) as { connection_id: string }).connection_id)
}

/** Logs a person in on sessions of the server `serverId`, one after the other because of the limit on login attempts. */
export async function logIn(port: number, serverId: string, ids: readonly string[], login: object): Promise<void> {
  const path = `/${serverId}/sessions/current/login`
  for (const id of ids) await sendAll(port, [{ method: 'POST', path, id, json: login }], 201)
}

/** Closes sessions of the server `serverId`. */
export async function closeSessions(port: number, serverId: string, ids: readonly string[]): Promise<void> {
  const requests = ids.map((id) => ({ method: 'DELETE', path: `/${serverId}/sessions/0`, id }))
  await sendAll(port, requests, 204)
}

/** Returns the median time of a request in milliseconds, with one request at a time on one connection. */
export async function p50(target: Target, calls: number): Promise<number> {
  const connection = await HttpConnection.open(target.port)
  const request = requestOf(target)
  const time = await medianTime(() => send(connection, request), calls, WARM_UP_CALLS)
  connection.close()
  return time
}

/**
 * Measures the unavoidable parts of a gateway request: a request to an HTTP server and a bare who-am-i call on a socket
 * to a LysKOM server. They alternate, each on its own connection, so that each server is asked no more often than
 * through a gateway and has the same chance to fall idle. Returns both median times in milliseconds.
 */
export async function p50OfParts(hello: Target, lyskomPort: number, calls: number): Promise<[number, number]> {
  const connection = await HttpConnection.open(hello.port)
  const lyskom = await BareClient.connect(lyskomPort, false)
  const request = requestOf(hello)
  const times: [number[], number[]] = [[], []]
  for (let i = -WARM_UP_CALLS; i < calls; i++) {
    const helloTime = await timed(() => send(connection, request))
    const callTime = await timed(() => lyskom.exchange([WHO_AM_I]))
    if (i < 0) continue
    times[0].push(helloTime)
    times[1].push(callTime)
  }
  connection.close()
  lyskom.close()
  return [median(times[0]), median(times[1])]
}

/**
 * Returns the median time in milliseconds of a number of requests over `connections` open connections, each of which
 * takes the next request after its response.
 */
export async function p50OfAll(
  port: number,
  requests: readonly HttpRequest[],
  connections: number,
  calls: number,
): Promise<number> {
  const opened = await Promise.all(Array.from({ length: connections }, () => HttpConnection.open(port)))
  const all = requests.map(requestBytes)
  const time = await medianTime(
    async () => {
      const left = all.values()
      const run = async (connection: HttpConnection): Promise<void> => {
        for (const request of left) await send(connection, request)
      }
      await Promise.all(opened.map(run))
    },
    calls,
    WARM_UP_ROUNDS,
  )
  for (const connection of opened) connection.close()
  return time
}

/**
 * Returns requests per second over `connections` connections, each of which sends its next request after its response.
 */
export async function throughput(target: Target, connections: number, ms: number): Promise<number> {
  const opened = await Promise.all(Array.from({ length: connections }, () => HttpConnection.open(target.port)))
  let responses = 0
  let stopped = false
  const running = opened.map(async (connection, i) => {
    const request = requestOf(target, i)
    while (!stopped) {
      await send(connection, request)
      responses++
    }
  })
  const measure = async (): Promise<number> => {
    await sleep(WARM_UP_MS)
    const before = responses
    const start = performance.now()
    await sleep(ms)
    const rate = ((responses - before) / (performance.now() - start)) * 1000
    stopped = true
    return rate
  }
  const [rate] = await Promise.all([measure(), ...running])
  for (const connection of opened) connection.close()
  return rate
}

/**
 * Returns the 99th percentile of the time of a request in milliseconds. Each connection sends a request every
 * `intervalMs`, or later if it still waits for a response.
 */
export async function p99(target: Target, connections: number, intervalMs: number, ms: number): Promise<number> {
  const opened = await Promise.all(Array.from({ length: connections }, () => HttpConnection.open(target.port)))
  const times: number[] = []
  const end = performance.now() + ms
  const running = opened.map(async (connection, i) => {
    const request = requestOf(target, i)
    await sleep((i * intervalMs) / connections)
    while (performance.now() < end) {
      const next = sleep(intervalMs)
      times.push(await timed(() => send(connection, request)))
      await next
    }
    connection.close()
  })
  await Promise.all(running)
  return times.sort((a, b) => a - b)[Math.floor(0.99 * (times.length - 1))] as number
}

function requestOf({ method = 'GET', path, json, ids }: Target, i = 0): Buffer {
  return requestBytes({ method, path, json, ...(ids && { id: ids[i] as string }) })
}

/** Rejects for a response that does not fit the request, since its time would be meaningless. */
async function send(connection: HttpConnection, bytes: Buffer, expected = 200): Promise<HttpResponse> {
  const response = await connection.request(bytes)
  if (response?.status === expected) return response
  const request = bytes.toString('latin1', 0, 60).split('\r\n')[0]
  throw new Error(`${request}: ${response?.status ?? 'connection closed'} ${response?.body ?? ''}`)
}

/** Sends requests on several connections concurrently. */
async function sendAll(port: number, requests: readonly HttpRequest[], expected: number): Promise<HttpResponse[]> {
  const responses: HttpResponse[] = []
  const left = requests.values()
  const run = async (): Promise<void> => {
    const connection = await HttpConnection.open(port)
    for (const request of left) responses.push(await send(connection, requestBytes(request), expected))
    connection.close()
  }
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, requests.length) }, run))
  return responses
}
