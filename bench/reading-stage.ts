import { connectTo } from '../test/support/connection.ts'
import { createConference, createPerson, join, login, PASSWORD, times, write } from './fill.ts'
import type { Login } from './http-load.ts'

const MEMBERSHIPS = 20

/** The person who reads, and the objects to read. */
export interface ReadingStage {
  reader: Login
  /** a text with one recipient and no comments */
  textNo: number
  /** a text with one recipient that comments one text and has two comments, by three other authors */
  linkedTextNo: number
  /** the three texts that it is linked to */
  linkedTo: number[]
  /** the conferences of which the reader is a member */
  confNos: number[]
}

/** Fills a lyskomd with a member of 20 conferences, a text on its own, and a text in a thread. */
export async function prepareReading(port: number): Promise<ReadingStage> {
  const connection = await connectTo(port)
  try {
    const reader = await createPerson(connection, 'Reader')
    await login(connection, reader)
    const confNos = await times(MEMBERSHIPS, (i) => createConference(connection, `Read ${i}`))
    await Promise.all(confNos.map((confNo) => join(connection, reader, confNo)))
    const [asked, answered, first, second] = await times(4, (i) => createPerson(connection, `Author ${i}`))
    const recipients = confNos.slice(0, 1)
    const writeAs = async (author: number | undefined, commentTo?: number): Promise<number> => {
      if (author === undefined) throw new RangeError('an author is missing')
      await login(connection, author)
      return await write(connection, recipients, commentTo)
    }
    const textNo = await writeAs(asked)
    const question = await writeAs(asked)
    const linkedTextNo = await writeAs(answered, question)
    const linkedTo = [question]
    for (const author of [first, second]) linkedTo.push(await writeAs(author, linkedTextNo))
    return { reader: { pers_no: reader, passwd: PASSWORD }, textNo, linkedTextNo, linkedTo, confNos }
  } finally {
    await connection.close()
  }
}
