import { pino } from 'pino'
import { startGateway } from '../../src/gateway.ts'
import { configFor, type TestServer, type TestSettings } from './config.ts'
import type { DatabaseServer } from './database-server.ts'
import { freePort } from './free-port.ts'
import { startRoundRobin } from './nginx.ts'
import { startRedis } from './redis-server.ts'

/** The key of the nodes of tests. */
const CLUSTER_KEY = 'a-key-of-nodes-that-only-tests-have'

/** A response. */
export interface Answer {
  status: number
  headers: Headers
  /** the body as text; the first part of it for a stream of events */
  text: string
  /** the body as JSON; undefined if it is not JSON */
  // biome-ignore lint/suspicious/noExplicitAny: the expectations of a test check the type
  json: any
}

/** Options of a request. */
export interface SendOptions {
  /** the connection id, sent as header */
  id?: string
  /** sent as a JSON body */
  json?: unknown
  /** sent unchanged */
  body?: string | Uint8Array
  headers?: Record<string, string>
}

/** A running gateway of a test. */
export interface TestGateway {
  url: string
  /** URL of metrics, health and administration if they have their own port */
  adminUrl: string | undefined
  /** log lines, each in JSON */
  log: string[]
  send(method: string, path: string, options?: SendOptions): Promise<Answer>
  /** Opens a session, on the first server by default. Resolves with the connection id. */
  open(serverId?: string): Promise<string>
  close(): Promise<void>
}

/** How many nodes a gateway of a test is: any number instead of one, to run the same tests on a cluster. */
export const NODES = Number(process.env.KOMGATE_TEST_NODES ?? 1)

/** Starts a gateway on a free port in this process. */
export async function startTestGateway(
  servers: readonly TestServer[],
  settings: TestSettings = {},
): Promise<TestGateway> {
  return NODES > 1 ? await startCluster(servers, settings, NODES) : await startNode(servers, settings)
}

/** Several gateways that are one for their clients, behind nginx, which gives each request to the next node. */
export interface TestCluster extends TestGateway {
  redis: DatabaseServer
  nodes: readonly TestGateway[]
}

/** Starts gateways that are nodes of a cluster, with a Redis server and nginx. */
export async function startCluster(
  servers: readonly TestServer[],
  settings: TestSettings = {},
  size = 3,
): Promise<TestCluster> {
  const redis = await startRedis()
  const nodes: TestGateway[] = []
  for (let i = 0; i < size; i++) {
    const nodeUrl = `http://127.0.0.1:${await freePort()}`
    nodes.push(await startNode(servers, { cluster: redis.url, clusterKey: CLUSTER_KEY, nodeUrl, ...settings }))
  }
  const nginx = await startRoundRobin(nodes.map(({ url }) => Number(new URL(url).port)))
  const close = async (): Promise<void> => {
    await nginx.close()
    for (const node of nodes) await node.close()
    await redis.close()
  }
  const url = nginx.url + (settings.basePath ?? '')
  return { ...clientOf({ url, servers, close, log: nodes[0]?.log ?? [] }), redis, nodes }
}

async function startNode(servers: readonly TestServer[], settings: TestSettings): Promise<TestGateway> {
  const log: string[] = []
  const logger = pino({ level: 'trace' }, { write: (line) => void log.push(line) })
  const gateway = await startGateway({ ...configFor(servers, settings), logger })
  const { url, adminUrl } = gateway
  return clientOf({ url, adminUrl, servers, log, close: () => gateway.close() })
}

interface Served extends Pick<TestGateway, 'url' | 'log' | 'close'> {
  adminUrl?: string | undefined
  servers: readonly TestServer[]
}

function clientOf({ url, adminUrl, servers, log, close }: Served): TestGateway {
  const send = (method: string, path: string, options: SendOptions = {}) => request(url + path, method, options)
  return {
    ...{ url, adminUrl, log, send, close },
    async open(serverId = servers[0]?.id) {
      const made = await send('POST', `/${serverId}/sessions/`, { json: { client: { name: 'test', version: '1.0' } } })
      if (made.status !== 201) throw new Error(`cannot open a session: ${made.status} ${made.text}`)
      return made.json.connection_id
    },
  }
}

async function request(url: string, method: string, { id, json, body, headers }: SendOptions): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(json !== undefined && { 'content-type': 'application/json' }),
      ...(id !== undefined && { 'httpkom-connection': id }),
      ...headers,
    },
    ...(json !== undefined ? { body: JSON.stringify(json) } : body !== undefined ? { body } : {}),
  })
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
  const text = isStream ? await firstPart(response) : await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true && text !== ''
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined }
}

/** Returns the first part of a body, empty if there is none, and disconnects. */
async function firstPart({ body }: Response): Promise<string> {
  const reader = body?.getReader()
  const part = await reader?.read()
  await reader?.cancel()
  return new TextDecoder().decode(part?.value)
}
