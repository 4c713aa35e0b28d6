import type { Connection } from '../src/connection/connection.ts'
import { noBits } from '../src/protocol/codec.ts'
import { extendedConfType, type MiscInfo, membershipType, personalFlags } from '../src/protocol/types.ts'

/** Password of every person that a benchmark creates. */
export const PASSWORD = 'bench'
const TEXT = Buffer.from('a subject\na body')

const CONFERENCE = noBits(extendedConfType)
const MEMBER = noBits(membershipType)
const PERSON = noBits(personalFlags)

/** Creates a person with `PASSWORD`; resolves with the person's number. */
export function createPerson(connection: Connection, name: string): Promise<number> {
  return connection.call('create-person', { name, passwd: PASSWORD, flags: PERSON, auxItems: [] })
}

/** Creates a conference; resolves with its number. */
export function createConference(connection: Connection, name: string): Promise<number> {
  return connection.call('create-conf', { name, type: CONFERENCE, auxItems: [] })
}

/** Logs in with an ordinary, pipelined call, so the calls sent after it run as that person. */
export function login(connection: Connection, person: number): Promise<unknown> {
  return connection.call('login', { person, passwd: PASSWORD, invisible: true })
}

export async function join(connection: Connection, persNo: number, confNo: number): Promise<void> {
  await connection.call('add-member', { confNo, persNo, priority: 100, where: 0, type: MEMBER })
}

/** Creates a text of a few words; resolves with its number. */
export function write(connection: Connection, recipients: readonly number[], commentTo?: number): Promise<number> {
  const miscInfo: MiscInfo[] = recipients.map((value) => ({ kind: 'recpt', value }))
  if (commentTo !== undefined) miscInfo.push({ kind: 'comm-to', value: commentTo })
  return connection.call('create-text', { text: TEXT, miscInfo, auxItems: [] })
}

/** Runs `work` concurrently for 1 to `count`; resolves with the results in order. */
export function times<T>(count: number, work: (i: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => work(i + 1)))
}
