import { type Kom, LyskomError, NotLoggedInError, RequestError, UnavailableError } from 'komgate/client'
import { useEffect, useRef, useState } from 'preact/hooks'
import { Field } from '../../shared/field.tsx'
import { useAction } from '../../shared/use-action.ts'
import { fragmentOf, go } from '../address.ts'
import { nameError } from '../conferences/name-error.ts'
import { errorText } from '../error-text.ts'
import { begin } from '../session/session.ts'
import { focusField } from './fields.ts'
import type { FormProps } from './login-form.tsx'
import { t } from './strings.ts'

type Typed = { name: string; password: string; again: string }
/** Errors by field; those of `form` are about no field. */
type Errors = Partial<Record<keyof Typed | 'form', string>>

/** A form that creates a person, logs in as that person, and shows the conferences to join. */
export function CreatePerson({ server, withSession }: FormProps) {
  const strings = t.value
  const [typed, setTyped] = useState<Typed>({ name: '', password: '', again: '' })
  const [errors, setErrors] = useState<Errors>({})
  const { isBusy, run } = useAction()
  const form = useRef<HTMLFormElement>(null)
  // Whether an attempt may have created the person.
  const isUncertain = useRef(false)
  useEffect(() => focusField(form.current, 'name'), [])

  const report = (found: Errors): void => {
    setErrors(found)
    const [wrong] = Object.keys(found)
    if (wrong !== undefined) focusField(form.current, wrong)
  }
  const create = async (): Promise<void> => {
    const person = { name: typed.name.trim(), passwd: typed.password }
    await withSession(async (kom) => {
      await createAndLogIn(kom, person, isUncertain.current)
      go(fragmentOf(server, 'conferences'), true)
      await begin(server, kom, false)
    })
  }
  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    const invalid = check(typed)
    report(invalid)
    if (Object.keys(invalid).length > 0) return
    void run(() =>
      create().catch((error: unknown) => {
        isUncertain.current ||= error instanceof UnavailableError
        report(errorsOf(error))
      }),
    )
  }
  const input = (name: keyof Typed) => ({
    name,
    value: typed[name],
    onInput({ currentTarget: { value } }: { currentTarget: HTMLInputElement }) {
      setTyped({ ...typed, [name]: value })
      setErrors({})
    },
  })
  return (
    <form ref={form} aria-label={strings.createPerson} onSubmit={submit} noValidate>
      <Field id="new-person-name" label={strings.fullName} hint={strings.fullNameHint} error={errors.name}>
        {(parts) => <input {...parts} {...input('name')} type="text" autocomplete="name" spellcheck={false} />}
      </Field>
      <Field id="new-person-password" label={strings.password} error={errors.password}>
        {(parts) => <input {...parts} {...input('password')} type="password" autocomplete="new-password" />}
      </Field>
      <Field id="new-person-again" label={strings.again} error={errors.again}>
        {(parts) => <input {...parts} {...input('again')} type="password" autocomplete="new-password" />}
      </Field>
      {errors.form !== undefined && (
        <p class="error" role="alert">
          {errors.form}
        </p>
      )}
      <button type="submit" class="primary" aria-disabled={isBusy}>
        {isBusy ? strings.creating : strings.create}
      </button>
    </form>
  )
}

/** Creates a person and logs in. @param isAgain whether an earlier attempt may have created the person */
async function createAndLogIn(kom: Kom, { name, passwd }: { name: string; passwd: string }, isAgain: boolean) {
  try {
    const { pers_no } = await kom.persons.create({ name, passwd })
    await kom.login({ pers_no, passwd })
  } catch (error) {
    if (!isAgain || !(error instanceof LyskomError && error.name === 'PersonExists')) throw error
    // With another password it is another person.
    await kom.login({ pers_name: name, passwd }).catch(() => Promise.reject(error))
  }
}

function check({ name, password, again }: Typed): Errors {
  const strings = t.value
  if (name.trim() === '') return { name: strings.fullNameIsMissing }
  if (password === '') return { password: strings.passwordIsMissing }
  return again === password ? {} : { again: strings.againDiffers }
}

function errorsOf(error: unknown): Errors {
  const strings = t.value
  if (error instanceof RequestError && error.message.includes('passwd')) return { password: strings.passwordIsForeign }
  if (error instanceof LyskomError && error.name === 'PersonExists') return { name: strings.nameExists }
  const ofName = nameError(error)
  if (ofName !== undefined) return { name: ofName }
  const isRefused =
    error instanceof NotLoggedInError ||
    (error instanceof LyskomError && ['PermissionDenied', 'LoginFirst'].includes(error.name))
  return { form: isRefused ? strings.mayNotCreate : errorText(error) }
}
