import { LyskomError, RequestError } from 'komgate/client'
import { useRef, useState } from 'preact/hooks'
import { Field } from '../../shared/field.tsx'
import { useAction } from '../../shared/use-action.ts'
import { errorText } from '../error-text.ts'
import type { Reader } from '../reading/reader.ts'
import { t } from './strings.ts'

const FIELDS = ['old', 'new', 'again'] as const
type Name = (typeof FIELDS)[number]
type Typed = Record<Name, string>
/** Errors by field; those of `form` are about no field. */
type Errors = Partial<Record<Name | 'form', string>>

const NOTHING: Typed = { old: '', new: '', again: '' }

/** A form that changes the password of the person. */
export function PasswordForm({ reader }: { reader: Reader }) {
  const strings = t.value
  const [typed, setTyped] = useState(NOTHING)
  const [errors, setErrors] = useState<Errors>({})
  const { isBusy, run } = useAction()
  const form = useRef<HTMLFormElement>(null)
  const labels: Record<Name, string> = { old: strings.oldPassword, new: strings.newPassword, again: strings.again }

  const report = (found: Errors): void => {
    setErrors(found)
    const wrong = FIELDS.find((name) => found[name] !== undefined)
    if (wrong !== undefined) form.current?.querySelector<HTMLInputElement>(`input[name=${wrong}]`)?.focus()
  }
  const submit = async (): Promise<void> => {
    const invalid = check(typed)
    report(invalid)
    if (Object.keys(invalid).length > 0) return
    const persNo = reader.state.peek().person?.pers_no ?? 0
    const passwords = { old_pwd: typed.old, new_pwd: typed.new }
    await run(() =>
      reader.kom.persons.setPassword(persNo, passwords).then(
        () => {
          setTyped(NOTHING)
          reader.notice.value = strings.isChanged
        },
        (error: unknown) => report(errorsOf(error)),
      ),
    )
  }

  return (
    <form
      ref={form}
      class="password"
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        void submit()
      }}
    >
      {FIELDS.map((name) => (
        <Field key={name} id={`password-${name}`} label={labels[name]} error={errors[name]}>
          {(parts) => (
            <input
              {...parts}
              type="password"
              name={name}
              autocomplete={name === 'old' ? 'current-password' : 'new-password'}
              value={typed[name]}
              onInput={({ currentTarget: { value } }) => {
                setTyped({ ...typed, [name]: value })
                setErrors({})
              }}
            />
          )}
        </Field>
      ))}
      {errors.form !== undefined && (
        <p class="error" role="alert">
          {errors.form}
        </p>
      )}
      <p class="actions">
        <button type="submit" aria-disabled={isBusy}>
          {strings.change}
        </button>
      </p>
    </form>
  )
}

function check(typed: Typed): Errors {
  const strings = t.value
  if (typed.old === '') return { old: strings.oldIsMissing }
  if (typed.new === '') return { new: strings.newIsMissing }
  if (typed.again !== typed.new) return { again: strings.againDiffers }
  return {}
}

function errorsOf(error: unknown): Errors {
  const strings = t.value
  if (error instanceof LyskomError && ['InvalidPassword', 'PermissionDenied'].includes(error.name)) {
    return { old: strings.oldIsWrong }
  }
  if (error instanceof LyskomError && error.name === 'StringTooLong') return { new: strings.newIsLong(error.status) }
  if (error instanceof RequestError && error.httpStatus === 400) {
    return error.message.includes('old_pwd') ? { old: strings.oldIsWrong } : { new: strings.newIsForeign }
  }
  return { form: errorText(error) }
}
