import type { Kom, Membership } from 'komgate/client'

/** The number of newest texts to begin with in a conference that is joined, unless the person chooses otherwise. */
export const NEWEST = 20
/** The highest priority of a membership. */
export const MAX_PRIORITY = 255

/** Where a membership is in reading order: by descending priority, then by position. */
export type Place = Pick<Membership, 'priority' | 'position'>

/** The flags of a membership that the person chooses. */
export type Flags = Partial<Record<'invitation' | 'passive' | 'secret', boolean>>

/**
 * Makes the person a member of a conference, after their other conferences.
 *
 * @param memberships those that the person has
 * @param newest the number of texts that are unread from then on; undefined for all
 * @throws LyskomError `AccessDenied` if the conference is closed
 */
export async function join(
  kom: Kom,
  persNo: number,
  confNo: number,
  { memberships, newest }: { memberships: readonly Membership[]; newest: number | undefined },
): Promise<void> {
  const joined = kom.memberships.set(persNo, confNo, { where: memberships.length })
  await kom.batch([
    joined,
    ...(newest === undefined ? [] : [kom.memberships.setUnread(confNo, newest, { after: [joined] })]),
  ])
}

/** Moves a membership in reading order. Its flags stay. */
export async function moveTo(kom: Kom, membership: Membership, { priority, position }: Place): Promise<void> {
  const { pers_no, conference, type } = membership
  await kom.call('add-member', {
    conf_no: conference.conf_no,
    pers_no,
    priority,
    where: position,
    type: flagsOf(type),
  })
}

/** Changes flags of a membership, and keeps the others. */
export async function setFlags(kom: Kom, { pers_no, conference, type }: Membership, flags: Flags): Promise<void> {
  await kom.call('set-membership-type', {
    pers: pers_no,
    conf: conference.conf_no,
    type: { ...flagsOf(type), ...flags },
  })
}

/**
 * Returns the place of a membership that is read just before or just after another one. The position is that in the list
 * without the membership itself.
 */
export function placeNextTo(own: Place, other: Place, isBefore: boolean): Place {
  const shift = own.position < other.position ? -1 : 0
  return { priority: other.priority, position: other.position + shift + (isBefore ? 0 : 1) }
}

function flagsOf({ invitation, passive, secret, passive_message_invert }: Membership['type']) {
  return {
    invitation: invitation === 1,
    passive: passive === 1,
    secret: secret === 1,
    passive_message_invert: passive_message_invert === 1,
  }
}
