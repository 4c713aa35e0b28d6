import { useEffect } from 'preact/hooks'
import { address } from './address.ts'
import { errorText } from './error-text.ts'
import { Login } from './login/login.tsx'
import { Outage } from './outage/outage.tsx'
import { session, start, startAgain } from './session/session.ts'
import { Loading, Problem } from './shell/parts.tsx'
import { Shell } from './shell/shell.tsx'

/** The reader. */
export function App() {
  const { value } = session
  const reading = value.state === 'reading' ? value.reader.server : undefined
  const { server } = address.value
  useEffect(() => {
    // A link may lead to another server.
    if (reading !== undefined && server !== undefined && server !== reading) void start()
  }, [reading, server])
  switch (value.state) {
    case 'starting':
      return (
        <main class="alone">
          <Loading />
        </main>
      )
    case 'failed':
      return (
        <main class="alone">
          {value.away === undefined ? (
            <Problem title="komgate" message={errorText(value.error)} onRetry={() => void start()} />
          ) : (
            <Outage away={value.away} retry={startAgain} />
          )}
        </main>
      )
    case 'login':
      return <Login key={value.server} servers={value.servers} server={value.server} ended={value.ended} />
    case 'reading':
      return <Shell reader={value.reader} />
  }
}
