/**
 * A bot that answers when its name is called: it comments each unread text of its conferences that contains its name.
 * Run one bot for each person.
 *
 *     KOM_PERSON=7 KOM_PASSWORD=demo npx tsx examples/name-bot.ts [URL of a LysKOM server on komgate]
 */
import { setTimeout } from 'node:timers/promises'
import {
  connect,
  type Kom,
  KomgateError,
  LimitError,
  LyskomError,
  NotLoggedInError,
  type Person,
  SessionLostError,
  type Text,
  UnavailableError,
} from 'komgate/client'

const { KOM_PERSON = '7', KOM_PASSWORD = 'demo', POLL_SECONDS = '10' } = process.env
const [, url = '', server = ''] = /^(.*)\/([^/]+)\/?$/.exec(process.argv[2] ?? 'http://127.0.0.1:5001/demo') ?? []

const stop = new AbortController()
const { signal } = stop
let failures = 0

/** Opens a session and answers until it is lost, or a request fails. */
async function run(): Promise<never> {
  const kom = await connect({ url, server, client: { name: 'name-bot', version: '1' }, signal })
  try {
    const me = await kom.login({ pers_no: Number(KOM_PERSON), passwd: KOM_PASSWORD })
    console.log(`logged in as ${me.pers_name}`)
    for (;;) {
      await answerUnread(kom, me)
      failures = 0
      await setTimeout(Number(POLL_SECONDS) * 1000, undefined, { signal })
    }
  } finally {
    // If this fails, the gateway closes the session after its idle timeout.
    await kom.close().catch(() => undefined)
  }
}

async function answerUnread(kom: Kom, me: Person): Promise<void> {
  const { list } = await kom.memberships.allUnread(me.pers_no)
  for (const textNo of new Set(list.flatMap(({ unread_texts }) => unread_texts))) {
    const text = await kom.texts.get(textNo).catch(skip)
    if (text !== undefined && isCalled(text, me)) await answer(kom, me, text).catch(skip)
    // Read after it is answered, so that no text is missed.
    await kom.texts.markRead(textNo).catch(skip)
  }
}

/** Skips a text that has been deleted, or whose recipients the bot may not write to: another attempt would fail too. */
function skip(error: unknown): undefined {
  if (!(error instanceof LyskomError)) throw error
  console.error(`${error.name}: ${error.message}`)
}

/** Returns whether a text of another person contains the name of the bot. A comment by the bot means that it has answered. */
function isCalled({ subject, body, author, comment_in_list }: Text, { pers_no, pers_name }: Person): boolean {
  const words = `${subject}\n${body}`.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  const name = pers_name.replace(/\(.*?\)/g, '').toLowerCase()
  const isNamed = ` ${words.join(' ')} `.includes(` ${name.trim()} `)
  return (
    isNamed && author.pers_no !== pers_no && comment_in_list.every((comment) => comment.author?.pers_no !== pers_no)
  )
}

async function answer(kom: Kom, me: Person, { text_no, subject, author, recipient_list }: Text): Promise<void> {
  const to = recipient_list.filter(({ type }) => type === 'to').map(({ recpt }) => recpt.conf_no)
  // A letter to the bot is answered in the letterbox of the author: persons and their letterboxes share a number.
  const conferences = new Set(to.map((confNo) => (confNo === me.pers_no ? author.pers_no : confNo)))
  await kom.texts.create({
    subject: subject ?? '',
    body: `Hello ${author.pers_name}, you called me.`,
    content_type: 'text/plain',
    recipient_list: [...conferences].map((conf_no) => ({ type: 'to', recpt: { conf_no } })),
    comment_to_list: [{ type: 'comment', text_no }],
  })
  console.log(`answered text ${text_no}`)
}

/** Returns the seconds to wait before the next session. Stops the bot after a permanent error, such as a wrong password. */
function delayAfter(error: unknown): number {
  if (signal.aborted) return 0
  if (!(error instanceof KomgateError)) throw error
  console.error(`${error.name}: ${error.message}`)
  const isTransient = [SessionLostError, NotLoggedInError, LimitError, UnavailableError].some(
    (each) => error instanceof each,
  )
  if (!isTransient) {
    process.exitCode = 1
    stop.abort()
  }
  return error.retryAfter ?? Math.min(60, 2 ** failures++)
}

for (const name of ['SIGTERM', 'SIGINT']) process.once(name, () => stop.abort())
while (!signal.aborted) {
  const seconds = await run().catch(delayAfter)
  await setTimeout(seconds * 1000, undefined, { signal }).catch(() => undefined)
}
