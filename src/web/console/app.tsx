import { Login } from './login/login.tsx'
import { session } from './session.ts'
import { Shell } from './shell/shell.tsx'

/** The console of the operator. */
export function App() {
  const { gateway, isRejected } = session.value
  return gateway === undefined ? <Login isRejected={isRejected} /> : <Shell gateway={gateway} />
}
