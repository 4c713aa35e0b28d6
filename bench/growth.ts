import { setTimeout as sleep } from 'node:timers/promises'
import type { Inspector } from '../test/support/inspector.ts'
import { residentBytes } from '../test/support/process-resources.ts'

/** Time for the kernel and the allocator to reclaim freed memory. */
const SETTLE_MS = 500
const WARM_UPS = 2
const WARM_UP_COUNT = 300

/**
 * Opens and closes a few things to warm up, and returns by how many bytes each of `count` open ones grows the resident
 * memory of a process. They stay open.
 */
export async function growth<T>(
  { pid, inspector }: { pid: number; inspector: Inspector },
  count: number,
  open: (count: number) => Promise<T>,
  close: (opened: T) => Promise<unknown>,
): Promise<number> {
  const settled = async (): Promise<number> => {
    await inspector.heldBytes()
    await sleep(SETTLE_MS)
    await inspector.heldBytes()
    return await residentBytes(pid)
  }
  for (let i = 0; i < WARM_UPS; i++) await open(WARM_UP_COUNT).then(close).then(settled)
  const before = await settled()
  await open(count)
  return ((await settled()) - before) / count
}
