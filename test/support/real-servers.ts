import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasCommands } from './built-servers.ts'
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

/** Servers that `.ci/build-servers` builds, the commands that it requires, and whether they are built. */
const BUILT: readonly [name: string, commands: string[], isInstalled: () => boolean][] = [
  ['FerretDB', ['go'], ferretdbInstalled],
  ['CouchbaseMock', ['javac', 'mvn'], couchbaseMockInstalled],
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

/** Prints which servers are missing. On CI a missing server is an error, unless it cannot be built. */
function reportMissing(): void {
  for (const [name, commands, isInstalled] of BUILT) {
    if (isInstalled()) continue
    if (process.env.CI && hasCommands(...commands)) throw new Error(`${name} is missing: run .ci/build-servers`)
    const builds = `bash .ci/build-servers, with ${commands.join(' and ')}, builds it`
    process.stderr.write(`skipping the tests that require ${name} (${builds})\n`)
  }
  const missing = SERVERS.filter(([, , isInstalled]) => !isInstalled())
  if (missing.length === 0) return
  const packages = missing.map(([, each]) => each).join(' ')
  if (process.env.CI) throw new Error(`missing packages: ${packages}; with CI set, all tests require real servers`)
  const names = missing.map(([name]) => name).join(', ')
  process.stderr.write(`skipping the tests that require ${names} (apt-get install ${packages})\n`)
}
