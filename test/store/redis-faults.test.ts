import { describe, expect } from 'vitest'
import { redisInstalled, startRedis } from '../support/redis-server.ts'
import { describeFaults } from './faults.ts'

describe.skipIf(!redisInstalled())('Redis', () => {
  describeFaults('Redis', {
    start: () => startRedis({ password: 's3cret', settings: ['--maxmemory', '3mb'] }),
    async fill(_, create) {
      const fill = async () => {
        for (let i = 0; i < 200; i++) await create()
      }
      await expect(fill()).rejects.toThrow()
    },
    denied: (url) => [[url.replace('s3cret', 'hunter2'), /WRONGPASS/]],
  })
})
