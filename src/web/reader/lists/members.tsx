import type { Reader } from '../reading/reader.ts'
import { PersonLink } from '../shell/parts.tsx'
import { listMembers } from './list-members.ts'
import { Pages } from './pages.tsx'
import { t } from './strings.ts'

/** The members of a conference, which are requested when the list is opened. */
export function Members({ reader, confNo, count }: { reader: Reader; confNo: number; count: number }) {
  const strings = t.value
  return (
    <Pages
      // Its pages are those of the members that there were.
      key={count}
      label={strings.members}
      summary={strings.membersHere(count)}
      load={(first) => listMembers(reader.kom, confNo, first)}
      row={({ person, isPassive }) => (
        <>
          {person === null ? (
            <span class="quiet">{strings.hiddenMember}</span>
          ) : (
            <PersonLink server={reader.server} person={person} />
          )}
          {isPassive && <span class="quiet">{strings.passiveMember}</span>}
        </>
      )}
    />
  )
}
