/**
 * A bot that throws dice: it answers each unread text of its conferences whose subject is `dice`, or for example
 * `dice 2d6`, with a comment. Run one bot for each person.
 *
 *     KOM_PERSON=7 KOM_PASSWORD=demo npx tsx examples/bot.ts [URL of a LysKOM server on komgate]
 */
import { randomInt } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'

const { KOM_PERSON = '7', KOM_PASSWORD = 'demo', POLL_SECONDS = '10' } = process.env
const BASE_URL = process.argv[2] ?? 'http://127.0.0.1:5001/demo'
const PERS_NO = Number(KOM_PERSON)
const DICE = /^dice(?: ([1-9])d([1-9]\d{0,2}))?$/i

interface Text {
  text_no: number
  subject: string
  author: { pers_no: number }
  recipient_list: { type: 'to' | 'cc' | 'bcc'; recpt: { conf_no: number } }[]
  comment_in_list: { author: { pers_no: number } | null }[]
}

const stop = new AbortController()
let connectionId: string | undefined
let isLoggedIn = false
let failures = 0

/** Sends a request and returns the JSON of the response. An error status is an error with the response as its cause. */
async function send<T>(method: string, path: string, json?: object): Promise<T> {
  const headers = new Headers({ 'Content-Type': 'application/json' })
  if (connectionId !== undefined) headers.set('Httpkom-Connection', connectionId)
  const body = json === undefined ? null : JSON.stringify(json)
  const response = await fetch(BASE_URL + path, { method, headers, body, signal: AbortSignal.timeout(60_000) })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`, { cause: response })
  return (text === '' ? undefined : JSON.parse(text)) as T
}

function responseOf({ cause }: Error): Response | undefined {
  return cause instanceof Response ? cause : undefined
}

/** Opens a session and logs in, where that is necessary. */
async function connect(): Promise<void> {
  if (connectionId === undefined) {
    isLoggedIn = false
    const client = { name: 'dice-bot', version: '1' }
    connectionId = (await send<{ connection_id: string }>('POST', '/sessions/', { client })).connection_id
  }
  if (isLoggedIn) return
  await send('POST', '/sessions/current/login', { pers_no: PERS_NO, passwd: KOM_PASSWORD })
  isLoggedIn = true
  console.log(`logged in as person ${PERS_NO}`)
}

/** Handles the unread texts. Returns the seconds to wait. The next call handles what a failure has left unread. */
async function handleUnread(): Promise<number> {
  await connect()
  type Unread = { list: { unread_texts: number[] }[] }
  const { list } = await send<Unread>('GET', `/persons/${PERS_NO}/memberships/unread/`)
  for (const textNo of new Set(list.flatMap(({ unread_texts }) => unread_texts))) {
    if (stop.signal.aborted) break
    const text = await send<Text>('GET', `/texts/${textNo}`).catch(skip)
    if (text !== undefined) await answer(text).catch(skip)
    await send('PUT', `/texts/${textNo}/read-marking`).catch(skip)
  }
  failures = 0
  return Number(POLL_SECONDS)
}

/** Skips a text that has been deleted, or whose recipients the bot may not write to: another attempt would fail too. */
function skip(error: Error): undefined {
  if (![400, 404].includes(responseOf(error)?.status ?? 0)) throw error
  console.error(error.message)
}

async function answer({ text_no, subject, author, recipient_list, comment_in_list }: Text): Promise<void> {
  const [request, count = '1', sides = '6'] = DICE.exec(subject.trim()) ?? []
  // Answered before it is marked as read, so that no text is missed. A request that failed may still have written the
  // answer: then the text has a comment by the bot.
  if (request === undefined || comment_in_list.some((comment) => comment.author?.pers_no === PERS_NO)) return
  const dice = Array.from({ length: Number(count) }, () => randomInt(Number(sides)) + 1)
  const to = recipient_list.filter(({ type }) => type === 'to').map(({ recpt }) => recpt.conf_no)
  // A letter to the bot is answered in the letterbox of the author: persons and their letterboxes share a number.
  const conferences = new Set(to.map((confNo) => (confNo === PERS_NO ? author.pers_no : confNo)))
  await send('POST', '/texts/', {
    subject: `Thrown: ${dice.join(', ')}`,
    body: '',
    content_type: 'text/plain',
    recipient_list: [...conferences].map((conf_no) => ({ type: 'to', recpt: { conf_no } })),
    comment_to_list: [{ type: 'comment', text_no }],
  })
  console.log(`answered text ${text_no}`)
}

/** Returns the seconds to wait after a failure. Stops the bot after a permanent one, such as a wrong password. */
function delayAfter(error: Error): number {
  console.error(error.message)
  const response = responseOf(error)
  const status = response?.status ?? 0
  if (status === 403) connectionId = undefined
  else if (status === 401 && isLoggedIn) isLoggedIn = false
  else if ([400, 401, 404, 405, 409, 413].includes(status)) {
    process.exitCode = 1
    stop.abort()
  }
  return Number(response?.headers.get('retry-after') ?? Math.min(60, 2 ** failures++))
}

for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => stop.abort())
try {
  while (!stop.signal.aborted) {
    const seconds = await handleUnread().catch(delayAfter)
    await setTimeout(seconds * 1000, undefined, { signal: stop.signal }).catch(() => undefined)
  }
} finally {
  // If this fails, the gateway closes the session after its idle timeout.
  if (connectionId !== undefined) await send('DELETE', '/sessions/0').catch(() => undefined)
}
