import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { BSON, MongoServerError } from 'mongodb'
import type { MongoCollection, Query, SessionDocument } from '../../src/store/backends/mongodb/port.ts'
import { FakeMongoServer } from './fake-mongo-collection.ts'

const HEADER_BYTES = 16
const OP_REPLY = 1
const OP_QUERY = 2004
const OP_MSG = 2013
/** Documents per batch; the driver requests further batches. */
const BATCH = 101

/** A fake MongoDB server on a TCP port, with one collection. It supports what the official driver sends. */
export class FakeMongod {
  readonly server = new FakeMongoServer()
  readonly #collection = this.server.collection()
  readonly #sockets = new Set<Socket>()
  readonly #cursors = new Map<bigint, unknown[]>()
  #lastCursor = 0n
  #listener: Server | undefined
  /** port of 127.0.0.1; kept by `close`, so that `listen` uses it again */
  port = 0
  /** whether the server leaves requests without a reply */
  silent = false

  /** Starts a server on a free port. */
  static async start(): Promise<FakeMongod> {
    const mongod = new FakeMongod()
    await mongod.listen()
    return mongod
  }

  /** Starts to listen, also after `close`. */
  async listen(): Promise<void> {
    this.#listener = createServer((socket) => this.#serve(socket)).listen(this.port, '127.0.0.1')
    await once(this.#listener, 'listening')
    this.port = (this.#listener.address() as AddressInfo).port
  }

  /** Closes all connections and stops listening. The data remains. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#listener?.close(resolve) ?? resolve(undefined))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => undefined)
    let unread = Buffer.alloc(0)
    socket.on('data', (bytes) => {
      unread = Buffer.concat([unread, bytes])
      while (unread.length >= HEADER_BYTES && unread.length >= unread.readInt32LE(0)) {
        const message = unread.subarray(0, unread.readInt32LE(0))
        unread = unread.subarray(message.length)
        void this.#answer(message).then((answer) => this.silent || socket.write(answer))
      }
    })
  }

  async #answer(message: Buffer): Promise<Buffer> {
    const [id, opcode] = [message.readInt32LE(4), message.readInt32LE(12)]
    if (opcode === OP_MSG) return written(id, OP_MSG, Buffer.alloc(5), await this.#reply(readMessage(message)))
    if (opcode !== OP_QUERY) throw new Error(`unknown opcode ${opcode}`)
    // Only the first message of a connection uses the legacy format.
    const start = message.indexOf(0, HEADER_BYTES + 4) + 9
    const prefix = Buffer.alloc(20)
    prefix.writeInt32LE(1, HEADER_BYTES)
    return written(id, OP_REPLY, prefix, await this.#reply(BSON.deserialize(message.subarray(start))))
  }

  async #reply(command: Query): Promise<Query> {
    try {
      return { ...(await this.#run(command, this.#collection)), ok: 1 }
    } catch (error) {
      if (!(error instanceof MongoServerError)) throw error
      return { ok: 0, errmsg: error.message, code: error.code }
    }
  }

  async #run(command: Query, collection: MongoCollection): Promise<Query> {
    const [[name = ''] = []] = Object.entries(command)
    const { filter, query, fields, projection, sort, limit } = command as Record<string, Query | undefined>
    switch (name.toLowerCase()) {
      case 'hello':
      case 'ismaster':
        return {
          isWritablePrimary: true,
          ismaster: true,
          helloOk: true,
          maxWireVersion: 21,
          // The tests do not control the clock of the server.
          localTime: new Date(performance.timeOrigin + performance.now()),
          ...LIMITS,
        }
      case 'createindexes':
        for (const { key, name: _, ...options } of listOf(command.indexes)) {
          await collection.createIndex(key as Record<string, 1>, options)
        }
        return {}
      case 'insert':
        for (const document of listOf(command.documents)) await collection.insertOne(document as SessionDocument)
        return { n: listOf(command.documents).length }
      case 'find': {
        const options = { projection, sort, limit } as unknown as Parameters<MongoCollection['find']>[1]
        const found: SessionDocument[] = []
        for await (const document of collection.find(filter ?? {}, options)) found.push(document)
        return this.#cursor(found)
      }
      case 'aggregate':
        return this.#cursor(await collection.aggregate(listOf(command.pipeline), { allowDiskUse: true }).toArray())
      case 'getmore':
        return this.#more(command.getMore)
      case 'findandmodify': {
        const options = { projection: fields as Record<string, 1>, returnDocument: 'before' } as const
        if (command.remove === true) return { value: await collection.findOneAndDelete(query ?? {}, options) }
        if (command.new === true) throw new MongoServerError({ message: 'returnDocument must be before', code: 9 })
        return { value: await collection.findOneAndUpdate(query ?? {}, listOf(command.update), options) }
      }
      case 'update': {
        const [{ q, u } = {}] = listOf(command.updates)
        const { matchedCount: n } = await collection.updateOne(q as Query, listOf(u))
        return { n, nModified: n }
      }
      case 'delete':
        for (const { q } of listOf(command.deletes)) await collection.deleteMany(q as Query)
        return { n: 0 }
      case 'saslstart':
        throw new MongoServerError({ message: 'Authentication failed.', code: 18 })
      case 'ping':
      case 'endsessions':
        return {}
      default:
        throw new MongoServerError({ message: `no such command: '${name}'`, code: 59 })
    }
  }

  #cursor(documents: unknown[]): Query {
    const id = documents.length > BATCH ? ++this.#lastCursor : 0n
    if (id > 0n) this.#cursors.set(id, documents.slice(BATCH))
    return { cursor: { firstBatch: documents.slice(0, BATCH), id: BSON.Long.fromBigInt(id), ns: 'db.sessions' } }
  }

  #more(cursor: unknown): Query {
    const id = BigInt(String(cursor))
    const documents = this.#cursors.get(id)
    if (documents === undefined) throw new MongoServerError({ message: 'cursor not found', code: 43 })
    this.#cursors.delete(id)
    return { cursor: { nextBatch: documents, id: BSON.Long.ZERO, ns: 'db.sessions' } }
  }
}

const LIMITS = {
  minWireVersion: 0,
  maxBsonObjectSize: 16_777_216,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 1000,
}

/** Parses a message: one command, with optional document sequences. */
function readMessage(message: Buffer): Query {
  let command: Query = {}
  let at = HEADER_BYTES + 4
  while (at < message.length) {
    const kind = message.readUInt8(at++)
    const end = at + message.readInt32LE(at)
    if (kind === 0) command = { ...BSON.deserialize(message.subarray(at, end)), ...command }
    else {
      const nameEnd = message.indexOf(0, at + 4)
      const documents: Query[] = []
      for (let i = nameEnd + 1; i < end; i += message.readInt32LE(i)) {
        documents.push(BSON.deserialize(message.subarray(i, i + message.readInt32LE(i))))
      }
      command = { ...command, [message.toString('utf8', at + 4, nameEnd)]: documents }
    }
    at = end
  }
  return command
}

function written(to: number, opcode: number, prefix: Buffer, document: Query): Buffer {
  const body = BSON.serialize(document)
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeInt32LE(HEADER_BYTES + prefix.length + body.length, 0)
  header.writeInt32LE(to, 8)
  header.writeInt32LE(opcode, 12)
  return Buffer.concat([header, prefix, body])
}

function listOf(value: unknown): Query[] {
  return value as Query[]
}
