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
 * Opens a Couchbase store. It has not been tested with a real server. The SDK must be version 4.6 or later: earlier
 * versions treat an expiry of 30 days or more as a date in the past.
 *
 * Records are in the default collection of the bucket, each in a document with the id `layout.keyNs` plus key. The
 * document has the fields for other programs, and the record itself in `record`. The bucket may contain other
 * documents. Lists require the query service; without it sessions cannot be listed.
 * @param url `couchbase://user:password@host/bucket` or `couchbases:`, with options of the SDK in the query
 * @param layout prefix of document ids, and names of the fields for other programs
 * @param load imports the SDK; replaced in tests
 * @throws StoreError `unavailable` if the cluster cannot be reached or used
 * @throws TypeError for an invalid URL or layout, or if the SDK is not installed
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

/** Reads from the bucket to detect errors, since the SDK opens a bucket in the background and reports none. */
async function checkBucket(collection: CouchbaseCollection, { keyNs }: Layout): Promise<void> {
  try {
    await collection.get(`${keyNs}nothing`)
  } catch (error) {
    if (!isNamed(error, 'DocumentNotFoundError')) throw error
  }
}
