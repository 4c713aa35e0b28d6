import type { MysqlPool, MysqlPoolConnection } from 'kysely'
import type { Pool, PoolConnection } from 'mysql2'
import { withTimeout } from '../../index.ts'
import type { SqlLimits } from './kind.ts'
import { faultOf } from './mariadb-faults.ts'

/** Timeout for connecting, milliseconds. */
export const CONNECT_MS = 4000
/** Timeout for acquiring a connection, milliseconds: above `CONNECT_MS`, so that a failed connect has its own error. */
const ACQUIRE_MS = 4500

/**
 * Wraps a pool: adds timeouts to statements and to acquiring a connection, for which `mysql2` waits forever, and closes
 * broken connections. Every statement is prepared, so that values are sent apart from the SQL.
 * @param limits the timeout of statements; may change while the pool is in use
 * @param typed converts a value to a parameter of a prepared statement
 */
export function wrapPool(pool: Pool, limits: SqlLimits, typed: (value: unknown) => unknown): MysqlPool {
  const initialized = new WeakSet<PoolConnection>()
  /** Connections of an older generation were opened before a read-only error and are replaced. */
  const generations = new WeakMap<PoolConnection, number>()
  let generation = 0

  async function execute(
    connection: PoolConnection,
    ms: number,
    text: string,
    values: unknown[] = [],
  ): Promise<unknown> {
    const reply = new Promise((resolve, reject) => {
      connection.execute(text, values.map(typed) as never[], (error, result) =>
        error ? reject(error) : resolve(result),
      )
    })
    return await withTimeout(reply, ms)
  }

  async function acquireAny(): Promise<PoolConnection> {
    const acquired = new Promise<PoolConnection>((resolve, reject) => {
      pool.getConnection((error, connection) => (error ? reject(error) : resolve(connection)))
    })
    try {
      return await withTimeout(acquired, ACQUIRE_MS)
    } catch (error) {
      acquired.then(
        (late) => late.release(),
        () => undefined,
      )
      throw error
    }
  }

  async function acquire(): Promise<PoolConnection> {
    for (;;) {
      const connection = await acquireAny()
      const createdIn = generations.get(connection) ?? generation
      generations.set(connection, createdIn)
      if (createdIn === generation) return connection
      connection.destroy()
    }
  }

  /** Sets the session variables: overlong values are rejected, and times are in UTC. */
  async function initialize(connection: PoolConnection): Promise<void> {
    if (initialized.has(connection)) return
    try {
      await execute(connection, CONNECT_MS, "set session sql_mode = 'STRICT_ALL_TABLES', time_zone = '+00:00'")
    } catch (error) {
      connection.destroy()
      throw error
    }
    initialized.add(connection)
  }

  function wrapped(connection: PoolConnection): MysqlPoolConnection {
    let broken = false
    const query = (text: string, values: unknown[], callback: (error: unknown, result?: unknown) => void) => {
      execute(connection, limits.queryMs, text, values).then(
        (result) => callback(undefined, result),
        (error: unknown) => {
          const fault = faultOf(error)
          broken ||= ['unavailable', 'busy', 'read-only'].includes(fault)
          if (fault === 'read-only' && generations.get(connection) === generation) generation++
          callback(error)
        },
      )
    }
    const release = () => (broken ? connection.destroy() : connection.release())
    return { query, release } as MysqlPoolConnection
  }

  return {
    getConnection(callback) {
      const done = callback as (error: unknown, connection?: MysqlPoolConnection) => void
      acquire()
        .then(async (connection) => {
          await initialize(connection)
          return wrapped(connection)
        })
        .then(
          (connection) => done(undefined, connection),
          (error: unknown) => done(error),
        )
    },
    end: (callback) => pool.end(callback),
  }
}
