import { Counter, Gauge, type Registry as Register } from 'prom-client'
import type { Cluster } from '../../cluster/cluster.ts'

/**
 * Registers the metrics of a node: its name and slot, whether its lease is certain, and the requests that it has forwarded.
 * @param register the prom-client registry that exposes the metrics
 */
export function watchCluster(register: Register, { lease, outcomes }: Pick<Cluster, 'lease' | 'outcomes'>): void {
  const registers = [register]
  new Gauge({
    name: 'komgate_node_info',
    help: 'Always 1; the labels are the URL of this node of the cluster and its slot.',
    labelNames: ['node', 'slot'],
    registers,
    collect() {
      this.reset()
      this.set({ node: lease.owner.url, slot: lease.slot }, 1)
    },
  })
  new Gauge({
    name: 'komgate_node_lease_held',
    help: 'Whether no other node can have taken the slot of this one. New sessions are rejected while it is 0.',
    registers,
    collect() {
      this.set(lease.isHeld ? 1 : 0)
    },
  })
  new Counter({
    name: 'komgate_forwarded_requests_total',
    help: 'Requests for sessions of other nodes, by outcome.',
    labelNames: ['outcome'],
    registers,
    collect() {
      this.reset()
      for (const [outcome, n] of outcomes) this.inc({ outcome }, n)
    },
  })
}
