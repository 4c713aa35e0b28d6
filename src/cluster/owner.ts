import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { isNodeUrl } from './node-url.ts'
import type { Slot } from './slots.ts'

/** A node that holds a slot. */
export interface Owner {
  /** identifies one start of the node: sessions of earlier epochs are gone */
  readonly epoch: string
  /** where other nodes reach it, `http://10.0.0.7:5002` for example */
  readonly url: string
}

/** An owner in Redis. Nodes of later versions may add fields. */
const OwnerRecord = z.object({
  epoch: z.string(),
  url: z.string().refine(isNodeUrl),
  /** proves that a node has written it, because requests with ids and passwords go to the URL */
  mac: z.string(),
})

/** Returns the JSON of an owner for Redis. */
export function ownerJson(slot: Slot, { epoch, url }: Owner, clusterKey: string): string {
  return JSON.stringify({ epoch, url, mac: macOf(slot, { epoch, url }, clusterKey) })
}

/**
 * Returns an owner from its JSON in Redis; undefined if no node with the key of the cluster has written it for the
 * slot.
 */
export function parseOwner(slot: Slot, json: string, clusterKey: string): Owner | undefined {
  const record = recordIn(json)
  if (record === undefined) return undefined
  const { epoch, url, mac } = record
  const [given, expected] = [Buffer.from(mac), Buffer.from(macOf(slot, { epoch, url }, clusterKey))]
  return given.length === expected.length && timingSafeEqual(given, expected) ? { epoch, url } : undefined
}

function recordIn(json: string): z.output<typeof OwnerRecord> | undefined {
  try {
    return OwnerRecord.parse(JSON.parse(json))
  } catch {
    return undefined
  }
}

function macOf(slot: Slot, { epoch, url }: Owner, clusterKey: string): string {
  return createHmac('sha256', clusterKey).update(['owner', slot, epoch, url].join('\n')).digest('base64url')
}

/** Returns whether two owners are the same start of the same node. */
export function isSameOwner(one: Owner | undefined, other: Owner | undefined): boolean {
  return one?.epoch === other?.epoch
}
