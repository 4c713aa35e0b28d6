import { connectTo } from '../test/support/connection.ts'
import { createConference, createPerson, join, login, PASSWORD, times, write } from './fill.ts'
import type { Login } from './http-load.ts'

const MEMBERSHIPS = 200
const UNREAD_EACH = 25
const RECIPIENTS = 20
const COMMENTS = 50

/** The person who reads, and the objects to read. */
export interface LookupStage {
  reader: Login
  /** the text with 20 recipients and 50 comments, each by a different person */
  textNo: number
}

/**
 * Fills a lyskomd with a member of 200 conferences with 25 unread texts each, and a text in 20 further conferences with
 * 50 comments. All calls of a step are made at once; lyskomd processes them in order.
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
