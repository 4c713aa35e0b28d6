import './membership.css'
import { type ConferenceName, LyskomError } from 'komgate/client'
import { useState } from 'preact/hooks'
import { type Action, useAction } from '../../shared/use-action.ts'
import { fragmentOf, go } from '../address.ts'
import { errorText } from '../error-text.ts'
import type { Reader } from '../reading/reader.ts'
import { join, NEWEST } from './membership.ts'
import { t } from './strings.ts'

/** The choices of unread texts to begin with: a number of the newest ones, or all. */
const BEGINNINGS = [NEWEST, 0, 'all'] as const

/** Makes the person a member of a conference, and shows it. */
export function useJoin(reader: Reader, { conf_no, name }: ConferenceName): Action & { join(newest?: number): void } {
  const action = useAction()
  return {
    ...action,
    join(newest) {
      void action.run(async () => {
        const { person, memberships } = reader.state.peek()
        await join(reader.kom, person?.pers_no ?? 0, conf_no, { memberships, newest })
        reader.notice.value = t.value.joined(name)
        go(fragmentOf(reader.server, 'conferences', conf_no))
      })
    },
  }
}

/** Why a conference could not be joined. */
export function JoinError({ error, name }: { error: unknown; name: string }) {
  if (error === undefined) return null
  const isClosed = error instanceof LyskomError && error.name === 'AccessDenied'
  return (
    <p class="error" role="alert">
      {isClosed ? t.value.closedToYou(name) : errorText(error)}
    </p>
  )
}

/** A form that joins a conference, with the choice of what is unread then. */
export function JoinForm({ reader, conference }: { reader: Reader; conference: ConferenceName }) {
  const strings = t.value
  const [beginning, setBeginning] = useState<string>(String(NEWEST))
  const { join: joinWith, isBusy, error } = useJoin(reader, conference)
  const label = (each: (typeof BEGINNINGS)[number]): string => {
    if (each === 'all') return strings.allTexts
    return each === 0 ? strings.newTexts : strings.newest(each)
  }
  return (
    <form
      class="join"
      aria-label={strings.joinNamed(conference.name)}
      onSubmit={(event) => {
        event.preventDefault()
        joinWith(beginning === 'all' ? undefined : Number(beginning))
      }}
    >
      <p class="quiet">{strings.joinExplained}</p>
      <p class="actions">
        <label>
          <span>{strings.beginWith}</span>
          <select value={beginning} onChange={({ currentTarget: { value } }) => setBeginning(value)}>
            {BEGINNINGS.map((each) => (
              <option key={each} value={each}>
                {label(each)}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" aria-disabled={isBusy}>
          {strings.join}
        </button>
      </p>
      <JoinError error={error} name={conference.name} />
    </form>
  )
}
