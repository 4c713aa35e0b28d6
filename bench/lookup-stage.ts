import type { Connection } from '../src/connection/connection.ts'
import { noBits } from '../src/protocol/codec.ts'
import { extendedConfType, type MiscInfo, membershipType, personalFlags } from '../src/protocol/types.ts'
import { connectTo } from '../test/support/connection.ts'
import type { Login } from './http-load.ts'

const MEMBERSHIPS = 200
const UNREAD_EACH = 25
const RECIPIENTS = 20
const COMMENTS = 50
const PASSWORD = 'bench'
const TEXT = Buffer.from('a subject\na body')

const CONFERENCE = noBits(extendedConfType)
const MEMBER = noBits(membershipType)
const PERSON = noBits(personalFlags)

/** Who reads, and what. */
export interface LookupStage {
  reader: Login
  /** the text with 20 recipients and 50 comments, each of them by somebody else */
  textNo: number
}

/**
 * Fills a lyskomd: somebody who is a member of 200 conferences, with 25 texts unread in each, and a text in 20 further
 * conferences, with 50 comments. All calls of a step are made at once; lyskomd carries them out in their order.
 */
export async function prepareLookups(port: number): Promise<LookupStage> {
  const connection = await connectTo(port)
  try {
    const reader = await createPerson(connection, 'Reader')
    await login(connection, reader)
    const read = await times(MEMBERSHIPS, (i) => createConference(connection, `Read ${i}`))
    await Promise.all(read.map((confNo) => join(connection, reader, confNo)))
    const commenters = await times(COMMENTS, (i) => createPerson(connection, `Commenter ${i}`))
    const discussed = await times(RECIPIENTS, (i) => createConference(connection, `Discussed ${i}`))

    const writer = await createPerson(connection, 'Writer')
    await login(connection, writer)
    for (let i = 0; i < UNREAD_EACH; i++) await Promise.all(read.map((confNo) => write(connection, [confNo])))
    const textNo = await write(connection, discussed)
    await Promise.all(
      commenters.flatMap((persNo) => [login(connection, persNo), write(connection, discussed.slice(0, 1), textNo)]),
    )
    return { reader: { pers_no: reader, passwd: PASSWORD }, textNo }
  } finally {
    await connection.close()
  }
}

function createPerson(connection: Connection, name: string): Promise<number> {
  return connection.call('create-person', { name, passwd: PASSWORD, flags: PERSON, auxItems: [] })
}

function createConference(connection: Connection, name: string): Promise<number> {
  return connection.call('create-conf', { name, type: CONFERENCE, auxItems: [] })
}

/** Not alone on the connection, as sessions do it: what is written next is written by this person. */
function login(connection: Connection, person: number): Promise<unknown> {
  return connection.call('login', { person, passwd: PASSWORD, invisible: true })
}

async function join(connection: Connection, persNo: number, confNo: number): Promise<void> {
  await connection.call('add-member', { confNo, persNo, priority: 100, where: 0, type: MEMBER })
}

function write(connection: Connection, recipients: readonly number[], commentTo?: number): Promise<number> {
  const miscInfo: MiscInfo[] = recipients.map((value) => ({ kind: 'recpt', value }))
  if (commentTo !== undefined) miscInfo.push({ kind: 'comm-to', value: commentTo })
  return connection.call('create-text', { text: TEXT, miscInfo, auxItems: [] })
}

function times<T>(count: number, work: (i: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => work(i + 1)))
}
