import type { Connection } from '../src/connection/connection.ts'
import { noBits } from '../src/protocol/codec.ts'
import { extendedConfType, type MiscInfo, membershipType, personalFlags } from '../src/protocol/types.ts'
import { connectTo } from '../test/support/connection.ts'
import type { Login } from './http-load.ts'

/** Password of every person that a benchmark creates. */
const PASSWORD = 'bench'
const TEXT = Buffer.from('a subject\na body')
const CONFERENCE = noBits(extendedConfType)
const MEMBER = noBits(membershipType)
const PERSON = noBits(personalFlags)

/** The person who reads, and the objects to read. */
export interface ReadingContent {
  reader: Login
  /** a text with one recipient and no comments */
  textNo: number
  /** a text with one recipient that comments one text and has two comments, by three other authors */
  linkedTextNo: number
  /** the three texts that it is linked to */
  linkedTo: number[]
  /** the 20 conferences of which the reader is a member */
  confNos: number[]
}

/** Fills a lyskomd with a member of 20 conferences, a text on its own, and a text in a thread. */
export function createReadingContent(port: number): Promise<ReadingContent> {
  return withConnection(port, async (connection) => {
    const { reader, confNos } = await createReader(connection, 20)
    const authors = await times(4, (i) => createPerson(connection, `Author ${i}`))
    const writeAs = async (author: number, commentTo?: number): Promise<number> => {
      await login(connection, authors[author] as number)
      return await write(connection, confNos.slice(0, 1), commentTo)
    }
    const textNo = await writeAs(0)
    const question = await writeAs(0)
    const linkedTextNo = await writeAs(1, question)
    const linkedTo = [question, await writeAs(2, linkedTextNo), await writeAs(3, linkedTextNo)]
    return { reader: { pers_no: reader, passwd: PASSWORD }, textNo, linkedTextNo, linkedTo, confNos }
  })
}

/**
 * Fills a lyskomd with a member of 200 conferences with 25 unread texts each, and a text in 20 further conferences with
 * 50 comments, each by a different person. All calls of a step are made at once; lyskomd processes them in order.
 */
export function createLookupContent(port: number): Promise<Pick<ReadingContent, 'reader' | 'textNo'>> {
  return withConnection(port, async (connection) => {
    const { reader, confNos } = await createReader(connection, 200)
    const commenters = await times(50, (i) => createPerson(connection, `Commenter ${i}`))
    const discussed = await times(20, (i) => createConference(connection, `Discussed ${i}`))
    await login(connection, await createPerson(connection, 'Writer'))
    for (let i = 0; i < 25; i++) await Promise.all(confNos.map((confNo) => write(connection, [confNo])))
    const textNo = await write(connection, discussed)
    await Promise.all(
      commenters.flatMap((persNo) => [login(connection, persNo), write(connection, discussed.slice(0, 1), textNo)]),
    )
    return { reader: { pers_no: reader, passwd: PASSWORD }, textNo }
  })
}

async function withConnection<T>(port: number, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await connectTo(port)
  try {
    return await work(connection)
  } finally {
    await connection.close()
  }
}

async function createReader(connection: Connection, memberships: number) {
  const reader = await createPerson(connection, 'Reader')
  await login(connection, reader)
  const confNos = await times(memberships, (i) => createConference(connection, `Read ${i}`))
  const member = { persNo: reader, priority: 100, where: 0, type: MEMBER }
  await Promise.all(confNos.map((confNo) => connection.call('add-member', { ...member, confNo })))
  return { reader, confNos }
}

function createPerson(connection: Connection, name: string): Promise<number> {
  return connection.call('create-person', { name, passwd: PASSWORD, flags: PERSON, auxItems: [] })
}

function createConference(connection: Connection, name: string): Promise<number> {
  return connection.call('create-conf', { name, type: CONFERENCE, auxItems: [] })
}

/** Logs in with an ordinary, pipelined call, so the calls sent after it run as that person. */
function login(connection: Connection, person: number): Promise<unknown> {
  return connection.call('login', { person, passwd: PASSWORD, invisible: true })
}

/** Creates a text of a few words; resolves with its number. */
function write(connection: Connection, recipients: readonly number[], commentTo?: number): Promise<number> {
  const miscInfo: MiscInfo[] = recipients.map((value) => ({ kind: 'recpt', value }))
  if (commentTo !== undefined) miscInfo.push({ kind: 'comm-to', value: commentTo })
  return connection.call('create-text', { text: TEXT, miscInfo, auxItems: [] })
}

/** Runs `work` concurrently for 1 to `count`; resolves with the results in order. */
function times<T>(count: number, work: (i: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => work(i + 1)))
}
