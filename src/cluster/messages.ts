import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { Key } from '../store/record.ts'

const numbers = z.array(z.int()).readonly()

/** A change by a session; `Change` in `sessions/changes.ts` describes the fields. */
const Change = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['read', 'unread']), confNo: z.int(), localNos: numbers, textNos: numbers.optional() }),
  z.object({ type: z.literal('read-ranges'), confNo: z.int() }),
  z.object({ type: z.literal('unread-set'), confNo: z.int(), noOfUnread: z.int() }),
  z.object({ type: z.literal('marked'), textNo: z.int(), markType: z.int() }),
  z.object({ type: z.literal('unmarked'), textNo: z.int() }),
  z.object({ type: z.literal('membership'), persNo: z.int(), confNo: z.int() }),
  z.object({
    type: z.enum(['linked', 'unlinked']),
    textNo: z.int(),
    to: z.int(),
    linkType: z.enum(['comment', 'footnote']),
  }),
])

const made = z.object({ serverId: z.string(), persNo: z.int().optional(), change: Change, isContested: z.boolean() })
const attempt = z.object({ subject: z.string(), address: z.string(), outcome: z.enum(['failed', 'succeeded']) })

/** What a node sends to all others. */
const Message = z.discriminatedUnion('kind', [
  /** a session has made a change */
  z.object({
    kind: z.literal('change'),
    made: made.transform((read) => ({ ...read, persNo: read.persNo })),
  }),
  /** the record of a session has been ended, which may be on another node */
  z.object({ kind: z.literal('ended'), key: z.string().transform((key) => key as Key) }),
  /** a session has been opened, or a login tried, from an address */
  z.object({ kind: z.enum(['opening', 'login']), address: z.string() }),
  /** a password or a key of the operator was right or wrong */
  z.object({ kind: z.literal('guess'), of: z.enum(['password', 'key']), attempt }),
  /** a person has too many sessions, some of which a node has to close */
  z.object({
    kind: z.literal('crowded'),
    crowd: z.object({ process: z.string(), person: z.string() }),
  }),
  /** the node is there, in regular intervals */
  z.object({ kind: z.literal('heartbeat') }),
  /** the node has started, or has heard of another one for the first time */
  z.object({ kind: z.literal('present') }),
  /** the node ends, and this is its last message */
  z.object({ kind: z.literal('leaving') }),
])

/** What all messages have, those of other versions too. */
const Envelope = z.object({
  kind: z.string(),
  /** the start of a node that has sent it */
  from: z.string(),
  /** the number of changes that this node has sent, with this one */
  n: z.int(),
})

/** What a node sends to all others. */
export type Message = z.output<typeof Message>

/** A message as it is received. */
export interface ReceivedMessage extends z.output<typeof Envelope> {
  /** undefined if this version does not know messages of this kind, or with these fields */
  readonly message: Message | undefined
}

/** Length of a MAC in base64url. */
const MAC_LENGTH = 43

/** Writes and reads the messages on a channel. Each begins with a MAC, because they can end sessions and lift limits. */
export class MessageCodec {
  readonly #channel: string
  readonly #key: KeyObject

  constructor(channel: string, clusterKey: string) {
    this.#channel = channel
    this.#key = createSecretKey(clusterKey, 'utf8')
  }

  /** Returns the text of a message. */
  encode(message: Message, envelope: Pick<ReceivedMessage, 'from' | 'n'>): string {
    return this.sign(JSON.stringify({ ...message, ...envelope }))
  }

  /** Puts the MAC before a JSON text. */
  sign(json: string): string {
    return createHmac('sha256', this.#key).update(`${this.#channel}\n${json}`).digest('base64url') + json
  }

  /** Returns a message from its text; undefined if no node with the cluster key has sent it on the channel. */
  decode(text: string): ReceivedMessage | undefined {
    const json = text.slice(MAC_LENGTH)
    const [given, expected] = [Buffer.from(text), Buffer.from(this.sign(json))]
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
    const value: unknown = JSON.parse(json)
    const envelope = Envelope.safeParse(value)
    return envelope.success ? { ...envelope.data, message: Message.safeParse(value).data } : undefined
  }
}
