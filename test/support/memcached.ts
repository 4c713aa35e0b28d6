import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { type DatabaseServer, startServer } from './database-server.ts'

const MEMCACHED = '/usr/bin/memcached'
const METADUMPS = 3

/** Reports whether memcached is installed (`apt-get install memcached`). */
export function memcachedInstalled(): boolean {
  return existsSync(MEMCACHED)
}

/** Starts a memcached server. It is empty after a restart. */
export async function startMemcached(): Promise<DatabaseServer> {
  if (!memcachedInstalled()) throw new Error(`${MEMCACHED} is not installed: apt-get install memcached`)
  return await startServer({
    name: 'memcached',
    user: 'memcache',
    stopSignal: 'SIGTERM',
    prepare: async () => undefined,
    command: (_, port) => [MEMCACHED, '-l', '127.0.0.1', '-p', `${port}`, '-U', '0', '-m', '64'],
    url: (port) => `memcache://127.0.0.1:${port}`,
    greet: async (url) => void (await ask(url, 'version', /\r\n$/)),
  })
}

/** Returns all items, keys and values, as text. */
export async function dumpMemcached(url: string): Promise<string> {
  let keys = ''
  // A dump omits items that are being read at that moment, so combine several dumps.
  for (let i = 0; i < METADUMPS; i++) keys += await ask(url, 'lru_crawler metadump all', /END\r\n$/)
  const names = new Set(Array.from(keys.matchAll(/^key=(\S+)/gm), ([, name = '']) => decodeURIComponent(name)))
  const items = await Promise.all(Array.from(names, (name) => ask(url, `get ${name}`, /END\r\n$/)))
  return keys + items.join('')
}

/** Sends one command on a new connection. */
async function ask(url: string, command: string, end: RegExp): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  socket.write(`${command}\r\n`)
  let answer = ''
  for await (const chunk of socket) {
    answer += chunk
    if (end.test(answer)) break
  }
  socket.destroy()
  return answer
}
