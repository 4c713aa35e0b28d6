import { fragmentOf } from '../address.ts'
import type { Reader } from '../reading/reader.ts'
import { type Notice, show } from './notifications.ts'
import { t } from './strings.ts'

/** Notifies the person of letters and messages, until the returned function is called. */
export function watch(reader: Reader): () => void {
  const { server, state, messages } = reader
  const stops = [
    reader.onEvent((event) => {
      const ownNo = state.peek().person?.pers_no
      if (event.type !== 'new-text' || event.author.pers_no === ownNo) return
      if (!event.recipients.some(({ recpt }) => recpt.conf_no === ownNo)) return
      void showLetter(reader, event.text_no)
    }),
    messages.onReceived(({ sender, text }) => {
      notify({
        title: t.value.messageFrom(sender.name),
        body: text,
        tag: `message ${server}`,
        fragment: fragmentOf(server, 'messages'),
      })
    }),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

async function showLetter({ server, live }: Reader, textNo: number): Promise<void> {
  // The next unread text is requested anyway.
  const text = await live.text(textNo).catch(() => undefined)
  if (text === undefined) return
  notify({
    title: t.value.letterFrom(text.author.pers_name),
    body: text.subject ?? '',
    tag: `text ${server} ${textNo}`,
    fragment: fragmentOf(server, 'texts', textNo),
  })
}

function notify(notice: Notice): void {
  // A notification that cannot be shown is not worth a sentence.
  show(notice).catch(() => undefined)
}
