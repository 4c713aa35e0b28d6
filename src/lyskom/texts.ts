import { hash } from 'node:crypto'
import { mapConcurrent } from '../map-concurrent.ts'
import { MAX_JSON_STRING } from '../protocol/bounds.ts'
import { KomError } from '../protocol/errors.ts'
import { isoTime } from '../protocol/json/time.ts'
import type { TextStat, Time } from '../protocol/types.ts'
import { CollectedSize } from './collected-size.ts'
import { type NamedAuxItem, withCreator } from './conferences.ts'
import { type Content, type ContentType, contentTypeOf } from './content.ts'
import { mustFitJson } from './json-size.ts'
import { type LinkInfo, type MiscLinks, type RecipientInfo, type RecipientType, readMiscInfo } from './misc-info.ts'
import type { ConferenceName, NameTable, PersonName } from './names.ts'
import { getContent, type ReadText, readText, requestBytes, type TextStatus } from './read-text.ts'
import type { LyskomSession } from './session.ts'

/** A recipient of a text. */
export interface Recipient {
  type: RecipientType
  conference: ConferenceName
  /** local number of the text in the conference */
  localNo: number
  /** the person who added the recipient, if it is not the author */
  sentBy: PersonName | null
  sentAt: Time | null
  receivedAt: Time | null
}

/** A text that another text is linked to. */
export interface Link extends LinkInfo {
  /** null if the person may not read the text, or if it does not exist any more */
  author: PersonName | null
}

/** A text without its subject and body. */
export interface TextHead {
  textNo: number
  author: PersonName
  noOfMarks: number
  creationTime: Time
  contentType: ContentType
  recipients: Recipient[]
  commentTo: Link[]
  commentIn: Link[]
  auxItems: NamedAuxItem[]
}

/** A text with its subject and body. */
export interface Text {
  head: TextHead
  content: Content
}

/**
 * Returns a text with subject and body. Three round trips.
 *
 * @throws KomError `no-such-text` if the text does not exist or the person may not read it
 * @throws ProtocolError if the text is too long for JSON
 */
export async function getText(session: LyskomSession, textNo: number): Promise<Text> {
  const { content, ...status } = await readText(session, textNo)
  mustFitJson(session.connection, jsonLength(content))
  const head = await describeText(session, status, new CollectedSize(session.connection))
  return { head, content }
}

/**
 * Returns texts with subjects and bodies, in the given order. Three round trips. Leaves out texts that do not exist, that
 * the person may not read, and those that would make the texts longer than `MAX_JSON_STRING` in all.
 *
 * @param size counts what the operation collects from the server, except subjects and bodies
 * @throws ProtocolError `over-bound` if that is too much
 */
export async function getTexts(
  session: LyskomSession,
  textNos: readonly number[],
  size: CollectedSize,
): Promise<Text[]> {
  let length = 0
  const read = await mapConcurrent(textNos, async (textNo) => {
    const text = await unlessGone(readText(session, textNo))
    if (text === undefined) return undefined
    countStatus(text.stat, size)
    length += jsonLength(text.content)
    return length > MAX_JSON_STRING ? undefined : text
  })
  const texts = read.filter((text) => text !== undefined)
  const known = new Map(texts.map(({ textNo, stat }) => [textNo, stat.author]))
  const heads = await describeTexts(session, texts, size, known)
  return heads.map((head, i) => ({ head, content: (texts[i] as ReadText).content }))
}

/**
 * Returns a text without subject and body. Three round trips. Throws the `KomError`s of `getText`.
 *
 * @param size counts what the operation collects from the server
 * @throws ProtocolError `over-bound` if that is too much
 */
export async function getTextHead(
  session: LyskomSession,
  textNo: number,
  size = new CollectedSize(session.connection),
): Promise<TextHead> {
  const stat = await session.connection.call('get-text-stat', { textNo })
  return describeText(session, statusOf(textNo, stat, size), size)
}

function countStatus({ miscInfo, auxItems }: TextStat, size: CollectedSize): void {
  const dataBytes = auxItems.reduce((sum, { data }) => sum + data.length, 0)
  size.add(miscInfo.length + auxItems.length, dataBytes)
}

/** The body of a text. */
export interface Body {
  contentType: ContentType
  /** HTTP entity tag. It depends on the text number, creation time, content type and version of `decode`. */
  tag: string
  /** see `Content`; undefined if the client has it already */
  body: Content['body'] | undefined
}

/**
 * Returns the body of a text and its content type. One round trip; two if `known` has only other tags.
 *
 * @param known the tags of bodies that the client has, e.g. from `If-None-Match`; `*` matches any tag
 * @throws KomError `no-such-text` if the text does not exist or the person may not read it
 */
export async function getBody(session: LyskomSession, textNo: number, known: readonly string[]): Promise<Body> {
  const requested = known.length === 0 ? requestBytes(session, textNo) : undefined
  const stat = await session.connection.call('get-text-stat', { textNo })
  const contentType = contentTypeOf(stat.auxItems)
  const tag = bodyTag(textNo, stat.creationTime, contentType)
  if (known.includes(tag) || known.includes('*')) return { contentType, tag, body: undefined }
  const { body } = await getContent(session, textNo, stat, contentType, requested)
  return { contentType, tag, body }
}

/** Version of `decode` in every tag. Increment it when `decode` changes, so that browsers discard cached bodies. */
const DECODING = '3'

