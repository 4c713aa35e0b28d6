import { describe } from 'vitest'
import { openBackend } from '../../../src/sessions/store/open.ts'
import { redisInstalled, startRedis, withRedis } from '../../support/redis-server.ts'
import { describeStore } from './contract.ts'

describe.skipIf(!redisInstalled())('Redis', () => {
  describeStore('Redis', async () => {
    const server = await startRedis()
    return {
      open: () => openBackend(server.url),
      dump: async () => JSON.stringify(await everything(server.url)),
      outage: { begin: server.stop, end: server.start },
      lists: true,
      close: server.close,
    }
  })
})

/** Every key of the database, and what is there. */
async function everything(url: string): Promise<Record<string, unknown>> {
  return await withRedis(url, async (client) => {
    const all: Record<string, unknown> = {}
    for await (const keys of client.scanIterator()) {
      for (const key of keys) all[key] = await valueOf(client, key)
    }
    return all
  })
}

async function valueOf(client: Parameters<Parameters<typeof withRedis>[1]>[0], key: string): Promise<unknown> {
  const type = await client.type(key)
  if (type === 'hash') return { ...(await client.hGetAll(key)) }
  if (type === 'set') return await client.sMembers(key)
  if (type === 'zset') return await client.zRangeWithScores(key, 0, -1)
  return await client.get(key)
}
