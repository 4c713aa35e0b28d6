import { MongoClient } from 'mongodb'
import { type Backend, checkNames, type Layout, openingError, withoutPassword } from '../../index.ts'
import { MongodbBackend } from './backend.ts'

/**
 * Driver options that apply unless the URL sets them. By default, the driver waits 30 s for a server and forever for a
 * reply.
 */
const DEFAULTS = {
  appName: 'komgate',
  serverSelectionTimeoutMS: '3000',
  connectTimeoutMS: '3000',
  socketTimeoutMS: '5000',
  waitQueueTimeoutMS: '3000',
}

/**
 * Opens a MongoDB store. It uses only what FerretDB 1.24 supports too, so no update pipelines and no TTL indexes.
 *
 * Records are in the collection `layout.table`, each in a document with its key in `layout.sidField`, the fields for
 * other programs, and the record itself in `record`. The collection may contain other documents.
 * @param url `mongodb://user:password@host/database` or `mongodb+srv:`, with options of the driver in the query
 * @param layout names of the collection and of the fields
 * @throws StoreError `unavailable` if the server cannot be reached or used
 * @throws TypeError for an invalid URL or layout
 */
export async function openMongodb(url: URL, layout: Layout): Promise<Backend> {
  if (url.pathname.length < 2) throw new TypeError('MongoDB store URLs must name a database')
  checkNames([...new Set(['_id', layout.sidField]), ...Object.values(layout.fields)])
  const client = clientOf(url)
  const backend = new MongodbBackend(client, layout)
  try {
    await client.connect()
    await backend.prepare()
  } catch (error) {
    await client.close().catch(() => undefined)
    throw openingError('MongoDB', error, url)
  }
  return backend
}

function withDefaults(url: URL): string {
  const whole = new URL(url)
  const given = new Set(Array.from(url.searchParams.keys(), (name) => name.toLowerCase()))
  for (const [name, value] of Object.entries(DEFAULTS)) {
    if (!given.has(name.toLowerCase())) whole.searchParams.set(name, value)
  }
  return withMembers(whole)
}

/** Creates the client. Errors of the driver about the URL are replaced, since they may contain passwords. */
function clientOf(url: URL): MongoClient {
  try {
    return new MongoClient(withDefaults(url))
  } catch (error) {
    throw new TypeError(`the MongoDB driver rejects the store URL: ${withoutPassword(String(error), url)}`)
  }
}

/** Returns a URL in the form that the driver parses: `parseStoreUrl` escapes the colons of a replica set. */
export function withMembers(url: URL): string {
  return url.href.replace(url.hostname, url.hostname.replace(/%3A/gi, ':'))
}
