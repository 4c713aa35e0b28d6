import type { Connection } from '../../src/connection/connection.ts'
import { AUX_ITEMS } from '../../src/protocol/aux-items.ts'
import { noBits } from '../../src/protocol/codec.ts'
import { auxItemFlags, type MiscInfo } from '../../src/protocol/types.ts'
import { connectTo } from '../support/connection.ts'

/** A person with a password. */
export interface Person {
  no: number
  name: string
  passwd: string
}

/** Aux-item flags that are all unset. */
export const NO_AUX_FLAGS = noBits(auxItemFlags)

/** A text to create. Strings are encoded in ISO 8859-1. Recipients and links are numbers. */
export interface Stored {
  text: string | Uint8Array
  /** data of the content-type aux-item; without the item by default */
  contentType?: string
  fastReply?: string
  to?: number[]
  cc?: number[]
  bcc?: number[]
  commentTo?: number[]
  footnoteTo?: number[]
  anonymous?: boolean
}

/** A person who creates and deletes texts by Protocol A, including texts that the HTTP API cannot create. */
export class Author {
  readonly connection: Connection

  private constructor(connection: Connection) {
    this.connection = connection
  }

  /** Connects to a LysKOM server on 127.0.0.1 and logs in invisibly. */
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

  /** Deletes a text. */
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
