import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { builtServer } from './built-servers.ts'
import { type DatabaseServer, startServer } from './database-server.ts'

const JAR = builtServer('CouchbaseMock-1.5.27.jar')
const LAUNCHER = join(import.meta.dirname, 'CouchbaseMockOnPort.java')
const BUCKET = 'sessions'

/** Reports whether CouchbaseMock is present (`bash .ci/build-servers`), and the compiler that its launcher needs. */
export function couchbaseMockInstalled(): boolean {
  return existsSync(JAR) && (process.env.PATH ?? '').split(':').some((dir) => existsSync(join(dir, 'javac')))
}

/**
 * Starts CouchbaseMock, a server by Couchbase for tests of its SDKs: the key-value service of a cluster, in memory. It
 * accepts any password.
 */
export async function startCouchbaseMock({ nodes = 1 } = {}): Promise<DatabaseServer> {
  if (!couchbaseMockInstalled()) throw new Error(`${JAR} or javac is missing: run .ci/build-servers`)
  return await startServer({
    name: 'couchbase',
    user: 'root',
    stopSignal: 'SIGKILL',
    prepare: async () => undefined,
    command(_, port) {
      const options = ['-XX:TieredStopAtLevel=1', '-Xmx256m', '-cp', JAR]
      return ['java', ...options, LAUNCHER, `${port}`, BUCKET, 's3cret', `${nodes}`]
    },
    url: (port) => `couchbase://${BUCKET}:s3cret@127.0.0.1:${port}/${BUCKET}`,
    greet: async (url) => void (await dumpCouchbase(url)),
  })
}

/** Returns the ids, times of expiry (milliseconds since 1970) and contents of all documents, one per line. */
export async function dumpCouchbase(url: string): Promise<string> {
  return await fetched(url, 11, '')
}

/**
 * Sends a command to the mock.
 * @param command such as `time_travel?Offset=10`, seconds
 */
export async function commandMock(url: string, command: string): Promise<void> {
  const reply = await fetched(url, 10, `mock/${command}`)
  if (!reply.includes('"status":"ok"')) throw new Error(`CouchbaseMock rejects ${command}: ${reply}`)
}

async function fetched(url: string, offset: number, path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${Number(new URL(url).port) + offset}/${path}`)
  return await response.text()
}
