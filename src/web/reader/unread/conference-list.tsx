import './conference-list.css'
import { address } from '../address.ts'
import type { Reader } from '../reading/reader.ts'
import { t } from '../strings/index.ts'

/** The conferences with unread texts, in reading order. */
export function ConferenceList({ reader, onChoose }: { reader: Reader; onChoose: () => void }) {
  const strings = t.value
  const unread = reader.unread.value
  // Other views have places of their own.
  const { view, no } = address.value
  const current = view === 'texts' ? reader.confNo.value : view === 'conferences' ? no : undefined
  return (
    <nav class="conference-list" aria-label={strings.conferences}>
      <h2 id="unread">{strings.unread}</h2>
      {unread.length === 0 && <p class="quiet">{strings.nothingUnread}</p>}
      <ul aria-labelledby="unread">
        {unread.map(({ conf_no, name, unread_texts }) => (
          <li key={conf_no}>
            <button
              type="button"
              aria-current={conf_no === current ? 'true' : undefined}
              onClick={() => {
                reader.readConference(conf_no)
                onChoose()
              }}
            >
              <bdi>{name}</bdi>
              <span class="count" aria-label={strings.unreadCount(unread_texts.length)} role="img">
                {unread_texts.length}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </nav>
  )
}
