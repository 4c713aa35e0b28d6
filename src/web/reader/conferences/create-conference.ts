import type { Kom } from 'komgate/client'

/** The kinds of new conferences. */
export const KINDS = ['open', 'closed', 'secret', 'original'] as const
/** A kind of a new conference. */
export type Kind = (typeof KINDS)[number]

const TYPES = {
  open: {},
  closed: { rd_prot: true },
  secret: { rd_prot: true, secret: true },
  original: { original: true },
}

/** Creates a conference, and makes the person its first member. Resolves with its number. */
export async function createConference(
  kom: Kom,
  { name, kind, persNo, position }: { name: string; kind: Kind; persNo: number; position: number },
): Promise<number> {
  const confNo = await kom.call('create-conf', { name: name.trim(), type: TYPES[kind], aux_items: [] })
  // Without a membership, the conference itself offers to join it.
  await kom.memberships.set(persNo, confNo, { where: position }).catch(() => undefined)
  return confNo
}
