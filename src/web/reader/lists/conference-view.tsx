import './lists.css'
import { type Conference, LyskomError } from 'komgate/client'
import { useEffect, useState } from 'preact/hooks'
import { useAsync } from '../../shared/use-async.ts'
import { fragmentOf, go } from '../address.ts'
import { t as compose } from '../compose/strings.ts'
import { Invitation } from '../conferences/invitation.tsx'
import { JoinForm } from '../conferences/join.tsx'
import { MembershipPanel } from '../conferences/membership-panel.tsx'
import { t as membershipStrings } from '../conferences/strings.ts'
import { errorText } from '../error-text.ts'
import type { Reader } from '../reading/reader.ts'
import { ConferenceLink, Loading, PersonLink, Problem, Time } from '../shell/parts.tsx'
import { ViewHeading } from '../shell/view-heading.tsx'
import { t as common } from '../strings/index.ts'
import { Facts } from './facts.tsx'
import { maySupervise } from './may-supervise.ts'
import { Members } from './members.tsx'
import { Presentation, TextBody } from './presentation.tsx'
import { t } from './strings.ts'
import { TextList } from './text-list.tsx'
import { useCurrent } from './use-current.ts'

const PAGE_SIZE = 25

/** A conference: what it is about, the membership of the person, its members and its texts. */
export function ConferenceView({ reader, no }: { reader: Reader; no: number }) {
  const { value, error, retry } = useAsync(no, () => reader.kom.conferences.get(no, { micro: false }))
  // The letterbox of another person is that person.
  const isPerson = value?.type.letterbox === 1 && reader.membership(no) === undefined
  useEffect(() => {
    if (isPerson) go(fragmentOf(reader.server, 'persons', no), true)
  }, [isPerson, reader, no])
  if (error !== undefined) {
    const isGone = error instanceof LyskomError
    return (
      <Problem
        title={isGone ? common.value.notFound : common.value.notLoaded}
        message={isGone ? common.value.conferenceIsGone : errorText(error)}
        onRetry={isGone ? undefined : retry}
      />
    )
  }
  return value === undefined || isPerson ? <Loading /> : <Shown reader={reader} conference={value} />
}

function Shown({ reader, conference: loaded }: { reader: Reader; conference: Conference }) {
  const conference = useCurrent(reader, loaded)
  const { conf_no: no, type } = conference
  const unread = reader.unread.value.find(({ conf_no }) => conf_no === no)
  const { server } = reader.state.value
  const isLetterbox = type.letterbox === 1
  return (
    <section class="conference" aria-labelledby="conference">
      <ViewHeading id="conference" title={conference.name} />
      <Kind conference={conference} />
      <MembershipHere reader={reader} conference={conference} />
      {conference.msg_of_day !== 0 && (
        <section class="door" aria-labelledby="notice">
          <h2 id="notice">{t.value.notice}</h2>
          <TextBody reader={reader} no={conference.msg_of_day} />
        </section>
      )}
      <Presentation
        reader={reader}
        presented={conference}
        isEditable={maySupervise(conference, reader.state.value)}
        recipient={(isLetterbox ? server.pers_pres_conf : server.conf_pres_conf)?.conf_no}
      />
      <About reader={reader} conference={conference} />
      <Members reader={reader} confNo={no} count={conference.no_of_members} />
      <TextList
        key={no}
        belongs={({ recipients }) => recipients.some(({ recpt }) => recpt.conf_no === no)}
        reader={reader}
        label={t.value.textsHere}
        isUnread={(textNo) => unread?.unread_texts.includes(textNo) ?? false}
        load={(before) =>
          reader.kom.conferences.texts(no, {
            subjects: true,
            no_of_texts: PAGE_SIZE,
            ...(before !== undefined && { before }),
          })
        }
      />
    </section>
  )
}

function Kind({ conference: { type } }: { conference: Conference }) {
  const strings = t.value
  const kinds = [
    type.secret === 1 ? strings.secret : type.rd_prot === 1 && common.value.closed,
    type.original === 1 && strings.originalOnly,
    type.allow_anonymous === 1 && type.letterbox === 0 && strings.anonymous,
  ].filter((each) => each !== false)
  if (kinds.length === 0) return null
  return (
    <p class="byline">
      {kinds.map((kind) => (
        <span key={kind}>{kind}</span>
      ))}
    </p>
  )
}

function About({ reader: { server }, conference }: { reader: Reader; conference: Conference }) {
  const strings = t.value
  const { creator, creation_time, last_written, no_of_texts, supervisor, super_conf, permitted_submitters } = conference
  return (
    <Facts
      facts={[
        [strings.texts, no_of_texts],
        [strings.lastText, no_of_texts > 0 && <Time time={last_written} />],
        [
          strings.created,
          <>
            <Time time={creation_time} /> {strings.by} <PersonLink server={server} person={creator} />
          </>,
        ],
        [strings.supervisor, supervisor && <ConferenceLink server={server} conference={supervisor} />],
        [strings.superConference, super_conf && <ConferenceLink server={server} conference={super_conf} />],
        [strings.writers, permitted_submitters && <ConferenceLink server={server} conference={permitted_submitters} />],
      ]}
    />
  )
}

/** What the person can do here: read and change the membership, or join. */
function MembershipHere({ reader, conference }: { reader: Reader; conference: Conference }) {
  const { conf_no } = conference
  const [isOpen, setOpen] = useState(false)
  const membership = reader.membership(conf_no)
  const write = (
    <button type="button" onClick={() => reader.writeTo(conf_no)}>
      {compose.value.write}
    </button>
  )
  if (membership === undefined) {
    return (
      <>
        <JoinForm reader={reader} conference={conference} />
        <p class="actions">{write}</p>
      </>
    )
  }
  const unread = reader.unread.value.find((each) => each.conf_no === conf_no)
  return (
    <>
      <p class="actions">
        {unread !== undefined && (
          <button type="button" onClick={() => reader.readConference(conf_no)}>
            {t.value.readUnread} ({unread.unread_texts.length})
          </button>
        )}
        {write}
        <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {membershipStrings.value.membership}
        </button>
      </p>
      {isOpen ? (
        <MembershipPanel reader={reader} membership={membership} />
      ) : (
        <Invitation reader={reader} membership={membership} />
      )}
    </>
  )
}
