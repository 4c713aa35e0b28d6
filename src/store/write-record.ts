import { StoreError } from './errors.ts'
import type { MonitoredBackend } from './monitored-backend.ts'
import { afterWrite, type Change, type SessionRecord } from './record.ts'
import { Conflict, retryOnConflict } from './retry.ts'

/** Attempts of an optimistic write before it fails with `contended`. */
const MAX_ATTEMPTS = 50

/**
 * Reads a record and writes a change that may depend on it. Repeats both if another writer changed the record in
 * between.
 * @param find returns the current record
 * @param changeOf returns the change to a record
 * @param clock returns the time, milliseconds since 1970
 * @returns the record after the write, undefined if there is none
 * @throws StoreError `contended` after too many conflicts, and the errors of the backend and of `changeOf`
 */
export async function writeRecord(
  backend: MonitoredBackend,
  find: () => Promise<SessionRecord | undefined>,
  changeOf: (record: SessionRecord) => Change,
  clock: () => number,
): Promise<SessionRecord | undefined> {
  const attempt = async () => {
    const record = await find()
    if (record === undefined) return undefined
    const change = changeOf(record)
    const now = clock()
    const isWritten = await backend.update(record.key, record.revision, change, now)
    return isWritten ? afterWrite(record, change, now) : new Conflict()
  }
  try {
    return await retryOnConflict(attempt, { attempts: MAX_ATTEMPTS })
  } catch (error) {
    if (error instanceof StoreError && error.code === 'contended') backend.failed(error)
    throw error
  }
}
