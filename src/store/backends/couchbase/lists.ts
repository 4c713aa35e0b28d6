import type { Lists } from '../../backend.ts'
import { fromStored } from '../../document.ts'
import { StoreError } from '../../errors.ts'
import { PAGE, type Pages, pagesOf } from '../../pages.ts'
import type { Key, SessionRecord } from '../../record.ts'
import { type CouchbaseDocument, type CouchbaseQueries, isNamed, storeError } from './port.ts'

/** Timeout of a query, milliseconds. */
const QUERY_MS = 5000
/** Timeout for creating an index, milliseconds, which takes long for a large bucket. */
const INDEX_MS = 60_000

/** Names of errors that mean that the bucket or user does not support queries; the service itself is available. */
const NO_QUERIES = [
  'AuthenticationFailureError',
  'FeatureNotAvailableError',
  'IndexFailureError',
  'IndexNotFoundError',
  'PlanningFailureError',
]

/**
 * Returns the SQL++ expression for a record field of the document `s`. It is escaped, since some names are reserved
 * words.
 */
const field = (name: keyof CouchbaseDocument['record']) => `s.\`record\`.\`${name}\``
const OF_APP = `${field('ns')} = $ns AND ${field('app')} = $app`
const NOT_EXPIRED = `(${field('over')} IS NULL OR ${field('over')} > $now)`
const ACTIVE = `${OF_APP} AND ${field('lastActive')} >= $since AND ${NOT_EXPIRED}`

/** Valid bucket names. They contain no backtick, so they can be used in an escaped identifier. */
export const BUCKET_NAME = /^[A-Za-z0-9_.%-]{1,100}$/

interface ListParameters {
  readonly app: string
  readonly now: number
  readonly [name: string]: string | number
}

/**
 * Lists records with SQL++. Every query waits until the index contains all earlier writes, so that new sessions are
 * listed; unique sessions depend on that.
 */
export class CouchbaseLists implements Lists {
  readonly #queries: CouchbaseQueries
  readonly #bucket: string
  readonly #from: string
  readonly #ns: string

  /**
   * @param bucket name of the bucket, which matches `BUCKET_NAME`
   * @param ns the layout's `keyNs`
   */
  constructor(queries: CouchbaseQueries, bucket: string, ns: string) {
    this.#queries = queries
    this.#bucket = `FROM \`${bucket}\` AS s`
    this.#from = `${this.#bucket} WHERE`
    this.#ns = ns
  }

  byUser(app: string, user: string, now: number): Pages {
    const condition = `${OF_APP} AND ${field('user')} = $user AND ${NOT_EXPIRED}`
    return this.#newestFirst(condition, { app, user, now }, Number.MAX_SAFE_INTEGER)
  }

  activeSince(app: string, since: number, now: number, limit: number): Pages {
    return this.#newestFirst(ACTIVE, { app, since: finite(since), now }, limit)
  }

  async countUsers(app: string, since: number, now: number): Promise<number> {
    const user = field('user')
    const statement = `SELECT RAW COUNT(DISTINCT ${user}) ${this.#from} ${ACTIVE} AND ${user} != $anonymous`
    const [count] = await this.#rows(statement, { app, since: finite(since), now, anonymous: '' })
    return Number(count)
  }

  /** Returns the server's time, milliseconds since 1970. */
  async time(): Promise<number> {
    const { rows } = await this.#queries.query('SELECT RAW NOW_MILLIS()', { timeout: QUERY_MS })
    return Number(rows[0])
  }

