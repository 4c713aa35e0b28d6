/** The 21 asynchronous messages (chapter Asynchronous Messages). */
import { type AnyCodec, array, bytes, type Codec, type Infer, latin1, struct } from './codec.ts'
import { auxItem, confNo, infoType, persNo, sessionNo, textNo, textStat, textStatOld, whoInfo } from './types.ts'

/** The definition of an asynchronous message: its number and the codec of its parameters. */
export interface Message<P> {
  readonly number: number
  /** the status in the specification */
  readonly status: 'recommended' | 'obsolete'
  readonly params: Codec<P>
}

function message<const F extends Readonly<Record<string, AnyCodec>>>(
  number: number,
  fields: F,
  status: 'recommended' | 'obsolete' = 'recommended',
): Message<{ -readonly [K in keyof F]: Infer<F[K]> }> {
  return { number, status, params: struct(fields) }
}

/** The asynchronous messages by their name in the specification. */
export const MESSAGES = {
  'async-new-text-old': message(0, { textNo, textStat: textStatOld }, 'obsolete'),
  'async-i-am-off': message(1, { person: persNo }, 'obsolete'),
  'async-i-am-on-obsolete': message(2, { person: persNo, conference: confNo, whatAmIDoing: latin1 }, 'obsolete'),
  'async-new-name': message(5, { confNo, oldName: latin1, newName: latin1 }),
  'async-i-am-on': message(6, { info: whoInfo }),
  'async-sync-db': message(7, {}),
  'async-leave-conf': message(8, { confNo }),
  'async-login': message(9, { persNo, sessionNo }),
  'async-broadcast': message(10, { sender: persNo, message: bytes }, 'obsolete'),
  'async-rejected-connection': message(11, {}),
  'async-send-message': message(12, { recipient: confNo, sender: persNo, message: bytes }),
  'async-logout': message(13, { persNo, sessionNo }),
  'async-deleted-text': message(14, { textNo, textStat }),
  'async-new-text': message(15, { textNo, textStat }),
  'async-new-recipient': message(16, { textNo, confNo, type: infoType }),
  'async-sub-recipient': message(17, { textNo, confNo, type: infoType }),
  'async-new-membership': message(18, { persNo, confNo }),
  'async-new-user-area': message(19, { persNo, oldUserArea: textNo, newUserArea: textNo }),
  'async-new-presentation': message(20, { confNo, oldPresentation: textNo, newPresentation: textNo }),
  'async-new-motd': message(21, { confNo, oldMotd: textNo, newMotd: textNo }),
  'async-text-aux-changed': message(22, { textNo, deleted: array(auxItem), added: array(auxItem) }),
} as const

/** The specification's name of an asynchronous message. */
export type MessageName = keyof typeof MESSAGES
/** The parameters of the asynchronous message `N`. */
export type MessageParams<N extends MessageName> = Infer<(typeof MESSAGES)[N]['params']>

/** A decoded asynchronous message. */
export type AsyncMessage = { [N in MessageName]: { name: N; params: MessageParams<N> } }[MessageName]

const names: (MessageName | undefined)[] = []
for (const [name, { number }] of Object.entries(MESSAGES)) names[number] = name as MessageName

/** Returns the name of a message number; undefined for a number that Protocol A 11.1 does not define. */
export function messageName(number: number): MessageName | undefined {
  return names[number]
}
