import type { Backend } from '../backend.ts'
import { checkNames } from '../document.ts'
import { decoded, loadDriver, withoutPassword } from '../driver.ts'
import { StoreError } from '../errors.ts'
import type { Layout } from '../layout.ts'
import { CouchbaseBackend } from './backend.ts'
import { BUCKET_NAME, openLists } from './lists.ts'
import { type CouchbaseCollection, type CouchbaseSdk, isNamed } from './port.ts'

const PACKAGE: string = 'couchbase'
const TIMEOUTS = { kvTimeout: 2500, queryTimeout: 5000, connectTimeout: 3000, bootstrapTimeout: 5000 }

/**
 * `couchbase://user:password@host/bucket?…` and `couchbases:`, with the options of the official SDK, an optional package
 * (4.6 or later: before, it took a time of 30 days and more for a date long past). No real server has seen this yet.
 *
 * The records are in the bucket's default collection, each in a document under `layout.keyNs` and the key, with the
 * fields that are named, and the record itself in `record`. The bucket may have other documents. Lists need the query
 * service; a cluster without it keeps sessions all the same, and cannot list them.
 */
export async function openCouchbase(
  url: URL,
  layout: Layout,
  load: () => Promise<CouchbaseSdk> = () => import(PACKAGE),
): Promise<Backend> {
  const bucket = decoded(url.pathname.slice(1))
  if (!BUCKET_NAME.test(bucket)) throw new TypeError("the store's URL does not say which bucket of Couchbase")
  if (url.username === '') throw new TypeError("the store's URL does not say which user of Couchbase")
  const credentials = { username: decoded(url.username), password: decoded(url.password) }
  checkNames(Object.values(layout.fields))
  const sdk = await loadDriver('couchbase', '4', load)
  try {
    const cluster = await sdk.connect(`${url.protocol}//${url.host}${url.search}`, {
      ...credentials,
      timeouts: TIMEOUTS,
    })
    try {
      const collection = cluster.bucket(bucket).defaultCollection()
      await reach(collection, layout)
      const lists = await openLists(cluster, bucket, layout.keyNs)
      return new CouchbaseBackend({
        collection,
        lists,
        layout,
        time: lists && (() => lists.time()),
        close: () => cluster.close(),
      })
    } catch (error) {
      await cluster.close().catch(() => undefined)
      throw error
    }
  } catch (error) {
    const why = withoutPassword(error instanceof Error ? error.message : String(error), url)
    throw new StoreError('unavailable', `Couchbase cannot be used: ${why}`)
  }
}

/** Rejects when the bucket does not answer: the SDK opens it behind our back, and says nothing. */
async function reach(collection: CouchbaseCollection, { keyNs }: Layout): Promise<void> {
  try {
    await collection.get(`${keyNs}nothing`)
  } catch (error) {
    if (!isNamed(error, 'DocumentNotFoundError')) throw error
  }
}
