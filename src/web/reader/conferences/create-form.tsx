import { LyskomError } from 'komgate/client'
import { useState } from 'preact/hooks'
import { Field } from '../../shared/field.tsx'
import { useAction } from '../../shared/use-action.ts'
import { fragmentOf, go } from '../address.ts'
import { errorText } from '../error-text.ts'
import type { Reader } from '../reading/reader.ts'
import { createConference, KINDS, type Kind } from './create-conference.ts'
import { nameError } from './name-error.ts'
import { t } from './strings.ts'

/** A form that creates a conference, and shows it. */
export function CreateForm({ reader }: { reader: Reader }) {
  const strings = t.value
  const [name, setName] = useState('')
  const [kind, setKind] = useState<Kind>('open')
  const [isMissing, setMissing] = useState(false)
  const { error, isBusy, run } = useAction()
  const kinds: Record<Kind, [string, string]> = {
    open: [strings.open, strings.openMeans],
    closed: [strings.closed, strings.closedMeans],
    secret: [strings.secretKind, strings.secretMeans],
    original: [strings.original, strings.originalMeans],
  }
  const create = async (): Promise<void> => {
    const { person, memberships } = reader.state.peek()
    const place = { persNo: person?.pers_no ?? 0, position: memberships.length }
    const confNo = await createConference(reader.kom, { name, kind, ...place })
    reader.notice.value = strings.created(name.trim())
    go(fragmentOf(reader.server, 'conferences', confNo))
  }
  const ofName = isMissing ? strings.nameIsMissing : nameError(error)
  return (
    <form
      class="create"
      aria-label={strings.create}
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        setMissing(name.trim() === '')
        if (name.trim() !== '') void run(create)
      }}
    >
      <Field id="new-conference" label={strings.name} hint={strings.nameHint} error={ofName}>
        {(parts) => (
          <input
            {...parts}
            type="text"
            autocomplete="off"
            value={name}
            onInput={({ currentTarget: { value } }) => {
              setName(value)
              setMissing(false)
            }}
          />
        )}
      </Field>
      <fieldset>
        <legend>{strings.kind}</legend>
        {KINDS.map((each) => (
          <label key={each} class="check">
            <input type="radio" name="kind" value={each} checked={kind === each} onChange={() => setKind(each)} />
            <span>
              {kinds[each][0]} <span class="quiet">{kinds[each][1]}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {ofName === undefined && error !== undefined && (
        <p class="error" role="alert">
          {error instanceof LyskomError && error.name === 'PermissionDenied' ? strings.mayNotCreate : errorText(error)}
        </p>
      )}
      <p class="actions">
        <button type="submit" class="primary" aria-disabled={isBusy}>
          {strings.createNow}
        </button>
      </p>
    </form>
  )
}
