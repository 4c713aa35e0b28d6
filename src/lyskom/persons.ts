import { noBits } from '../protocol/codec.ts'
import { personalFlags } from '../protocol/types.ts'
import { latin1 } from './content.ts'
import { mustFitJson } from './json-size.ts'
import type { PersonName } from './names.ts'
import { END_OF_TEXT } from './read-text.ts'
import type { LyskomSession } from './session.ts'
import { readUserArea } from './user-area.ts'

const NO_FLAGS = noBits(personalFlags)

/**
 * Creates a person. One round trip.
 *
 * @throws KomError, e.g. `person-exists`
 */
export async function createPerson({ connection }: LyskomSession, name: string, passwd: string): Promise<PersonName> {
  return { persNo: await connection.call('create-person', { name, passwd, flags: NO_FLAGS, auxItems: [] }), name }
}

/**
 * Sets the presentation of a conference or person. One round trip.
 *
 * @param confNo number of the conference or person
 * @param textNo number of the presentation; 0 for none
 * @throws KomError `permission-denied` or `no-such-text`
 */
export async function setPresentation({ connection }: LyskomSession, confNo: number, textNo: number): Promise<void> {
  await connection.call('set-presentation', { confNo, textNo })
}

/**
 * Returns a block of a person's user area; undefined if there is no block of that name. Two round trips.
 *
 * @param block name of the block, e.g. `common`
 * @throws ProtocolError `over-bound` if the block is too long for JSON
 */
export async function getUserAreaBlock(
  { connection }: LyskomSession,
  persNo: number,
  block: string,
): Promise<string | undefined> {
  const { userArea } = await connection.call('get-person-stat', { persNo })
  if (userArea === 0) return undefined
  const text = await connection.call('get-text', { text: userArea, startChar: 0, endChar: END_OF_TEXT })
  const content = readUserArea(latin1(text)).get(block)
  mustFitJson(connection, content?.length ?? 0)
  return content
}