function bodyTag(textNo: number, creationTime: Time, { type, charset = '' }: ContentType): string {
  const representation = hash('sha256', `${DECODING};${type};${charset}`, 'base64url').slice(0, 8)
  return `"${textNo}-${isoTime(creationTime).replace(/\D/g, '')}-${representation}"`
}

/** Returns the number of characters of a content that the JSON of a text holds. */
function jsonLength({ subject, body }: Content): number {
  return (subject?.length ?? 0) + (typeof body === 'string' ? body.length : 0)
}

/** The authors of texts whose statuses were requested; undefined for a text that may not be read. */
type KnownAuthors = ReadonlyMap<number, number | undefined>
const NONE_KNOWN: KnownAuthors = new Map()

/**
 * Returns the status of a text. One round trip. Throws the `KomError`s of `getText`.
 *
 * @param size counts the status
 */
export async function getTextStatus(
  { connection }: LyskomSession,
  textNo: number,
  size: CollectedSize,
): Promise<TextStatus> {
  return statusOf(textNo, await connection.call('get-text-stat', { textNo }), size)
}

function statusOf(textNo: number, stat: TextStat, size: CollectedSize): TextStatus {
  countStatus(stat, size)
  return { textNo, stat, contentType: contentTypeOf(stat.auxItems) }
}

/** Adds to a text status the names of its persons and conferences, and the authors of linked texts. Two round trips. */
async function describeText(session: LyskomSession, status: TextStatus, size: CollectedSize): Promise<TextHead> {
  const links = readMiscInfo(status.stat.miscInfo)
  const [names, authorOf] = await Promise.all([
    session.names.load(mentionedIn(status.stat, links.recipients), size),
    authorsOf(session, [...links.commentTo, ...links.commentIn], size),
  ])
  return headOf(status, links, names, authorOf)
}

/**
 * Does the same for any number of texts, in two round trips.
 *
 * @param size counts the names
 * @param known the authors of texts whose statuses the caller has requested
 */
export async function describeTexts(
  session: LyskomSession,
  texts: readonly TextStatus[],
  size: CollectedSize,
  known: KnownAuthors = NONE_KNOWN,
): Promise<TextHead[]> {
  const linksOf = texts.map(({ stat }) => readMiscInfo(stat.miscInfo))
  const mentioned = texts.flatMap(({ stat }, i) => mentionedIn(stat, (linksOf[i] as MiscLinks).recipients))
  const linked = linksOf.flatMap(({ commentTo, commentIn }) => [...commentTo, ...commentIn])
  const [names, authorOf] = await Promise.all([
    session.names.load(mentioned, size),
    authorsOf(session, linked, size, known),
  ])
  return texts.map((status, i) => headOf(status, linksOf[i] as MiscLinks, names, authorOf))
}

function headOf(
  { textNo, stat, contentType }: TextStatus,
  { recipients, commentTo, commentIn }: MiscLinks,
  names: NameTable,
  authorOf: (textNo: number) => PersonName | null,
): TextHead {
  const withAuthor = ({ type, textNo }: LinkInfo): Link => ({ type, textNo, author: authorOf(textNo) })
  return {
    textNo,
    author: names.person(stat.author),
    noOfMarks: stat.noOfMarks,
    creationTime: stat.creationTime,
    contentType,
    recipients: recipients.map(({ type, confNo, localNo, sentBy, sentAt, receivedAt }) => ({
      type,
      conference: names.conference(confNo),
      localNo,
      sentBy: sentBy === undefined ? null : names.person(sentBy),
      sentAt,
      receivedAt,
    })),
    commentTo: commentTo.map(withAuthor),
    commentIn: commentIn.map(withAuthor),
    auxItems: stat.auxItems.map((item) => withCreator(item, names)),
  }
}

/** Returns the numbers of the persons and conferences in a text status, with duplicates. */
function mentionedIn(stat: TextStat, recipients: readonly RecipientInfo[]): number[] {
  const numbers = [stat.author]
  for (const { confNo, sentBy } of recipients) numbers.push(confNo, sentBy ?? 0)
  for (const { creator } of stat.auxItems) numbers.push(creator)
  return numbers
}

/**
 * Returns a function from the number of a linked text to its author, null if the text may not be read. Two round trips,
 * or none without links. See `describeTexts` for `known`.
 */
async function authorsOf(
  session: LyskomSession,
  links: readonly LinkInfo[],
  size: CollectedSize,
  known: KnownAuthors = NONE_KNOWN,
): Promise<(textNo: number) => PersonName | null> {
  if (links.length === 0) return () => null
  const authors = new Map(links.map(({ textNo }) => [textNo, known.get(textNo)]))
  const unknown = [...authors.keys()].filter((textNo) => !known.has(textNo))
  // Keep only the author of each status, whose lists may be long.
  await mapConcurrent(unknown, async (textNo) => {
    const stat = session.connection.call('get-text-stat', { textNo })
    authors.set(textNo, await unlessGone(stat.then(({ author }) => author)))
  })
  const names = await session.names.load(
    [...authors.values()].map((author) => author ?? 0),
    size,
  )
  return (textNo) => {
    const author = authors.get(textNo)
    return author === undefined ? null : names.person(author)
  }
}

/** Resolves with undefined if the promise rejects with `no-such-text`: the text is deleted or may not be read. */
export async function unlessGone<T>(text: Promise<T>): Promise<T | undefined> {
  try {
    return await text
  } catch (error) {
    if (error instanceof KomError && error.errorName === 'no-such-text') return undefined
    throw error
  }
}
