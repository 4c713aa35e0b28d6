import { existsSync } from 'node:fs'
import { createClient } from 'redis'
import { type DatabaseServer, startServer } from './database-server.ts'

const REDIS = '/usr/bin/redis-server'

/** Reports whether Redis is installed (`apt-get install redis-server`). */
export function redisInstalled(): boolean {
  return existsSync(REDIS)
}

/** Options of `startRedis`. */
export interface RedisOptions {
  /** none by default */
  password?: string
  /** additional command-line settings */
  settings?: readonly string[]
}

/** Starts a Redis server without persistence. */
export async function startRedis({ password, settings = [] }: RedisOptions = {}): Promise<DatabaseServer> {
  if (!redisInstalled()) throw new Error(`${REDIS} is not installed: apt-get install redis-server`)
  const secret = password === undefined ? [] : ['--requirepass', password]
  const login = password === undefined ? '' : `:${encodeURIComponent(password)}@`
  return await startServer({
    name: 'redis',
    user: 'redis',
    stopSignal: 'SIGTERM',
    prepare: async () => undefined,
    command(dir, port) {
      const where = ['--bind', '127.0.0.1', '--port', `${port}`, '--dir', dir]
      return [REDIS, ...where, '--save', '', '--appendonly', 'no', ...secret, ...settings]
    },
    url: (port) => `redis://${login}127.0.0.1:${port}/0`,
    async greet(url) {
      await withRedis(url, (client) => client.ping())
    },
  })
}

/** A connection of a test that bypasses the store. */
export type RedisClient = ReturnType<typeof clientFor>

/** Runs `work` with a connection of its own, and closes the connection. */
export async function withRedis<T>(url: string, work: (client: RedisClient) => Promise<T>): Promise<T> {
  const client = clientFor(url)
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await work(client)
  } finally {
    client.destroy()
  }
}

function clientFor(url: string) {
  return createClient({ url, socket: { reconnectStrategy: false } })
}
