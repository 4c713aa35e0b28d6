import './online.css'
import { useEffect, useRef, useState } from 'preact/hooks'
import { language } from '../../shared/preferences.ts'
import { errorText } from '../error-text.ts'
import { writeMessageTo } from '../messages/draft.ts'
import type { Reader } from '../reading/reader.ts'
import { Failure } from '../shell/failure.tsx'
import { ConferenceLink, Loading, PersonLink, Problem } from '../shell/parts.tsx'
import { idleTime } from './idle.ts'
import type { Seen } from './presence.ts'
import { t } from './strings.ts'
import { usePresence } from './use-presence.ts'

/** A session that has been idle for longer is folded. */
const INACTIVE_MS = 30 * 60_000
/** How often idle times are displayed anew. */
const CLOCK_MS = 30_000

/** Who is on: persons, what they do, and for how long they have been idle. */
export function OnlineView({ reader }: { reader: Reader }) {
  const strings = t.value
  const presence = usePresence(reader)
  const [now, setNow] = useState(Date.now())
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    const clock = setInterval(() => setNow(Date.now()), CLOCK_MS)
    return () => clearInterval(clock)
  }, [])
  const sessions = presence?.sessions.value
  const error = presence?.error.value
  const isShown = sessions !== undefined
  useEffect(() => {
    document.title = `${strings.whoIsOn} – komgate`
    heading.current?.focus({ preventScroll: true })
    scrollTo(0, 0)
  }, [strings, isShown])
  // A session that has just logged in is newer than the last tick of the clock.
  useEffect(() => setNow(Date.now()), [sessions])
  if (error !== undefined && sessions === undefined) {
    return <Problem title={strings.whoIsOn} message={errorText(error)} onRetry={() => void presence?.load()} />
  }
  if (sessions === undefined) return <Loading />
  const active = sessions.filter(({ activeAt }) => now - activeAt < INACTIVE_MS)
  const inactive = sessions.filter((session) => !active.includes(session))
  const rows = (shown: readonly Seen[]) =>
    shown.map((session) => <Row key={session.session_no} reader={reader} session={session} now={now} />)
  return (
    <section class="online" aria-labelledby="online">
      <h1 id="online" ref={heading} tabIndex={-1}>
        {strings.whoIsOn}
      </h1>
      <p class="quiet">{active.length === 0 ? strings.nobody : strings.countActive(active.length)}</p>
      <ul class="rows" aria-labelledby="online">
        {rows(active)}
      </ul>
      {inactive.length > 0 && (
        <details>
          <summary>{strings.inactive(inactive.length)}</summary>
          <ul class="rows" aria-label={strings.inactive(inactive.length)}>
            {rows(inactive)}
          </ul>
        </details>
      )}
      <Failure error={error} />
      <button type="button" class="plain" onClick={() => void presence?.load()}>
        {strings.refresh}
      </button>
    </section>
  )
}

function Row({ reader, session, now }: { reader: Reader; session: Seen; now: number }) {
  const strings = t.value
  const { person, working_conference, what_am_i_doing, client, activeAt } = session
  const isOwn = session.session_no === reader.state.value.session.session_no
  const idle = idleTime((now - activeAt) / 1000, language.value)
  return (
    <li>
      <p class="who">
        <PersonLink server={reader.server} person={person} />
        {isOwn && <span class="badge">{strings.you}</span>}
      </p>
      <p class="quiet doing">
        {what_am_i_doing !== '' && <bdi>{what_am_i_doing}</bdi>}
        {working_conference !== null && (
          <span>
            {strings.reads} <ConferenceLink server={reader.server} conference={working_conference} />
          </span>
        )}
        <span>{idle === undefined ? strings.active : strings.idle(idle)}</span>
        {client !== null && client.name !== '' && <bdi>{`${client.name} ${client.version}`.trim()}</bdi>}
      </p>
      {person.pers_no !== reader.state.value.person?.pers_no && (
        <button
          type="button"
          aria-label={strings.sendMessageTo(person.pers_name)}
          onClick={() => writeMessageTo(reader.server, { conf_no: person.pers_no, name: person.pers_name })}
        >
          {strings.sendMessage}
        </button>
      )}
    </li>
  )
}
