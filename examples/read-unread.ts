/**
 * Reads all unread texts in a terminal: Return marks the text as read and shows the next one, `s` skips it, `q` quits.
 *
 *     KOM_PERSON=6 KOM_PASSWORD=demo npx tsx examples/read-unread.ts [URL of a LysKOM server on komgate]
 */
import { createInterface } from 'node:readline'
import { connect, KomgateError, LyskomError, type Text } from 'komgate/client'

const { KOM_PERSON = '6', KOM_PASSWORD = 'demo' } = process.env
const [, url = '', server = ''] = /^(.*)\/([^/]+)\/?$/.exec(process.argv[2] ?? 'http://127.0.0.1:5001/demo') ?? []

const stop = new AbortController()
const { signal } = stop
for (const name of ['SIGTERM', 'SIGINT']) process.once(name, () => stop.abort())
const terminal = createInterface({ input: process.stdin, signal })
const lines = terminal[Symbol.asyncIterator]()

/** Reads an answer; `q` at the end of the input. */
async function ask(question: string): Promise<string> {
  process.stdout.write(question)
  const { value, done } = await lines.next()
  return done ? 'q' : value.trim()
}

/** Removes control characters, which could change the terminal. */
function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, '')
}

function show({ text_no, author, creation_time, recipient_list, comment_to_list, subject, body }: Text): void {
  const recipients = recipient_list.map(({ type, recpt }) => `${type}: ${recpt.name}`)
  const commented = comment_to_list.map((link) => `${link.type} to text ${link.text_no}`)
  const head = [`Text ${text_no}, ${creation_time}, ${author.pers_name}`, ...recipients, ...commented]
  console.log(printable(`\n${head.join('\n')}\nSubject: ${subject}\n\n${body ?? '(not a text)'}`))
}

/** Ignores that a text has been deleted since it was listed. */
function unlessDeleted(error: unknown): undefined {
  if (!(error instanceof LyskomError && error.name === 'NoSuchText')) throw error
}

async function readAll(): Promise<void> {
  const kom = await connect({ url, server, client: { name: 'read-unread', version: '1' }, signal })
  try {
    const { pers_no } = await kom.login({ pers_no: Number(KOM_PERSON), passwd: KOM_PASSWORD })
    const { list } = await kom.memberships.allUnread(pers_no)
    const shown = new Set<number>()
    for (const { conf_no, unread_texts } of list) {
      const { name } = await kom.conferences.get(conf_no)
      console.log(printable(`\n=== ${name}: ${unread_texts.length} unread`))
      for (const textNo of unread_texts) {
        // A text with several recipients is unread in each of them.
        if (shown.has(textNo)) continue
        shown.add(textNo)
        const text = await kom.texts.get(textNo).catch(unlessDeleted)
        if (text === undefined) continue
        show(text)
        const answer = await ask('\n[Return, s, q] ')
        if (answer === 'q') return
        if (answer !== 's') await kom.texts.markRead(textNo)
      }
    }
    console.log('\nNo more unread texts.')
  } finally {
    await kom.close()
  }
}

try {
  await readAll()
} catch (error) {
  if (!signal.aborted) {
    if (!(error instanceof KomgateError)) throw error
    console.error(`${error.name}: ${error.message}`)
    process.exitCode = 1
  }
} finally {
  terminal.close()
}
