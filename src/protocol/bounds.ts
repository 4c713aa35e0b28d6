/**
 * Bounds on what a LysKOM server sends. They keep a broken or hostile server from blocking the event loop or filling
 * the memory: every bound admits what lyskomd can send with any sensible configuration. Requests have no such bounds,
 * since the server judges them. The defaults of lyskomd are those of its manual, chapter Parameters.
 */
export const BOUNDS = {
  /**
   * Names, user and host names, versions, what people do. lyskomd: conference names 60, user names 128, client data 60,
   * names of statistics 64; DNS: 255.
   */
  shortString: { name: 'string-length', max: 1024 },
  /** Data of aux-items, broadcasts, the collate table. lyskomd: 16,384, 1,024 and 256. */
  byteString: { name: 'string-length', max: 1024 * 1024 },
  /** A text. lyskomd: 131,072. Only the size of a message bounds it, so that the operator can raise both. */
  text: { name: 'string-length', max: Number.POSITIVE_INFINITY },
  /**
   * Arrays of which the protocol itself counts the elements with 16 bits: conferences, persons, members, memberships and
   * marks (`no-of-marks`). It is also 20 times the misc-infos of a text in lyskomd, which are 512 recipients of up to
   * five each, 128 comments and 32 footnotes, and over its sessions and aux-items, which nothing else bounds.
   */
  array: { name: 'array-length', max: 2 ** 16 - 1 },
  /** Arrays of 32-bit text numbers, read ranges and the like: a long conference has as many as it has texts. */
  longArray: { name: 'array-length', max: 2 ** 20 },
  /** The elements of all arrays of one message together, for arrays within arrays: the read ranges of memberships. */
  elements: { name: 'message-elements', max: 2 ** 20 },
  /** The strings of one message together, a text excepted: in JSON a byte may become six. */
  strings: { name: 'message-strings', max: 8 * 1024 * 1024 },
} as const satisfies Readonly<Record<string, { name: string; max: number }>>

/** The longest text, or reply in Protocol A, that is put into JSON, bytes. Longer texts can be read by their `/body`. */
export const MAX_JSON_STRING = 8 * 1024 * 1024

export type Bound = (typeof BOUNDS)[keyof typeof BOUNDS]
/** Every bound by the name that errors and metrics have for it. */
export type BoundName =
  | Bound['name']
  /** one message, `--max-message-bytes` */
  | 'message-size'
  /** `MAX_JSON_STRING` */
  | 'json-string'
  /** the unfinished messages of all connections */
  | 'unfinished-messages'
  /** the unread texts of one request */
  | 'unread-texts'
  /** the names that sessions keep */
  | 'name-cache'
