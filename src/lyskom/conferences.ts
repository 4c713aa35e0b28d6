import { noBits } from '../protocol/codec.ts'
import { KomError } from '../protocol/errors.ts'
import { type AuxItem, type Conference as ConfStat, extendedConfType, type UConference } from '../protocol/types.ts'
import type { ConferenceName, NameTable, PersonName } from './names.ts'
import { MAX_CONF_NO } from './numbers.ts'
import type { LyskomSession } from './session.ts'

/** The result of get-uconf-stat: a few fields of a conference or person. They change too often to be cached. */
export interface MicroConference extends UConference {
  confNo: number
}

/** An aux-item with its creator's name. */
export interface NamedAuxItem extends Omit<AuxItem, 'creator'> {
  creator: PersonName
}

/** The fields of Conference that hold numbers of persons and conferences. */
type Numbers = 'creator' | 'supervisor' | 'permittedSubmitters' | 'superConf' | 'auxItems'

/** A conference, or a person's mailbox, with the names of the persons and conferences that it refers to. */
export interface Conference extends Omit<ConfStat, Numbers> {
  confNo: number
  creator: PersonName
  /** null for none, as in the following two fields */
  supervisor: ConferenceName | null
  permittedSubmitters: ConferenceName | null
  superConf: ConferenceName | null
  auxItems: NamedAuxItem[]
}

/** The type of a new conference: open to all. */
const OPEN = noBits(extendedConfType)

/**
 * Finds conferences and persons by name expansion (chapter Name Expansion), or by number as in `#8`. One round trip.
 *
 * @param name name, abbreviation or number
 * @param want whether to find persons, and whether to find conferences
 * @returns an empty list if nothing matches
 */
export async function findConferences(
  session: LyskomSession,
  name: string,
  want: { persons: boolean; conferences: boolean },
): Promise<ConferenceName[]> {
  const number = /^\s*#\s*(\d{1,5})\s*$/.exec(name)?.[1]
  if (number === undefined) return session.names.lookup(name, want)
  if (Number(number) > MAX_CONF_NO) return []
  try {
    const found = await getMicroConference(session, Number(number))
    return (found.type.letterbox ? want.persons : want.conferences) ? [found] : []
  } catch (error) {
    if (error instanceof KomError && ['undefined-conference', 'conference-zero'].includes(error.errorName)) return []
    throw error
  }
}

/**
 * Returns the most important fields of a conference or person. One round trip.
 *
 * @throws KomError `undefined-conference` or `conference-zero`
 */
export async function getMicroConference({ names }: LyskomSession, confNo: number): Promise<MicroConference> {
  const { name, type, highestLocalNo, nice } = await names.stat(confNo)
  return { confNo, name, type, highestLocalNo, nice }
}

/**
 * Returns a conference, or the mailbox of a person. Two round trips.
 *
 * @throws KomError `undefined-conference` or `conference-zero`
 */
export async function getConference(session: LyskomSession, confNo: number): Promise<Conference> {
  const stat = await session.connection.call('get-conf-stat', { confNo })
  const { creator, supervisor, permittedSubmitters, superConf, auxItems } = stat
  const creators = auxItems.map((item) => item.creator)
  const names = await session.names.load([creator, supervisor, permittedSubmitters, superConf, ...creators])
  const orNull = (no: number): ConferenceName | null => (no === 0 ? null : names.conference(no))
  return {
    ...stat,
    confNo,
    creator: names.person(creator),
    supervisor: orNull(supervisor),
    permittedSubmitters: orNull(permittedSubmitters),
    superConf: orNull(superConf),
    auxItems: auxItems.map((item) => withCreator(item, names)),
  }
}

/**
 * Creates an open conference. The logged-in person becomes its supervisor. One round trip.
 *
 * @returns the number of the conference
 * @throws KomError, e.g. `conference-exists`
 */
export function createConference({ connection }: LyskomSession, name: string): Promise<number> {
  return connection.call('create-conf', { name, type: OPEN, auxItems: [] })
}

/**
 * Replaces the creator's number in an aux-item with the creator's name.
 *
 * @param names has the name of the creator
 */
export function withCreator(item: AuxItem, names: NameTable): NamedAuxItem {
  const { auxNo, tag, createdAt, flags, inheritLimit, data } = item
  return { auxNo, tag, creator: names.person(item.creator), createdAt, flags, inheritLimit, data }
}
