import { z } from 'zod'

/** A node that holds a slot, as its JSON in Redis. */
const Owner = z.strictObject({
  /** identifies one start of the node: sessions of earlier epochs are gone */
  epoch: z.string(),
  /** where other nodes reach it, `http://10.0.0.7:5002` for example */
  url: z.string(),
})

/** A node that holds a slot. */
export type Owner = Readonly<z.output<typeof Owner>>

/** Returns an owner from its JSON. */
export function parseOwner(json: string): Owner {
  return Owner.parse(JSON.parse(json))
}

/** Returns whether two owners are the same start of the same node. */
export function isSameOwner(one: Owner | undefined, other: Owner | undefined): boolean {
  return one?.epoch === other?.epoch
}
