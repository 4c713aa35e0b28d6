import type { Backend } from '../../backend.ts'
import { checkNames } from '../../document.ts'
import { decoded, loadDriver, withoutPassword } from '../../driver.ts'
import { StoreError } from '../../errors.ts'
import type { Layout } from '../../layout.ts'
import { CouchbaseBackend } from './backend.ts'
import { BUCKET_NAME, openLists } from './lists.ts'
import { type CouchbaseCollection, type CouchbaseSdk, isNamed } from './port.ts'

const PACKAGE: string = 'couchbase'
const TIMEOUTS = { kvTimeout: 2500, queryTimeout: 5000, connectTimeout: 3000, bootstrapTimeout: 5000 }

/**
 * Opens a Couchbase store, `couchbase://user:password@host/bucket?…` or `couchbases:`, with the options of the official
 * SDK, an optional package (4.6 or later: earlier versions take an expiry of 30 days or more for a date in the past).
 * It was never run on a real server.
 *
 * Records are in the bucket's default collection, each in a document with the id `layout.keyNs` plus key; the document
 * has the fields of the layout, and the record itself in `record`. The bucket may contain other documents. Lists need
 * the query service; without it sessions are stored but cannot be listed.
 *
 * Rejects with a `TypeError` for a wrong URL and with a `StoreError` `unavailable` if the cluster cannot be used.
 */
export async function openCouchbase(
  url: URL,
  layout: Layout,
  load: () => Promise<CouchbaseSdk> = () => import(PACKAGE),
): Promise<Backend> {
  const bucket = decoded(url.pathname.slice(1))
  if (!BUCKET_NAME.test(bucket)) throw new TypeError('Couchbase store URLs must name a bucket')
  if (url.username === '') throw new TypeError('Couchbase store URLs must name a user')
  const credentials = { username: decoded(url.username), password: decoded(url.password) }
  checkNames(Object.values(layout.fields))
  const sdk = await loadDriver(['couchbase'], load)
  try {
    const cluster = await sdk.connect(`${url.protocol}//${url.host}${url.search}`, {
      ...credentials,
      timeouts: TIMEOUTS,
    })
    try {
      const collection = cluster.bucket(bucket).defaultCollection()
      await checkBucket(collection, layout)
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
    throw new StoreError('unavailable', `Couchbase is unavailable: ${why}`)
  }
}

/** Rejects if the bucket does not respond: the SDK opens it in the background and reports no error. */
async function checkBucket(collection: CouchbaseCollection, { keyNs }: Layout): Promise<void> {
  try {
    await collection.get(`${keyNs}nothing`)
  } catch (error) {
    if (!isNamed(error, 'DocumentNotFoundError')) throw error
  }
}
