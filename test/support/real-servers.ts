import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromiumInstalled } from './chromium.ts'
import { couchbaseMockInstalled } from './couchbase-mock.ts'
import { INSTALLED_DIR } from './database-server.ts'
import { ferretdbInstalled } from './ferretdb.ts'
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
  ['Chromium', 'chromium', chromiumInstalled],
]

/** Servers that `.ci/build-servers` builds if it can, and whether they are built. */
const BUILT: readonly [name: string, isInstalled: () => boolean][] = [
  ['FerretDB', ferretdbInstalled],
  ['CouchbaseMock', couchbaseMockInstalled],
]

/** Runs once before all tests. Returns a function that runs after them. */
export function setup(): () => void {
  reportMissing()
  const dir = mkdtempSync(join(tmpdir(), 'komgate-installed-'))
  // The users of the servers need access.
  chmodSync(dir, 0o755)
  process.env[INSTALLED_DIR] = dir
  return () => rmSync(dir, { recursive: true, force: true })
}

/** Prints which servers are missing. On CI a missing server is an error, unless it has to be built. */
function reportMissing(): void {
  for (const [name, isInstalled] of BUILT) {
    if (isInstalled()) continue
    process.stderr.write(`skipping the tests that require ${name} (bash .ci/build-servers says what it needs)\n`)
  }
  const missing = SERVERS.filter(([, , isInstalled]) => !isInstalled())
  if (missing.length === 0) return
  const packages = missing.map(([, each]) => each).join(' ')
  if (process.env.CI) throw new Error(`missing packages: ${packages}; with CI set, all tests require real servers`)
  const names = missing.map(([name]) => name).join(', ')
  process.stderr.write(`skipping the tests that require ${names} (apt-get install ${packages})\n`)
}
