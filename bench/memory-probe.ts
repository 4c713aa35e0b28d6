import { Session } from 'node:inspector/promises'
import { setTimeout as sleep } from 'node:timers/promises'

const inspector = new Session()
inspector.connect()

/**
 * Collects all garbage, gives the pages that are not needed back to the kernel, and returns the bytes that JavaScript
 * still holds, Buffers included. `gc()` would let the room that the garbage took stay resident, and it would be counted
 * as the sessions'.
 */
export async function heldBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await inspector.post('HeapProfiler.collectGarbage')
    await sleep(50)
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
