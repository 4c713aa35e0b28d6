import { plainText } from '../../shared/plain-text.ts'
import { goBack, hasBack } from '../address.ts'
import type { Reader } from '../reading/reader.ts'
import { t } from '../strings/index.ts'

/** The main action, always in the same place: what to read next. */
export function NextBar({ reader }: { reader: Reader }) {
  const strings = t.value
  return (
    <div class="next-bar">
      <button type="button" aria-keyshortcuts="p Shift+Space" aria-disabled={!hasBack.value} onClick={goBack}>
        {strings.back}
      </button>
      {reader.next.value === undefined ? (
        <p role="status">{strings.allRead}</p>
      ) : (
        <button type="button" class="primary" aria-keyshortcuts="n Space" onClick={() => reader.readNext()}>
          <span>{strings.nextUnread}</span> <small>{whatComes(reader)}</small>
        </button>
      )}
    </div>
  )
}

/** Returns what comes next: comments in the thread, other texts of the conference, or the next conference. */
function whatComes(reader: Reader): string {
  const strings = t.value
  const coming = reader.coming.value
  const conference = reader.unread.value.find(({ conf_no }) => conf_no === reader.next.value?.confNo)
  if (coming === undefined || conference === undefined) return ''
  const name = plainText(conference.name)
  const { kind, count } = coming
  if (kind === 'thread') return strings.nextComments(name, count)
  return kind === 'conference' ? strings.nextTexts(name, count) : strings.nextConference(name, count)
}
