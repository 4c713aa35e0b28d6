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
          <span>{strings.nextUnread}</span> <small>{nextPlace(reader)}</small>
        </button>
      )}
    </div>
  )
}

/** Returns the conference of the next text, and the number of its unread texts after the shown one. */
function nextPlace(reader: Reader): string {
  const strings = t.value
  const next = reader.next.value
  const conference = reader.unread.value.find(({ conf_no }) => conf_no === next?.confNo)
  if (conference === undefined) return ''
  const { kept } = reader.marks
  const left = conference.unread_texts.filter((no) => !kept.value.has(no) && no !== reader.shown.value).length
  const isHere = conference.conf_no === reader.confNo.value
  return isHere ? strings.nextHere(conference.name, left) : strings.nextConference(conference.name, left)
}
