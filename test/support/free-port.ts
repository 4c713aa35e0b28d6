import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below the ports that the kernel gives to connections and to servers that listen on port 0 (32768 and above on Linux):
 * one of these could take the port before the server of a test listens, or while that is stopped.
 */
const PORTS = { first: 10_000, last: 32_000 }

/** Returns a free port of 127.0.0.1. Another process that asks for one may be given the same one: 1 in 22,000 times. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.first, PORTS.last + 1)
    if (await isFree(port)) return port
  }
}

/** Returns whether nothing listens on a port of 127.0.0.1. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
    return true
  } catch {
    return false
  }
}
