/**
 * Shows new texts in a terminal as they are written, and how many texts are unread. Ctrl-C ends it.
 *
 *     KOM_PERSON=6 KOM_PASSWORD=demo npx tsx examples/live-reader.ts [URL of a LysKOM server on komgate]
 */
import { once } from 'node:events'
import { connect, type KomEvent, KomgateError, type Live, type LiveState, LyskomError } from 'komgate/client'

const { KOM_PERSON = '6', KOM_PASSWORD = 'demo' } = process.env
const [, url = '', server = ''] = /^(.*)\/([^/]+)\/?$/.exec(process.argv[2] ?? 'http://127.0.0.1:5001/demo') ?? []

const stop = new AbortController()
const { signal } = stop
for (const name of ['SIGTERM', 'SIGINT']) process.once(name, () => stop.abort())

/** Prints without control characters, which could change the terminal. */
function print(text: string): void {
  console.log(text.replace(/[^\P{Cc}\n\t]/gu, ''))
}

/** Returns the conferences with unread texts, in reading order. */
function summary({ memberships, unread }: LiveState): string {
  const names = new Map(memberships.map(({ conference }) => [conference.conf_no, conference.name]))
  const lines = unread.map(({ conf_no, no_of_unread }) => `${no_of_unread} unread in ${names.get(conf_no)}`)
  return lines.join('\n') || 'No unread texts'
}

async function showText(live: Live, textNo: number): Promise<void> {
  const { author, recipient_list, subject, body } = await live.text(textNo)
  const names = recipient_list.map(({ recpt }) => recpt.name)
  print(`\nText ${textNo} by ${author.pers_name} in ${names.join(', ')}: ${subject}\n${body ?? '(not a text)'}`)
}

/** Ignores that a text has been deleted since it was reported. */
function unlessDeleted(error: unknown): void {
  if (!(error instanceof LyskomError && error.name === 'NoSuchText')) stop.abort(error)
}

async function follow(): Promise<void> {
  const kom = await connect({ url, server, client: { name: 'live-reader', version: '1' }, signal })
  try {
    await kom.login({ pers_no: Number(KOM_PERSON), passwd: KOM_PASSWORD })
    const onEvent = (event: KomEvent): void => {
      if (event.type === 'new-text') void showText(live, event.text_no).catch(unlessDeleted)
      if (event.type === 'send-message') print(`\nMessage from person ${event.sender}: ${String(event.message)}`)
    }
    const live = await kom.live({ onEvent, signal })
    let shown: LiveState['unread'] | undefined
    live.subscribe((state) => {
      if (state.status === 'lost') stop.abort(state.error)
      if (state.unread !== shown) print(`\n${summary(state)}`)
      shown = state.unread
    })
    if (!signal.aborted) await once(signal, 'abort')
  } finally {
    await kom.close()
  }
}

await follow().catch((error: unknown) => stop.abort(error))
if (signal.reason instanceof KomgateError) {
  console.error(`${signal.reason.name}: ${signal.reason.message}`)
  process.exitCode = 1
} else if ((signal.reason as Error).name !== 'AbortError') {
  throw signal.reason
}
