import './messages.css'
import { useEffect, useRef } from 'preact/hooks'
import { address, fragmentOf } from '../address.ts'
import type { Reader } from '../reading/reader.ts'
import { writeMessageTo } from './draft.ts'
import type { Message } from './message.ts'
import { MessageHead } from './message-head.tsx'
import { t } from './strings.ts'

/** The most cards that are shown. */
const MAX_CARDS = 3

/** The received messages that the person has not seen, wherever they are. */
export function MessageCards({ reader }: { reader: Reader }) {
  const strings = t.value
  const { unseen } = reader.messages
  const cards = useRef<HTMLElement>(null)
  const isListShown = address.value.view === 'messages'
  // The list of messages shows them.
  useEffect(() => {
    if (isListShown) reader.messages.see(unseen.value.map(({ id }) => id))
  }, [reader, isListShown, unseen.value])
  const shown = isListShown ? [] : unseen.value.slice(-MAX_CARDS)
  const more = isListShown ? 0 : unseen.value.length - shown.length

  const dismiss = ({ id }: Message): void => {
    reader.messages.see([id])
    // The focus was on a button that is gone.
    setTimeout(() => {
      const next = cards.current?.querySelector<HTMLElement>('button') ?? document.querySelector<HTMLElement>('main h1')
      next?.focus()
    })
  }
  return (
    <section ref={cards} class="message-cards" role="log" aria-label={strings.newMessages}>
      {more > 0 && (
        <p class="card">
          <a href={fragmentOf(reader.server, 'messages')}>{strings.more(more)}</a>
        </p>
      )}
      {shown.map((message) => (
        <div key={message.id} class="card">
          <MessageHead reader={reader} message={message} />
          <p class="message-text" dir="auto">
            {message.text}
          </p>
          <p class="actions">
            <button
              type="button"
              class="primary"
              aria-label={strings.answerTo(message.sender.name)}
              onClick={() => {
                reader.messages.see([message.id])
                writeMessageTo(reader.server, message.sender)
              }}
            >
              {strings.answer}
            </button>
            <button
              type="button"
              class="plain"
              aria-label={strings.dismissOf(message.sender.name)}
              onClick={() => dismiss(message)}
            >
              {strings.dismiss}
            </button>
          </p>
        </div>
      ))}
    </section>
  )
}
