import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { type DatabaseServer, startServer } from './database-server.ts'

const VERSIONS = '/usr/lib/postgresql'
/** Settings for speed. Test data need not survive a crash of the machine. */
const FAST = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'shared_buffers=16MB']

/** Reports whether PostgreSQL is installed (`apt-get install postgresql`). */
export function postgresInstalled(): boolean {
  return programs() !== undefined
}

/** Starts a PostgreSQL server with an empty database and a random password, the same for all servers of a test run. */
export async function startPostgres(): Promise<DatabaseServer> {
  const bin = programs()
  if (bin === undefined) throw new Error('PostgreSQL is not installed: apt-get install postgresql')
  let password = ''
  return await startServer({
    name: 'postgres',
    user: 'postgres',
    stopSignal: 'SIGINT',
    async install(dir, runAsUser) {
      const passwordFile = join(dir, 'password')
      await writeFile(passwordFile, randomBytes(16).toString('hex'))
      const access = ['--username=komgate', `--pwfile=${passwordFile}`, '--auth=scram-sha-256']
      const quick = ['--no-sync', '--encoding=UTF8', '--locale=C']
      await runAsUser(join(bin, 'initdb'), [`--pgdata=${join(dir, 'data')}`, ...access, ...quick])
    },
    async prepare(dir) {
      password = await readFile(join(dir, 'password'), 'utf8')
    },
    command(dir, port) {
      const settings = [...FAST, 'listen_addresses=127.0.0.1', `unix_socket_directories=${dir}`]
      return [join(bin, 'postgres'), '-D', join(dir, 'data'), '-p', `${port}`, ...settings.flatMap((s) => ['-c', s])]
    },
    url: (port) => `postgres://komgate:${password}@127.0.0.1:${port}/postgres`,
    async greet(url) {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      await client.end()
    },
  })
}

/** Returns the directory with the programs of the newest installed version. */
function programs(): string | undefined {
  if (!existsSync(VERSIONS)) return undefined
  const versions = readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a))
  return versions.map((version) => join(VERSIONS, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')))
}
