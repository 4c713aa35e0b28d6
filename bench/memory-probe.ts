import { Session } from 'node:inspector/promises'
import { setTimeout as sleep } from 'node:timers/promises'

const inspector = new Session()
inspector.connect()

/**
 * Collects all garbage, returns unused pages to the kernel, and returns the bytes that JavaScript still holds,
 * including Buffers. After `gc()` the pages of the garbage would stay resident and be counted for the sessions.
 */
export async function heldBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await inspector.post('HeapProfiler.collectGarbage')
    await sleep(50)
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
