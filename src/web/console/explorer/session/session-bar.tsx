import './session.css'
import { LyskomError, RequestError } from 'komgate/client'
import { useState } from 'preact/hooks'
import { Field } from '../../../shared/field.tsx'
import { type ExplorerSession, messageOf } from './session.ts'
import { t } from './strings.ts'

/** The LysKOM server of the requests, and the session with which they are made. */
export function SessionBar({
  session,
  servers,
  server,
  onServer,
}: {
  session: ExplorerSession
  servers: readonly string[]
  server: string
  onServer: (server: string) => void
}) {
  const strings = t.value
  const { value: state } = session.state
  const isOpen = state.status === 'open'
  return (
    <section class="session card" aria-label={strings.session}>
      <label class="server">
        <span>{strings.server}</span>
        <select
          value={server}
          onChange={({ currentTarget: { value } }) => {
            session.end()
            onServer(value)
          }}
        >
          {servers.map((id) => (
            <option key={id} value={id}>
              {id}
            </option>
          ))}
        </select>
      </label>
      <p class="session-state" role="status">
        <Status session={session} />
      </p>
      {isOpen ? (
        <button type="button" onClick={() => session.end()}>
          {strings.endSession}
        </button>
      ) : (
        <button
          type="button"
          aria-disabled={state.status === 'opening'}
          onClick={() => {
            if (state.status !== 'opening') void session.open(server)
          }}
        >
          {state.status === 'opening' ? strings.opening : strings.openSession}
        </button>
      )}
      {isOpen &&
        (state.person === undefined ? (
          <LoginForm session={session} />
        ) : (
          <button type="button" onClick={() => void session.logOut()}>
            {strings.logOut}
          </button>
        ))}
    </section>
  )
}

function Status({ session }: { session: ExplorerSession }) {
  const strings = t.value
  const { value: state } = session.state
  switch (state.status) {
    case 'open':
      if (state.person === undefined) return <>{strings.anonymous}</>
      return (
        <>
          {strings.loggedInAs} <bdi>{state.person}</bdi>
        </>
      )
    case 'failed':
      return <>{strings.sessionFailed(state.message)}</>
    case 'opening':
      return <>{strings.opening}</>
    case 'none':
      return <>{state.reason === 'ended' ? strings.sessionHasEnded : strings.notOpen}</>
  }
}

function LoginForm({ session }: { session: ExplorerSession }) {
  const strings = t.value
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [error, setError] = useState<string | undefined>()
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    try {
      await session.logIn(name, password)
    } catch (failure) {
      const isRefused = failure instanceof LyskomError || (failure instanceof RequestError && failure.httpStatus < 500)
      setError(isRefused ? strings.nameOrPasswordIsWrong : messageOf(failure))
    }
  }
  return (
    <details class="login-of-session">
      <summary>{strings.logIn}</summary>
      <form onSubmit={(event) => void submit(event)} noValidate>
        <Field id="explorer-name" label={strings.name} error={error}>
          {(parts) => (
            <input
              {...parts}
              type="text"
              autocomplete="off"
              spellcheck={false}
              value={name}
              onInput={({ currentTarget: { value } }) => setName(value)}
            />
          )}
        </Field>
        <Field id="explorer-password" label={strings.password} error={undefined}>
          {(parts) => (
            <input
              {...parts}
              type="password"
              autocomplete="off"
              value={password}
              onInput={({ currentTarget: { value } }) => setPassword(value)}
            />
          )}
        </Field>
        <button type="submit">{strings.logIn}</button>
      </form>
    </details>
  )
}
