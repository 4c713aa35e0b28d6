import type { OwnSession } from 'komgate/client'
import { useState } from 'preact/hooks'
import { language } from '../../shared/preferences.ts'
import { timeAgo } from '../../shared/time.ts'
import { useAction } from '../../shared/use-action.ts'
import { useAsync } from '../../shared/use-async.ts'
import type { Reader } from '../reading/reader.ts'
import { logOut } from '../session/session.ts'
import { Confirm } from '../shell/confirm.tsx'
import { Failure } from '../shell/failure.tsx'
import { Loading } from '../shell/parts.tsx'
import { endOtherSessions } from './log-out-everywhere.ts'
import { t } from './strings.ts'

/** The other sessions of the person on this gateway. Each can be ended, and all of them at once. */
export function Sessions({ reader }: { reader: Reader }) {
  const strings = t.value
  const { value, error, retry } = useAsync('mine', () => reader.kom.sessions.mine())
  const [ended, setEnded] = useState<readonly string[]>([])
  return (
    <>
      {value === undefined && error === undefined && <Loading />}
      <Failure error={error} onRetry={retry} />
      {value !== undefined && (
        <ul class="rows" aria-label={strings.sessions}>
          <li>{strings.thisSession}</li>
          {value.sessions
            .filter(({ handle }) => !ended.includes(handle))
            .map((session) => (
              <SessionRow
                key={session.handle}
                reader={reader}
                session={session}
                onEnded={() => setEnded([...ended, session.handle])}
              />
            ))}
        </ul>
      )}
      {value?.sessions.length === ended.length && <p class="quiet">{strings.noOthers}</p>}
      <Everywhere reader={reader} />
    </>
  )
}

function SessionRow({ reader, session, onEnded }: { reader: Reader; session: OwnSession; onEnded: () => void }) {
  const strings = t.value
  const { handle, client, address, idle } = session
  const action = useAction()
  const end = async (): Promise<void> => {
    await reader.kom.sessions.endMine(handle)
    reader.notice.value = strings.ended
    onEnded()
  }
  return (
    <li>
      <span>
        <bdi>{client}</bdi> <span class="quiet">{address}</span>
      </span>
      <span class="meta">
        <span class="quiet">{strings.used(timeAgo(idle, language.value))}</span>
        <button
          type="button"
          aria-label={strings.endNamed(client, address)}
          aria-disabled={action.isBusy}
          onClick={() => void action.run(end)}
        >
          {strings.end}
        </button>
      </span>
      <Failure error={action.error} />
    </li>
  )
}

function Everywhere({ reader }: { reader: Reader }) {
  const strings = t.value
  const { person, session } = reader.state.value
  return (
    <Confirm
      label={strings.everywhere}
      question={strings.everywhereAsks}
      yes={strings.now}
      no={strings.cancel}
      act={async () => {
        await endOtherSessions(reader.kom, person?.pers_no ?? 0, session.session_no)
        logOut(reader)
      }}
    />
  )
}
