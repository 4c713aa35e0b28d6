import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { HttpLine, httpRequest } from './http-line.ts'
import { median } from './rounds.ts'

const AT_ONCE = 32
const WARM_UP_CALLS = 200
const WARM_UP_MS = 250
const CLIENT = { name: 'bench', version: '1' }

/** The request to repeat. */
export interface Target {
  port: number
  path: string
  /** connection ids; each connection uses one of them exclusively */
  ids?: string[]
}

/** The body of a login request. */
export interface Login {
  pers_no: number
  passwd: string
}

/** Opens `count` sessions on the server `serverId`. Returns their ids. */
export async function openSessions(port: number, serverId: string, count: number): Promise<string[]> {
  const request = httpRequest('POST', `/${serverId}/sessions/`, { json: { client: CLIENT } })
  const ids: string[] = []
  let left = count
  await onLines(port, async (line) => {
    while (left-- > 0) {
      const { status, body } = await line.request(request)
      if (status !== 201) throw new Error(`no session: ${status} ${body}`)
      ids.push((JSON.parse(body) as { connection_id: string }).connection_id)
    }
  })
  return ids
}

/** Logs a person in on a session of the server `serverId`. */
export async function logIn(port: number, serverId: string, id: string, login: Login): Promise<void> {
  const line = await HttpLine.open(port)
  const request = httpRequest('POST', `/${serverId}/sessions/current/login`, { id, json: login })
  const { status, body } = await line.request(request)
  line.close()
  if (status !== 201) throw new Error(`no login: ${status} ${body}`)
}

/** Closes sessions of the server `serverId`. */
export async function closeSessions(port: number, serverId: string, ids: readonly string[]): Promise<void> {
  const left = [...ids]
  await onLines(port, async (line) => {
    for (let id = left.pop(); id !== undefined; id = left.pop()) {
      const { status, body } = await line.request(httpRequest('DELETE', `/${serverId}/sessions/0`, { id }))
      if (status !== 204) throw new Error(`a session that cannot be closed: ${status} ${body}`)
    }
  })
}

/** Returns the median time of a request in milliseconds, with one request at a time on one connection. */
export async function p50(target: Target, calls: number): Promise<number> {
  const line = await HttpLine.open(target.port)
  const request = httpRequest('GET', target.path, target.ids && { id: target.ids[0] as string })
  const times = await timeEach(calls, () => ask(line, request, target.path))
  line.close()
  return median(times)
}

/** Returns the time of one request in milliseconds on a new, established connection. */
export async function timeOfOne({ port, path, ids }: Target): Promise<number> {
  const line = await HttpLine.open(port)
  const request = httpRequest('GET', path, ids && { id: ids[0] as string })
  const start = performance.now()
  await ask(line, request, path)
  const time = performance.now() - start
  line.close()
  return time
}

/** Median times in milliseconds. */
export interface Parts {
  hello: number
  call: number
}

/**
 * Measures the unavoidable parts of a gateway request: a request to an HTTP server and a bare who-am-i call on a socket
 * to a LysKOM server. They alternate, each on its own connection, so that each server is asked no more often than
 * through a gateway and has the same chance to fall idle.
 */
export async function p50OfParts(hello: Target, lyskomPort: number, calls: number): Promise<Parts> {
  const line = await HttpLine.open(hello.port)
  const request = httpRequest('GET', hello.path)
  const socket = connect({ port: lyskomPort, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  socket.write('A5Hbench\n')
  await once(socket, 'data')
  let answered = (): void => undefined
  socket.on('data', () => answered())
  let refNo = 0
  const call = () =>
    new Promise<void>((resolve) => {
      answered = resolve
      socket.write(`${++refNo} 56\n`)
    })
  const times: Record<keyof Parts, number[]> = { hello: [], call: [] }
  for (let i = -WARM_UP_CALLS; i < calls; i++) {
    const start = performance.now()
    await ask(line, request, hello.path)
    const middle = performance.now()
    await call()
    const end = performance.now()
    if (i < 0) continue
    times.hello.push(middle - start)
    times.call.push(end - middle)
  }
  line.close()
  socket.destroy()
  return { hello: median(times.hello), call: median(times.call) }
}

/**
 * Returns requests per second over `connections` connections, each of which sends its next request after its response.
 */
export async function throughput(target: Target, connections: number, ms: number): Promise<number> {
  const lines = await Promise.all(Array.from({ length: connections }, () => HttpLine.open(target.port)))
  let answers = 0
  let failure: Error | undefined
  for (const [i, line] of lines.entries()) {
    const request = httpRequest('GET', target.path, target.ids && { id: target.ids[i] as string })
    const next = (): void => {
      line.exchange(
        request,
        ({ status }) => {
          answers++
          if (status === 200) next()
          else failure = new Error(`${target.path}: ${status}`)
        },
        (error) => {
          failure = error
        },
      )
    }
    next()
  }
  await sleep(WARM_UP_MS)
  const before = answers
  const start = performance.now()
  await sleep(ms)
  const rate = ((answers - before) / (performance.now() - start)) * 1000
  for (const line of lines) line.close()
  if (failure !== undefined) throw failure
  return rate
}

/** Rejects for a response that does not fit the request, since its time would be meaningless. */
async function ask(line: HttpLine, request: Buffer, path: string): Promise<void> {
  const { status, body } = await line.request(request)
  if (status !== 200) throw new Error(`${path}: ${status} ${body}`)
}

async function timeEach(calls: number, call: () => Promise<void>): Promise<number[]> {
  for (let i = 0; i < WARM_UP_CALLS; i++) await call()
  const times: number[] = []
  for (let i = 0; i < calls; i++) {
    const start = performance.now()
    await call()
    times.push(performance.now() - start)
  }
  return times
}

/** Runs `work` on several connections concurrently. */
async function onLines(port: number, work: (line: HttpLine) => Promise<void>): Promise<void> {
  const lines = await Promise.all(Array.from({ length: AT_ONCE }, () => HttpLine.open(port)))
  try {
    await Promise.all(lines.map(work))
  } finally {
    for (const line of lines) line.close()
  }
}
