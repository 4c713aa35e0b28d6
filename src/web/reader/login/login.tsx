import './login.css'
import { useEffect, useState } from 'preact/hooks'
import { Preferences } from '../../shared/preference-fields.tsx'
import type { Server } from '../session/gateway.ts'
import { chooseServer, type EndedSession } from '../session/session.ts'
import { CreatePerson } from './create-person.tsx'
import { LoginForm } from './login-form.tsx'
import { t } from './strings.ts'
import { useSession } from './use-session.ts'

/** The page of a person who is not logged in: they log in, or create a person. */
export function Login({
  servers,
  server,
  ended,
}: {
  servers: readonly Server[]
  server: string
  /** the session that has ended */
  ended: EndedSession | undefined
}) {
  const strings = t.value
  const [isCreating, setCreating] = useState(false)
  const withSession = useSession(server)
  useEffect(() => {
    document.title = `${isCreating ? strings.createPerson : strings.logIn} – komgate`
  }, [strings, isCreating])
  const Form = isCreating ? CreatePerson : LoginForm
  return (
    <main class="login">
      <header>
        <h1>komgate</h1>
        <p>{strings.productLine}</p>
      </header>
      <div class="card">
        {servers.length > 1 && (
          <div class="field">
            <label for="login-server">{strings.server}</label>
            <select id="login-server" value={server} onChange={({ currentTarget: { value } }) => chooseServer(value)}>
              {servers.map(({ id, name: label }) => (
                <option key={id} value={id}>
                  {label}
                </option>
              ))}
            </select>
          </div>
        )}
        <Form
          server={server}
          mayBeDemo={servers.find(({ id }) => id === server)?.isLocal ?? false}
          ended={ended}
          withSession={withSession}
        />
        <p class="other-form">
          {!isCreating && <span>{strings.isNew}</span>}
          <button type="button" onClick={() => setCreating(!isCreating)}>
            {isCreating ? strings.back : strings.createPerson}
          </button>
        </p>
      </div>
      <Preferences />
    </main>
  )
}