  /** Runs one statement if the result fits on one page; otherwise one statement for all keys and one for each page. */
  async *#newestFirst(condition: string, given: ListParameters, limit: number): Pages {
    const rest = `${this.#from} ${condition} ORDER BY ${field('lastActive')} DESC LIMIT $limit`
    const first = await this.#rows(`SELECT RAW s.\`record\` ${rest}`, { ...given, limit: Math.min(limit, PAGE + 1) })
    if (first.length <= PAGE) return yield first.map(recordOf)
    const keys = (await this.#rows(`SELECT RAW ${field('key')} ${rest}`, { ...given, limit })) as Key[]
    const byKeys = `SELECT RAW s.\`record\` ${this.#bucket} USE KEYS $ids WHERE ${OF_APP} AND ${NOT_EXPIRED}`
    const { app, now } = given
    yield* pagesOf(keys, async (some) => {
      const ids = some.map((key) => this.#ns + key)
      return (await this.#rows(byKeys, { app, now, ids })).map(recordOf)
    })
  }

  async #rows(
    statement: string,
    parameters: Record<string, string | number | readonly string[]>,
  ): Promise<readonly unknown[]> {
    const options = { scanConsistency: 'request_plus', readOnly: true, timeout: QUERY_MS } as const
    try {
      const { rows } = await this.#queries.query(statement, { ...options, parameters: { ...parameters, ns: this.#ns } })
      return rows
    } catch (error) {
      throw listError(error)
    }
  }
}

/**
 * Creates missing indexes and checks that records can be listed.
 * @param bucket name of the bucket, which matches `BUCKET_NAME`
 * @param ns the layout's `keyNs`
 * @returns undefined if the cluster has no query service or the user may not use it
 * @throws StoreError if the cluster is unavailable
 */
export async function openLists(
  queries: CouchbaseQueries,
  bucket: string,
  ns: string,
): Promise<CouchbaseLists | undefined> {
  const lists = new CouchbaseLists(queries, bucket, ns)
  try {
    // Check for the query service first, which is faster than creating an index.
    await queries.query('SELECT RAW 1', { timeout: QUERY_MS })
    for (const statement of indexesOf(bucket)) await createIndex(queries, statement)
    await lists.countUsers('', 0, 0)
    return lists
  } catch (error) {
    const reason = error instanceof StoreError ? error.cause : error
    if (isNamed(reason, 'ServiceNotAvailableError', ...NO_QUERIES)) return undefined
    throw storeError(error)
  }
}

/** Creates an index. Ignores missing rights, since another user may have created it; `openLists` checks that. */
async function createIndex(queries: CouchbaseQueries, statement: string): Promise<void> {
  try {
    await queries.query(statement, { timeout: INDEX_MS })
  } catch (error) {
    if (!isNamed(error, 'IndexExistsError', 'InternalServerFailureError', ...NO_QUERIES)) throw error
  }
}

/**
 * Returns the statements that create the indexes. An index contains no documents without its first field, so it
 * contains no documents of other programs.
 */
function indexesOf(bucket: string): string[] {
  const fields = (...names: (keyof CouchbaseDocument['record'])[]) => names.map((name) => `\`record\`.\`${name}\``)
  const byUser = fields('ns', 'app', 'user').join(', ')
  // Users and end times are in the index, so that counting reads no documents.
  const [ns, app, lastActive, ...rest] = fields('ns', 'app', 'lastActive', 'user', 'over')
  const byActivity = [ns, app, `${lastActive} DESC`, ...rest].join(', ')
  return [
    `CREATE INDEX \`komgate_sessions_user\` ON \`${bucket}\`(${byUser})`,
    `CREATE INDEX \`komgate_sessions_active\` ON \`${bucket}\`(${byActivity})`,
  ]
}

function listError(error: unknown): unknown {
  if (!isNamed(error, ...NO_QUERIES)) return storeError(error)
  return new StoreError('cannot-list', 'this Couchbase cluster has no query service', { cause: error })
}

function recordOf(row: unknown): SessionRecord {
  const stored = row as CouchbaseDocument['record']
  return fromStored(stored.key as Key, stored)
}

/** Replaces negative infinity by a finite time, since JSON has no infinity. */
function finite(since: number): number {
  return Math.max(since, Number.MIN_SAFE_INTEGER)
}
