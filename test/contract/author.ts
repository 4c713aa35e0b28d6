import type { Connection } from '../../src/connection/connection.ts'
import { AUX_ITEMS } from '../../src/protocol/aux-items.ts'
import { noBits } from '../../src/protocol/codec.ts'
import { auxItemFlags, type MiscInfo } from '../../src/protocol/types.ts'
import { connectTo } from '../support/connection.ts'

export interface Person {
  no: number
  name: string
  passwd: string
}

export const NO_AUX_FLAGS = noBits(auxItemFlags)

/** A text as the server shall store it; strings are ISO 8859-1. */
export interface Stored {
  text: string | Uint8Array
  /** the content-type aux-item; none if absent */
  contentType?: string
  fastReply?: string
  to?: number[]
  cc?: number[]
  bcc?: number[]
  commentTo?: number[]
  footnoteTo?: number[]
  anonymous?: boolean
}

/** Writes texts by Protocol A, including texts that the HTTP API cannot create. */
export class Author {
  readonly connection: Connection

  private constructor(connection: Connection) {
    this.connection = connection
  }

  static async login(port: number, { no, passwd }: Pick<Person, 'no' | 'passwd'>): Promise<Author> {
    const connection = await connectTo(port)
    await connection.call('login', { person: no, passwd, invisible: true })
    return new Author(connection)
  }

  /** Creates a text. Resolves with its number. */
  write({ text, contentType, fastReply, anonymous = false, ...links }: Stored): Promise<number> {
    const item = (tag: number, data: string | undefined) =>
      data === undefined ? [] : [{ tag, flags: NO_AUX_FLAGS, inheritLimit: 0, data: Buffer.from(data, 'latin1') }]
    return this.connection.call(anonymous ? 'create-anonymous-text' : 'create-text', {
      text: typeof text === 'string' ? Buffer.from(text, 'latin1') : text,
      miscInfo: misc(links),
      auxItems: [...item(AUX_ITEMS['content-type'], contentType), ...item(AUX_ITEMS['fast-reply'], fastReply)],
    })
  }

  async delete(textNo: number): Promise<void> {
    await this.connection.call('delete-text', { text: textNo })
  }
}

function misc({ to = [], cc = [], bcc = [], commentTo = [], footnoteTo = [] }: Omit<Stored, 'text'>): MiscInfo[] {
  const each = (kind: 'recpt' | 'cc-recpt' | 'bcc-recpt' | 'comm-to' | 'footn-to', numbers: number[]) =>
    numbers.map((value) => ({ kind, value }))
  return [
    ...each('recpt', to),
    ...each('cc-recpt', cc),
    ...each('bcc-recpt', bcc),
    ...each('comm-to', commentTo),
    ...each('footn-to', footnoteTo),
  ]
}
