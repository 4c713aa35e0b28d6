import { existsSync } from 'node:fs'
import { MongoClient } from 'mongodb'
import { builtServer } from './built-servers.ts'
import { type DatabaseServer, startServer } from './database-server.ts'

const FERRETDB = builtServer('ferretdb-1.24.2')

/** Reports whether FerretDB is built (`bash .ci/build-servers`). */
export function ferretdbInstalled(): boolean {
  return existsSync(FERRETDB)
}

/**
 * Starts a FerretDB server, which speaks the protocol of MongoDB, on SQLite files. It has one user.
 * @param maxPages maximum size of a database, pages of 4 kB; default: none
 */
export async function startFerretdb({ maxPages }: { maxPages?: number } = {}): Promise<DatabaseServer> {
  if (!ferretdbInstalled()) throw new Error(`${FERRETDB} is missing: run .ci/build-servers`)
  const access = [
    '--test-enable-new-auth',
    '--setup-username=komgate',
    '--setup-password=s3cret',
    '--setup-database=db',
  ]
  const limit = maxPages === undefined ? '' : `?_pragma=max_page_count(${maxPages})`
  return await startServer({
    name: 'ferretdb',
    user: 'root',
    stopSignal: 'SIGKILL',
    prepare: async () => undefined,
    command(dir, port) {
      const where = [`--listen-addr=127.0.0.1:${port}`, '--debug-addr=-', `--state-dir=${dir}`]
      const storage = ['--handler=sqlite', `--sqlite-url=file:${dir}/${limit}`]
      return [FERRETDB, ...where, ...storage, ...access, '--telemetry=disable', '--log-level=WARN']
    },
    url: (port) => `mongodb://komgate:s3cret@127.0.0.1:${port}/db`,
    greet: (url) => withMongodb(url, async (client) => void (await client.db().command({ ping: 1 }))),
  })
}

/** Runs `work` with a client of its own, and closes the client. */
export async function withMongodb<T>(url: string, work: (client: MongoClient) => Promise<T>): Promise<T> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 1000 })
  try {
    return await work(client)
  } finally {
    await client.close()
  }
}
