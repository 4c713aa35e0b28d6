import type { Lists } from '../backend.ts'
import { fromStored } from '../document.ts'
import { StoreError } from '../errors.ts'
import { PAGE, type Pages, pagesOf } from '../pages.ts'
import type { Key, SessionRecord } from '../record.ts'
import { type CouchbaseDocument, type CouchbaseQueries, isNamed, storeError } from './port.ts'

const QUERY_MS = 5000
/** An index of a bucket that holds much is made once, and not at once. */
const INDEX_MS = 60_000

/** What says that this bucket, or this user, has no queries, and not that something is away. */
const NO_QUERIES = [
  'AuthenticationFailureError',
  'FeatureNotAvailableError',
  'IndexFailureError',
  'IndexNotFoundError',
  'PlanningFailureError',
]

/** A field of the record of the document `s`. Escaped, since some are reserved words. */
const field = (name: keyof CouchbaseDocument['record']) => `s.\`record\`.\`${name}\``
const OF_APP = `${field('ns')} = $ns AND ${field('app')} = $app`
const NOT_OVER = `(${field('over')} IS NULL OR ${field('over')} > $now)`
const ACTIVE = `${OF_APP} AND ${field('lastActive')} >= $since AND ${NOT_OVER}`

/** Names of a bucket, none of which can end an escaped identifier. */
export const BUCKET_NAME = /^[A-Za-z0-9_.%-]{1,100}$/

interface ListParameters {
  readonly app: string
  readonly now: number
  readonly [name: string]: string | number
}

/**
 * Lists by SQL++. Every question waits for the index to know what was written before: a session that was just made is
 * in the list, as those that make sessions unique must be able to rely on.
 */
export class CouchbaseLists implements Lists {
  readonly #queries: CouchbaseQueries
  readonly #bucket: string
  readonly #from: string
  readonly #ns: string

  constructor(queries: CouchbaseQueries, bucket: string, ns: string) {
    this.#queries = queries
    this.#bucket = `FROM \`${bucket}\` AS s`
    this.#from = `${this.#bucket} WHERE`
    this.#ns = ns
  }

  byUser(app: string, user: string, now: number): Pages {
    const condition = `${OF_APP} AND ${field('user')} = $user AND ${NOT_OVER}`
    return this.#newestFirst(condition, { app, user, now }, Number.MAX_SAFE_INTEGER)
  }

  activeSince(app: string, since: number, now: number, limit: number): Pages {
    return this.#newestFirst(ACTIVE, { app, since: finite(since), now }, limit)
  }

  async countUsers(app: string, since: number, now: number): Promise<number> {
    const statement = `SELECT RAW COUNT(DISTINCT ${field('user')}) ${this.#from} ${ACTIVE} AND ${field('user')} != $nobody`
    const [count] = await this.#rows(statement, { app, since: finite(since), now, nobody: '' })
    return Number(count)
  }

  /** The server's time, milliseconds since 1970. */
  async time(): Promise<number> {
    const { rows } = await this.#queries.query('SELECT RAW NOW_MILLIS()', { timeout: QUERY_MS })
    return Number(rows[0])
  }

  /** One statement where one page is enough; otherwise one for all keys and one for each page. */
  async *#newestFirst(condition: string, given: ListParameters, limit: number): Pages {
    const rest = `${this.#from} ${condition} ORDER BY ${field('lastActive')} DESC LIMIT $limit`
    const first = await this.#rows(`SELECT RAW s.\`record\` ${rest}`, { ...given, limit: Math.min(limit, PAGE + 1) })
    if (first.length <= PAGE) return yield first.map(recordOf)
    const keys = (await this.#rows(`SELECT RAW ${field('key')} ${rest}`, { ...given, limit })) as Key[]
    const byKeys = `SELECT RAW s.\`record\` ${this.#bucket} USE KEYS $ids WHERE ${OF_APP} AND ${NOT_OVER}`
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
 * Makes the indexes that are not there, and tries whether lists can be had; undefined where they cannot: a cluster may
 * be without the query service, as many that are used for keys and values alone are, and a user without the right to it.
 */
export async function openLists(
  queries: CouchbaseQueries,
  bucket: string,
  ns: string,
): Promise<CouchbaseLists | undefined> {
  const lists = new CouchbaseLists(queries, bucket, ns)
  try {
    // Whether there is anybody to ask is known sooner than whether an index can be made.
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

/** Somebody with more rights may have made it: whether it can be used is what counts. */
async function createIndex(queries: CouchbaseQueries, statement: string): Promise<void> {
  try {
    await queries.query(statement, { timeout: INDEX_MS })
  } catch (error) {
    if (!isNamed(error, 'IndexExistsError', 'InternalServerFailureError', ...NO_QUERIES)) throw error
  }
}

/** Documents without a first field are in neither, so those of others do not count. */
function indexesOf(bucket: string): string[] {
  const fields = (...names: (keyof CouchbaseDocument['record'])[]) => names.map((name) => `\`record\`.\`${name}\``)
  const byUser = fields('ns', 'app', 'user').join(', ')
  // The users and the ends are there to be counted without a look at the documents.
  const [ns, app, lastActive, ...rest] = fields('ns', 'app', 'lastActive', 'user', 'over')
  const byActivity = [ns, app, `${lastActive} DESC`, ...rest].join(', ')
  return [
    `CREATE INDEX \`komgate_sessions_user\` ON \`${bucket}\`(${byUser})`,
    `CREATE INDEX \`komgate_sessions_active\` ON \`${bucket}\`(${byActivity})`,
  ]
}

function listError(error: unknown): unknown {
  if (!isNamed(error, ...NO_QUERIES)) return storeError(error)
  return new StoreError('cannot-list', 'this cluster of Couchbase answers no queries', { cause: error })
}

function recordOf(row: unknown): SessionRecord {
  const stored = row as CouchbaseDocument['record']
  return fromStored(stored.key as Key, stored)
}

/** JSON has no infinity: it would be null, which nothing is later than. */
function finite(since: number): number {
  return Math.max(since, Number.MIN_SAFE_INTEGER)
}
