/**
 * Bounds on the strings and arrays in messages of a LysKOM server. They prevent a broken or hostile server from
 * blocking the event loop or exhausting the memory. Every bound admits what lyskomd sends with any sensible
 * configuration; the defaults of lyskomd that are quoted here are in its manual, chapter Parameters. Requests have no
 * bounds, since the server validates them.
 */
export const BOUNDS = {
  /**
   * Bytes of names, user and host names, versions, and what persons are doing. lyskomd: conference names 60, user names
   * 128, client data 60, names of statistics 64; DNS: 255.
   */
  shortString: { name: 'string-length', max: 1024 },
  /** Bytes of aux-item data, broadcasts and the collate table. lyskomd: 16,384, 1,024 and 256. */
  byteString: { name: 'string-length', max: 1024 * 1024 },
  /**
   * Bytes of a text. lyskomd: 131,072. Only the size limit of messages applies, so an operator who allows longer texts
   * raises one setting.
   */
  text: { name: 'string-length', max: Number.POSITIVE_INFINITY },
  /**
   * Elements of arrays that the protocol counts with 16 bits: conferences, persons, members, memberships and marks
   * (`no-of-marks`). The bound is also 20 times the misc-info list of a text in lyskomd (512 recipients with up to five
   * elements each, 128 comments and 32 footnotes), and more than its sessions and aux-items, which have no other bound.
   */
  array: { name: 'array-length', max: 2 ** 16 - 1 },
  /** Elements of arrays of 32-bit text numbers or read ranges: a conference may have as many of them as texts. */
  longArray: { name: 'array-length', max: 2 ** 20 },
  /** Elements of all arrays of one message together, for nested arrays such as the read ranges of memberships. */
  elements: { name: 'message-elements', max: 2 ** 20 },
  /** Bytes of all strings of one message together, except a text. JSON may encode one byte as six. */
  strings: { name: 'message-strings', max: 8 * 1024 * 1024 },
} as const satisfies Readonly<Record<string, { name: string; max: number }>>

/**
 * Length limit, in characters, of a text, a raw reply or the reply to a typed call in a JSON response. The client can get
 * longer texts from `/body`.
 */
export const MAX_JSON_STRING = 8 * 1024 * 1024

/** One of `BOUNDS`. */
export type Bound = (typeof BOUNDS)[keyof typeof BOUNDS]
/** The name of a bound in errors and metrics. */
export type BoundName =
  | Bound['name']
  /** size of one message, `--max-message-bytes` */
  | 'message-size'
  /** `MAX_JSON_STRING` */
  | 'json-string'
  /** total size of the unfinished messages of all connections */
  | 'unfinished-messages'
  /** number of unread texts that one request lists */
  | 'unread-texts'
  /** total size of the names that sessions cache */
  | 'name-cache'
  /** number and total size of the messages of one session that wait for names */
  | 'waiting-messages'
  /** number of messages that one session with events receives in a second */
  | 'message-rate'
