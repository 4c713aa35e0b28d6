import { address, fragmentOf, type PlainView } from '../address.ts'
import { t as compose } from '../compose/strings.ts'
import { t as marksStrings } from '../marks/strings.ts'
import { t as messages } from '../messages/strings.ts'
import { t as online } from '../online/strings.ts'
import type { Reader } from '../reading/reader.ts'
import { t as settings } from '../settings/strings.ts'
import { t } from '../strings/index.ts'

/** The views that need no number, in the order in which they are listed. */
const PLACES: readonly { view: PlainView; label(): string }[] = [
  { view: 'new', label: () => compose.value.writeText },
  { view: 'conferences', label: () => t.value.allConferences },
  { view: 'marks', label: () => marksStrings.value.marks },
  { view: 'online', label: () => online.value.whoIsOn },
  { view: 'messages', label: () => messages.value.messages },
  { view: 'settings', label: () => settings.value.settings },
]

/** Links to the views that need no number. */
export function Places({
  reader: {
    server,
    messages: { unseen },
  },
  onChoose,
}: {
  reader: Reader
  onChoose: () => void
}) {
  const shown = address.value
  return (
    <nav class="places" aria-label={t.value.places}>
      <ul>
        {PLACES.map(({ view, label }) => (
          <li key={view}>
            <a
              href={fragmentOf(server, view)}
              aria-current={shown.view === view && shown.no === undefined ? 'page' : undefined}
              onClick={onChoose}
            >
              {label()}
              {view === 'messages' && unseen.value.length > 0 && (
                <span class="count" role="img" aria-label={messages.value.unseen(unseen.value.length)}>
                  {unseen.value.length}
                </span>
              )}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}
