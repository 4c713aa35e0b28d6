import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import { type DatabaseServer, startServer } from './database-server.ts'

const SERVER = '/usr/sbin/mariadbd'
const INSTALLER = '/usr/bin/mariadb-install-db'
/** Settings for speed. Test data need not survive a crash of the machine. */
const FAST = [
  '--innodb-flush-log-at-trx-commit=0',
  '--innodb-doublewrite=0',
  '--innodb-log-file-size=8M',
  '--innodb-buffer-pool-size=32M',
  '--skip-log-bin',
]

/** Reports whether MariaDB is installed (`apt-get install mariadb-server`). */
export function mariadbInstalled(): boolean {
  return existsSync(SERVER) && existsSync(INSTALLER)
}

/**
 * Starts a MariaDB server with a random password and an empty database.
 *
 * @param settings additional command-line settings
 */
export async function startMariadb(settings: readonly string[] = []): Promise<DatabaseServer> {
  if (!mariadbInstalled()) throw new Error(`${SERVER} is not installed: apt-get install mariadb-server`)
  const password = randomBytes(16).toString('hex')
  return await startServer({
    name: 'mariadb',
    user: 'mysql',
    stopSignal: 'SIGTERM',
    async install(dir, runAsUser) {
      await runAsUser(INSTALLER, ['--no-defaults', ...common(dir), '--skip-name-resolve', '--skip-test-db'])
    },
    async prepare(dir) {
      // The server executes these statements at every start. Each must be on its own line.
      const statements = [
        'CREATE DATABASE IF NOT EXISTS komgate CHARACTER SET latin1;',
        `CREATE USER IF NOT EXISTS komgate@'127.0.0.1' IDENTIFIED BY '${password}';`,
        "GRANT ALL ON *.* TO komgate@'127.0.0.1' WITH GRANT OPTION;",
        // For connections through the Unix socket.
        `CREATE USER IF NOT EXISTS komgate@'localhost' IDENTIFIED BY '${password}';`,
        "GRANT ALL ON *.* TO komgate@'localhost';",
      ]
      await writeFile(join(dir, 'init.sql'), `${statements.join('\n')}\n`)
    },
    command: (dir, port) => [
      SERVER,
      '--no-defaults',
      ...common(dir),
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      `--socket=${join(dir, 'socket')}`,
      `--pid-file=${join(dir, 'pid')}`,
      `--init-file=${join(dir, 'init.sql')}`,
      ...settings,
    ],
    url: (port) => `mysql://komgate:${password}@127.0.0.1:${port}/komgate`,
    async greet(url) {
      const connection = await mysql.createConnection(url)
      await connection.end()
    },
  })
}

function common(dir: string): string[] {
  return [`--datadir=${join(dir, 'data')}`, `--tmpdir=${dir}`, ...FAST]
}
