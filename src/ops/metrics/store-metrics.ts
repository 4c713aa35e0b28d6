import type { Registry as Register } from 'prom-client'
import type { SessionStore } from '../../store/store.ts'
import { readCounter, readGauge } from './read.ts'

/**
 * Registers the metrics of a session store: whether it is available, and the record removals that are pending or were
 * dropped.
 */
export function watchStore(register: Register, store: SessionStore): void {
  readGauge(register, {
    name: 'komgate_store_up',
    help: 'Whether the session store works.',
    read: () => [[{}, store.unavailable === undefined ? 1 : 0]],
  })
  readGauge(register, {
    name: 'komgate_store_pending_ends',
    help: 'Ended sessions whose record could not be removed yet.',
    read: () => [[{}, store.ends.size]],
  })
  readCounter(register, {
    name: 'komgate_store_dropped_ends_total',
    help: 'Ended sessions whose record is left to expire, because too many ends were pending.',
    read: () => [[{}, store.ends.dropped]],
  })
}
