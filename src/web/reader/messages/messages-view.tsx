import './messages.css'
import { useEffect } from 'preact/hooks'
import type { Reader } from '../reading/reader.ts'
import { writeMessageTo } from './draft.ts'
import { MessageForm } from './message-form.tsx'
import { MessageHead } from './message-head.tsx'
import { t } from './strings.ts'

/** Messages: a form, and those that have been sent and received on this device. */
export function MessagesView({ reader }: { reader: Reader }) {
  const strings = t.value
  const { messages, server } = reader
  const list = messages.list.value
  const ownNo = reader.state.value.person?.pers_no
  useEffect(() => {
    document.title = `${strings.messages} – komgate`
    scrollTo(0, 0)
  }, [strings])
  return (
    <section class="messages" aria-labelledby="messages">
      <h1 id="messages" tabIndex={-1}>
        {strings.messages}
      </h1>
      <p class="quiet">{strings.explanation}</p>
      <MessageForm reader={reader} />
      <h2 id="message-list">{strings.list}</h2>
      <ul class="rows" aria-labelledby="message-list">
        {[...list].reverse().map((message) => (
          <li key={message.id}>
            <MessageHead reader={reader} message={message} />
            <p class="message-text" dir="auto">
              {message.text}
            </p>
            {message.sender.conf_no !== ownNo && message.sender.conf_no !== 0 && (
              <button
                type="button"
                aria-label={strings.answerTo(message.sender.name)}
                onClick={() => {
                  writeMessageTo(server, message.sender)
                  document.getElementById('message-text')?.focus()
                }}
              >
                {strings.answer}
              </button>
            )}
          </li>
        ))}
      </ul>
      <p class="quiet">
        {list.length === 0 ? strings.noMessages : messages.isForDevice ? strings.keptOnDevice : strings.keptInTab}
      </p>
      {list.length > 0 && (
        <button type="button" class="plain" onClick={() => messages.clear()}>
          {strings.clear}
        </button>
      )}
    </section>
  )
}
