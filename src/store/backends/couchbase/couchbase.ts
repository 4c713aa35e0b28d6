import { connect } from 'couchbase'
import { type Backend, checkNames, decoded, type Layout, openingError } from '../../index.ts'
import { CouchbaseBackend } from './backend.ts'
import { isNamed } from './errors.ts'

const TIMEOUTS = { kvTimeout: 2500, connectTimeout: 3000, bootstrapTimeout: 5000 }
const BUCKET_NAME = /^[A-Za-z0-9_.%-]{1,100}$/

/**
 * Opens a Couchbase store. It uses the key-value service alone, so it cannot list sessions. The SDK must be version 4.6
 * or later: earlier versions treat an expiry of 30 days or more as a date in the past.
 *
 * Records are in the default collection of the bucket, each in a document with the id `layout.keyNs` plus key. The
 * document has the fields for other programs, and the record itself in `record`. The bucket may contain other
 * documents.
 * @param url `couchbase://user:password@host/bucket` or `couchbases:`, with options of the SDK in the query
 * @param layout prefix of document ids, and names of the fields for other programs
 * @throws StoreError `unavailable` if the cluster cannot be reached or used
 * @throws TypeError for an invalid URL or layout
 */
export async function openCouchbase(url: URL, layout: Layout): Promise<Backend> {
  const bucket = decoded(url.pathname.slice(1))
  if (!BUCKET_NAME.test(bucket)) throw new TypeError('Couchbase store URLs must name a bucket')
  if (url.username === '') throw new TypeError('Couchbase store URLs must name a user')
  const credentials = { username: decoded(url.username), password: decoded(url.password) }
  checkNames(Object.values(layout.fields))
  try {
    const cluster = await connect(`${url.protocol}//${url.host}${url.search}`, { ...credentials, timeouts: TIMEOUTS })
    try {
      const collection = cluster.bucket(bucket).defaultCollection()
      // The SDK opens a bucket in the background and reports no errors.
      await collection.get(`${layout.keyNs}nothing`).catch((error: unknown) => {
        if (!isNamed(error, 'DocumentNotFoundError')) throw error
      })
      return new CouchbaseBackend(collection, layout, () => cluster.close())
    } catch (error) {
      await cluster.close().catch(() => undefined)
      throw error
    }
  } catch (error) {
    throw openingError('Couchbase', error, url)
  }
}
