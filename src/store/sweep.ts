/** Records that one call to the server removes. More would block other calls for too long, or take too long for one. */
const BATCH = 1000
/** Records that one sweep removes. */
const LIMIT = 20_000

/**
 * Removes expired records in batches, at most 20,000.
 * @param removeSome removes at most `limit` expired records and returns how many it found
 */
export async function sweepInBatches(removeSome: (limit: number) => Promise<number>): Promise<void> {
  for (let swept = 0; swept < LIMIT; ) {
    const some = await removeSome(BATCH)
    swept += some
    if (some < BATCH) return
  }
}
