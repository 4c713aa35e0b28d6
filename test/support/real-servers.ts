import { lyskomdInstalled } from './lyskomd.ts'
import { mariadbInstalled } from './mariadb-server.ts'
import { memcachedInstalled } from './memcached.ts'
import { nginxInstalled } from './nginx.ts'
import { postgresInstalled } from './postgres-server.ts'
import { redisInstalled } from './redis-server.ts'

/** Debian packages of the servers, and whether they are installed. */
const SERVERS: readonly [name: string, packages: string, isInstalled: () => boolean][] = [
  ['lyskomd', 'lyskom-server netbase', lyskomdInstalled],
  ['Redis', 'redis-server', redisInstalled],
  ['PostgreSQL', 'postgresql', postgresInstalled],
  ['MariaDB', 'mariadb-server', mariadbInstalled],
  ['memcached', 'memcached', memcachedInstalled],
  ['nginx', 'nginx-light', nginxInstalled],
]

/**
 * Prints which servers are missing. vitest calls it once before all tests.
 *
 * @throws Error on CI if a server is missing
 */
export function setup(): void {
  const missing = SERVERS.filter(([, , isInstalled]) => !isInstalled())
  if (missing.length === 0) return
  const packages = missing.map(([, each]) => each).join(' ')
  if (process.env.CI) throw new Error(`missing packages: ${packages}; with CI set, all tests require real servers`)
  const names = missing.map(([name]) => name).join(', ')
  process.stderr.write(`skipping the tests that require ${names} (apt-get install ${packages})\n`)
}
