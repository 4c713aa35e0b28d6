import { type ConferenceName, LyskomError, RequestError } from 'komgate/client'
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { Field } from '../../shared/field.tsx'
import { errorText } from '../error-text.ts'
import { NameField } from '../names/name-field.tsx'
import { ServerAway } from '../outage/server-away.tsx'
import { begin, type EndedSession } from '../session/session.ts'
import { t as common } from '../strings/index.ts'
import { DEMO, isDemoServer } from './demo-account.ts'
import { focusField } from './fields.ts'
import { t } from './strings.ts'
import type { WithSession } from './use-session.ts'

/** Errors by field; those of `form` are about no field. */
type Errors = { name?: string; password?: string; form?: string }

/** What the forms of the login page need. */
export interface FormProps {
  server: string
  /** whether the server may be the demo server */
  mayBeDemo: boolean
  /** the session that has ended */
  ended: EndedSession | undefined
  withSession: WithSession
}

/** The login form. */
export function LoginForm({ server, mayBeDemo, ended, withSession }: FormProps) {
  const strings = t.value
  const [name, setName] = useState(ended?.name ?? '')
  const [password, setPassword] = useState('')
  const [isKept, setKept] = useState(ended?.isKept ?? false)
  const [errors, setErrors] = useState<Errors>({})
  const [isBusy, setBusy] = useState(false)
  const [isDemo, setDemo] = useState(false)
  const form = useRef<HTMLFormElement>(null)

  useEffect(() => {
    focusField(form.current, ended === undefined ? 'username' : 'password')
  }, [ended])
  useEffect(() => {
    let isCurrent = true
    setDemo(false)
    if (!mayBeDemo) return
    withSession(isDemoServer).then(
      (found) => isCurrent && setDemo(found),
      // Logging in reports the error.
      () => undefined,
    )
    return () => {
      isCurrent = false
    }
  }, [mayBeDemo, withSession])

  const find = useCallback(
    async (pattern: string): Promise<readonly ConferenceName[]> => {
      const { conferences } = await withSession((kom) => kom.conferences.find(pattern, { want_confs: false }))
      return conferences
    },
    [withSession],
  )

  const logIn = async (): Promise<Errors> => {
    if (name.trim() === '') return { name: strings.nameIsMissing }
    let person: ConferenceName | undefined
    try {
      const found = await find(name)
      person = found.find((each) => each.name.toLowerCase() === name.trim().toLowerCase()) ?? found[0]
      if (person === undefined) return { name: strings.nameIsUnknown }
      if (found.length > 1 && person.name.toLowerCase() !== name.trim().toLowerCase()) {
        return { name: strings.nameIsAmbiguous }
      }
    } catch (error) {
      if (error instanceof RequestError && error.httpStatus === 400) return { name: strings.nameIsUnknown }
      throw error
    }
    const pers_no = person.conf_no
    try {
      await withSession(async (kom) => {
        await kom.login({ pers_no, passwd: password })
        await begin(server, kom, isKept)
      })
      return {}
    } catch (error) {
      if (error instanceof LyskomError && error.name === 'InvalidPassword') return { password: strings.passwordIsWrong }
      if (error instanceof RequestError && error.httpStatus === 400) return { password: strings.passwordIsWrong }
      throw error
    }
  }
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    if (isBusy) return
    setBusy(true)
    setErrors({})
    const found = await logIn().catch((error: unknown): Errors => ({ form: errorText(error) }))
    setBusy(false)
    setErrors(found)
    if (found.name !== undefined) focusField(form.current, 'username')
    else if (found.password !== undefined) focusField(form.current, 'password')
  }

  return (
    <form ref={form} onSubmit={(event) => void submit(event)} noValidate>
      {ended !== undefined && (
        <p class="note" role="status">
          {common.value.sessionHasEnded}
        </p>
      )}
      <ServerAway
        isWatched={ended !== undefined || errors.form !== undefined}
        withSession={withSession}
        onBack={() => setErrors({})}
      />
      <NameField
        id="login-name"
        label={strings.name}
        matchesLabel={common.value.persons}
        autocomplete="username"
        name={name}
        error={errors.name}
        find={find}
        onInput={(value) => {
          setName(value)
          setErrors({})
        }}
      />
      <Field id="login-password" label={strings.password} error={errors.password}>
        {(parts) => (
          <input
            {...parts}
            type="password"
            name="password"
            autocomplete="current-password"
            value={password}
            onInput={({ currentTarget: { value } }) => setPassword(value)}
          />
        )}
      </Field>
      <label class="check">
        <input type="checkbox" checked={isKept} onChange={({ currentTarget: { checked } }) => setKept(checked)} />
        {strings.stayLoggedIn}
      </label>
      {errors.form !== undefined && (
        <p class="error" role="alert">
          {errors.form}
        </p>
      )}
      <button type="submit" class="primary" aria-disabled={isBusy}>
        {isBusy ? strings.loggingIn : strings.logIn}
      </button>
      {isDemo && (
        <p class="note demo">
          <span>{strings.demoHint(DEMO.name, DEMO.password)}</span>
          <button
            type="button"
            onClick={() => {
              setName(DEMO.name)
              setPassword(DEMO.password)
              setErrors({})
              form.current?.querySelector<HTMLButtonElement>('button[type=submit]')?.focus()
            }}
          >
            {strings.fillIn}
          </button>
        </p>
      )}
    </form>
  )
}
