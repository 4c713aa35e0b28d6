import './lists.css'
import { type Conference, LyskomError } from 'komgate/client'
import { useAsync } from '../../shared/use-async.ts'
import { fragmentOf } from '../address.ts'
import { errorText } from '../error-text.ts'
import { usePresence } from '../online/use-presence.ts'
import type { Reader } from '../reading/reader.ts'
import { Loading, Problem, Time } from '../shell/parts.tsx'
import { ViewHeading } from '../shell/view-heading.tsx'
import { t as common } from '../strings/index.ts'
import { Facts } from './facts.tsx'
import { findPerson, type PersonStat } from './find-person.ts'
import { maySupervise } from './may-supervise.ts'
import { Pages } from './pages.tsx'
import { Presentation } from './presentation.tsx'
import { t } from './strings.ts'
import { TextList } from './text-list.tsx'

const PAGE_SIZE = 25

/** A person: who they are, whether they are logged in, and what they have written. */
export function PersonView({ reader, no }: { reader: Reader; no: number }) {
  const { value, error, retry } = useAsync(no, () => findPerson(reader.kom, no))
  if (error !== undefined || value === null) {
    const isGone = value === null || error instanceof LyskomError
    return (
      <Problem
        title={isGone ? common.value.notFound : common.value.notLoaded}
        message={isGone ? common.value.personIsGone : errorText(error)}
        onRetry={isGone ? undefined : retry}
      />
    )
  }
  return value === undefined ? <Loading /> : <Shown reader={reader} {...value} />
}

function Shown({ reader, letterbox, stat }: { reader: Reader; letterbox: Conference; stat: PersonStat | undefined }) {
  const { conf_no: no, name } = letterbox
  const { state } = reader
  return (
    <section class="person" aria-labelledby="person">
      <ViewHeading id="person" title={name} />
      <IsOn reader={reader} no={no} />
      <p class="actions">
        <button type="button" onClick={() => reader.writeTo(no)}>
          {t.value.writeLetter}
        </button>
      </p>
      <Presentation
        reader={reader}
        presented={letterbox}
        isEditable={maySupervise(letterbox, state.value)}
        recipient={state.value.server.pers_pres_conf?.conf_no}
      />
      <About letterbox={letterbox} stat={stat} />
      <Memberships reader={reader} no={no} />
      <TextList
        key={no}
        belongs={({ author }) => author.pers_no === no}
        reader={reader}
        label={t.value.textsBy}
        hasAuthors={false}
        isUnread={(textNo) => reader.isUnread(textNo)}
        load={(before) =>
          reader.kom.persons.texts(no, { no_of_texts: PAGE_SIZE, ...(before !== undefined && { before }) })
        }
      />
    </section>
  )
}

/** Says whether a person is logged in, and what they do; nothing while that is not known. */
function IsOn({ reader, no }: { reader: Reader; no: number }) {
  const strings = t.value
  const sessions = usePresence(reader, no)?.sessions.value
  if (sessions === undefined) return <p class="byline" />
  // The one that was used last.
  const [session] = sessions
  if (session === undefined) return <p class="byline">{strings.notOn}</p>
  const doing = session.what_am_i_doing.trim()
  return (
    <p class="byline">
      <span class="badge">{strings.isOnNow}</span>
      {doing !== '' && <span dir="auto">{doing}</span>}
    </p>
  )
}

function About({ letterbox, stat }: { letterbox: Conference; stat: PersonStat | undefined }) {
  const strings = t.value
  return (
    <Facts
      facts={[
        [strings.lastLogin, stat && Date.parse(stat.last_login) > 0 && <Time time={stat.last_login} />],
        [strings.personCreated, <Time key="time" time={letterbox.creation_time} />],
        [strings.writtenTexts, stat?.no_of_created_texts],
      ]}
    />
  )
}

function Memberships({ reader, no }: { reader: Reader; no: number }) {
  const strings = t.value
  return (
    <Pages
      label={strings.memberships}
      summary={strings.memberships}
      empty={strings.noMemberships}
      load={async (first) => {
        const page = { passive: true, first, no_of_memberships: PAGE_SIZE }
        const { memberships, has_more } = await reader.kom.memberships.list(no, page)
        const rows = memberships.filter(({ conference }) => conference.conf_no !== no)
        return { rows, hasMore: has_more, next: first + memberships.length }
      }}
      row={({ conference, type }) => (
        <>
          <a href={fragmentOf(reader.server, 'conferences', conference.conf_no)}>
            <bdi>{conference.name}</bdi>
          </a>
          {type.passive === 1 && <span class="quiet">{strings.passiveMember}</span>}
        </>
      )}
    />
  )
}
