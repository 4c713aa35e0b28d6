import { Counter, Gauge, type Registry as Register } from 'prom-client'
import type { SessionStore } from '../../store/store.ts'

/**
 * Registers the metrics of a session store: whether it is available, and the record removals that are pending or were
 * dropped.
 * @param register the prom-client registry that exposes the metrics
 */
export function watchStore(register: Register, store: SessionStore): void {
  const registers = [register]
  new Gauge({
    name: 'komgate_store_up',
    help: 'Whether the session store is available.',
    registers,
    collect() {
      this.set(store.unavailable === undefined ? 1 : 0)
    },
  })
  new Gauge({
    name: 'komgate_store_pending_ends',
    help: 'Ended sessions whose record could not be removed yet.',
    registers,
    collect() {
      this.set(store.ends.size)
    },
  })
  new Counter({
    name: 'komgate_store_dropped_ends_total',
    help: 'Ended sessions whose record is left to expire, because too many removals were pending.',
    registers,
    collect() {
      this.reset()
      this.inc(store.ends.dropped)
    },
  })
}
