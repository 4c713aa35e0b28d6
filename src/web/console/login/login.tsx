import './login.css'
import { useEffect, useRef, useState } from 'preact/hooks'
import { Field } from '../../shared/field.tsx'
import { Preferences } from '../../shared/preference-fields.tsx'
import { errorText } from '../error-text.ts'
import { GatewayError } from '../gateway.ts'
import { logIn } from '../session.ts'
import { t as frame } from '../strings.ts'
import { t } from './strings.ts'

/** Characters that a key may have, which are those of a header. */
const KEY = /^[\x21-\x7e]+$/

/** The login form. @param isRejected whether the gateway does not accept the key any more */
export function Login({ isRejected }: { isRejected: boolean }) {
  const strings = t.value
  const [key, setKey] = useState('')
  const [error, setError] = useState<string | undefined>()
  const [hasNoKey, setNoKey] = useState(false)
  const [isBusy, setBusy] = useState(false)
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => input.current?.focus(), [])
  const { console: title } = frame.value
  useEffect(() => {
    document.title = title
  }, [title])

  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    if (isBusy) return
    setBusy(true)
    setNoKey(false)
    try {
      if (key === '') setError(strings.keyIsMissing)
      else if (!KEY.test(key)) setError(strings.keyIsWrong)
      else await logIn(key)
    } catch (failure) {
      const status = failure instanceof GatewayError ? failure.status : 0
      setNoKey(status === 404)
      setError(status === 404 ? undefined : status === 401 ? strings.keyIsWrong : errorText(failure))
    }
    setBusy(false)
    input.current?.focus()
  }

  return (
    <main class="login">
      <h1>{title}</h1>
      <form class="card" onSubmit={(event) => void submit(event)} noValidate>
        {isRejected && (
          <p class="note" role="status">
            {strings.keyIsRejected}
          </p>
        )}
        <Field id="admin-key" label={strings.adminKey} error={error}>
          {(parts) => (
            <input
              {...parts}
              ref={input}
              type="password"
              autocomplete="off"
              spellcheck={false}
              value={key}
              onInput={({ currentTarget: { value } }) => {
                setKey(value.trim())
                setError(undefined)
              }}
            />
          )}
        </Field>
        {hasNoKey && (
          <div class="error" role="alert">
            <p>{strings.noKeyTitle}</p>
            <p>{strings.noKey}</p>
            <pre>KOMGATE_ADMIN_KEY=… npm start</pre>
          </div>
        )}
        <button type="submit" class="primary" aria-disabled={isBusy}>
          {isBusy ? strings.loggingIn : strings.logIn}
        </button>
        <p class="quiet">{strings.keyIsKept}</p>
      </form>
      <Preferences />
    </main>
  )
}
