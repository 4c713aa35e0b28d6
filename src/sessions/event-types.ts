import { readMiscInfo } from '../lyskom/misc-info.ts'
import type { NameTable } from '../lyskom/names.ts'
import type { AnyCodec } from '../protocol/codec.ts'
import { type JsonMapping, jsonMapping, jsonSize } from '../protocol/json/mapping.ts'
import { isoTime } from '../protocol/json/time.ts'
import { type AsyncMessage, MESSAGES, type MessageName } from '../protocol/messages.ts'
import type { TextStat } from '../protocol/types.ts'

/** The asynchronous messages that are events: all but the obsolete ones. */
export const EVENT_MESSAGES = (Object.keys(MESSAGES) as MessageName[]).filter(
  (name) => MESSAGES[name].status === 'recommended',
)

/** Types of the events that the gateway creates itself. */
const GATEWAY_TYPES = [
  ...['reset', 'person', 'closed'],
  ...['read', 'unread', 'unread-set', 'membership', 'marked', 'unmarked', 'linked', 'unlinked'],
]

/** The types of all events. */
export const EVENT_TYPES: readonly string[] = [...EVENT_MESSAGES.map(eventType), ...GATEWAY_TYPES]

/** Returns the type of the events for an asynchronous message: its name without `async-`. */
export function eventType(name: MessageName): string {
  return name.replace(/^async-/, '')
}

/** Returns whether a message is an event. */
export function isEvent({ name }: AsyncMessage): boolean {
  return MESSAGES[name].status === 'recommended'
}

/** Estimates the size of a message in bytes. */
export function messageSize({ name, params }: AsyncMessage): number {
  return jsonSize(mappingOf(name), params)
}

/** Returns the numbers of the author, the recipients and their senders of a new text; none for other messages. */
export function namedBy(message: AsyncMessage): number[] {
  if (message.name !== 'async-new-text') return []
  const { author, miscInfo } = message.params.textStat
  const { recipients } = readMiscInfo(miscInfo)
  return [author, ...recipients.flatMap(({ confNo, sentBy }) => (sentBy === undefined ? [confNo] : [confNo, sentBy]))]
}

/**
 * Returns the JSON of the event for a message: its fields as in typed calls, beside `type`. A field that is called `type`
 * itself is `recipient_type`.
 *
 * @param names the names of the persons and conferences of a new text, see `namedBy`
 * @throws ProtocolError `over-bound` if the names are too long in all
 */
export function messageData(message: AsyncMessage, names: NameTable): string {
  const { type, ...fields } = mappingOf(message.name).toJson(message.params) as Record<string, unknown>
  return JSON.stringify({
    type: eventType(message.name),
    ...fields,
    ...(type !== undefined && { recipient_type: type }),
    ...(message.name === 'async-new-text' && namesJson(message.params.textStat, names)),
  })
}

/** Returns the JSON of an event that the gateway creates. */
export function gatewayData(type: string, fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ type, ...fields })
}

// biome-ignore lint/suspicious/noExplicitAny: JsonMapping is invariant in its type, so only `any` matches every mapping
function mappingOf(name: MessageName): JsonMapping<any> {
  return jsonMapping(MESSAGES[name].params as AnyCodec, 'server')
}

/** Returns author and recipients in the shape in which `GET /texts/<no>` has them. */
function namesJson({ author, miscInfo }: TextStat, names: NameTable) {
  const person = (no: number) => ({ pers_no: no, pers_name: names.person(no).name })
  return {
    author: person(author),
    recipients: readMiscInfo(miscInfo).recipients.map(({ type, confNo, localNo, sentBy, sentAt, receivedAt }) => ({
      type,
      recpt: { conf_no: confNo, name: names.conference(confNo).name },
      loc_no: localNo,
      sent_by: sentBy === undefined ? null : person(sentBy),
      sent_at: sentAt && isoTime(sentAt),
      rec_time: receivedAt && isoTime(receivedAt),
    })),
  }
}
