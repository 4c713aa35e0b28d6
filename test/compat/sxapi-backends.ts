import mysql from 'mysql2/promise'
import pg from 'pg'
import type { SessionConfig, SessionResources } from '../../src/session.ts'
import { couchbaseMockInstalled, startCouchbaseMock } from '../support/couchbase-mock.ts'
import type { DatabaseServer } from '../support/database-server.ts'
import { mariadbInstalled, startMariadb } from '../support/mariadb-server.ts'
import { memcachedInstalled, startMemcached } from '../support/memcached.ts'
import { postgresInstalled, startPostgres } from '../support/postgres-server.ts'
import { redisInstalled, startRedis } from '../support/redis-server.ts'

/** A backend as in SXAPI's configuration. */
interface Place {
  backend: SessionConfig['backend']
  resources: SessionResources
  /** the server that the test starts, if the backend needs one */
  server?: Pick<DatabaseServer, 'stop' | 'start' | 'close'>
  /** returns the rows of the table, if there is one */
  rows?(): Promise<Record<string, unknown>[]>
}

/** A kind of backend in SXAPI. */
interface Kind {
  kind: string
  isInstalled(): boolean
  hasTable: boolean
  start(): Promise<Place>
}

const fields = { ip: 'ip_sess', start: 'start_sess', stop: 'stop_sess' }
const table = { table: 'sessions', sid_field: 'token_sess', fields }

/** A table that SXAPI has used, with one session in it. */
const TABLE = `CREATE TABLE sessions
  (token_sess char(36) PRIMARY KEY, ip_sess varchar(15), start_sess timestamp NULL, stop_sess timestamp NULL)`
const ROW = `INSERT INTO sessions VALUES
  ('6f1c9a52-8d0e-4b7e-9b43-0f4c8e5d1a27', '192.0.2.1', '2026-01-01 00:00:00', '2037-01-01 00:00:00')`

export const KINDS: readonly Kind[] = [
  {
    kind: 'memory',
    isInstalled: () => true,
    hasTable: false,
    start: async () => ({
      backend: { type: 'memory', sid_field: 'sessionID', fields: { ip: 'ipAdress', start: 'start', stop: 'stop' } },
      resources: {},
    }),
  },
  {
    kind: 'mysql',
    isInstalled: mariadbInstalled,
    hasTable: true,
    start: async () => {
      const server = await startMariadb()
      const query = async (sql: string) => {
        const client = await mysql.createConnection({ uri: server.url, dateStrings: true })
        const [rows] = await client.query(sql)
        await client.end()
        return rows as Record<string, unknown>[]
      }
      await query(TABLE)
      await query(ROW)
      return {
        backend: { type: 'mysql', resource: 'mysql-sample', ...table },
        resources: { 'mysql-sample': { _class: 'mysql', server: serverOf(server.url) } },
        server,
        rows: () => query('SELECT token_sess, ip_sess, start_sess, stop_sess FROM sessions'),
      }
    },
  },
  {
    kind: 'postgres',
    isInstalled: postgresInstalled,
    hasTable: true,
    start: async () => {
      const server = await startPostgres()
      const query = async (sql: string) => {
        const client = new pg.Client({ connectionString: server.url })
        await client.connect()
        const { rows } = await client.query<Record<string, unknown>>(sql)
        await client.end()
        return rows
      }
      await query(TABLE)
      await query(ROW)
      return {
        backend: { type: 'postgres', resource: 'postgres-sample', ...table },
        resources: { 'postgres-sample': { _class: 'postgres', server: serverOf(server.url) } },
        server,
        rows: () => query('SELECT token_sess, ip_sess, start_sess::text, stop_sess::text FROM sessions'),
      }
    },
  },
  {
    kind: 'redis',
    isInstalled: redisInstalled,
    hasTable: false,
    start: async () => {
      const server = await startRedis({ password: 'p/%41?#' })
      return {
        backend: { type: 'redis', resource: 'redis-sample', sid_field: 'token', fields: { stop: 'stopDate' } },
        resources: { 'redis-sample': { _class: 'redis', url: server.url, return_buffers: false } },
        server,
      }
    },
  },
  {
    kind: 'memcache',
    isInstalled: memcachedInstalled,
    hasTable: false,
    start: async () => {
      const server = await startMemcached()
      return {
        backend: { type: 'memcache', resource: 'memcache-sample', sid_field: 'token', fields: { stop: 'stopDate' } },
        resources: { 'memcache-sample': { _class: 'memcache', host: '127.0.0.1', port: server.port } },
        server,
      }
    },
  },
  {
    kind: 'couchbase',
    isInstalled: couchbaseMockInstalled,
    hasTable: false,
    start: async () => {
      const server = await startCouchbaseMock()
      const { host, username, password, pathname } = new URL(server.url)
      const cluster = { cluster: `couchbase://${host}`, bucket: pathname.slice(1), user: username, password }
      return {
        backend: { type: 'couchbase', resource: 'couchbase-sample', key_ns: 'sess::', fields: { stop: 'stopDate' } },
        resources: { 'couchbase-sample': { _class: 'couchbase', ...cluster } },
        server,
      }
    },
  },
]

/** Converts a URL to the server of an SXAPI resource. */
function serverOf(url: string) {
  const { hostname, port, username, password, pathname } = new URL(url)
  return { host: hostname, port, user: username, password, database: pathname.slice(1) }
}
