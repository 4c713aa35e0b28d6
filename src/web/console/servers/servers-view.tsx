import './servers.css'
import { Loading } from '../../shared/loading.tsx'
import { language } from '../../shared/preferences.ts'
import { exactTime, shortTime } from '../../shared/time.ts'
import { errorText } from '../error-text.ts'
import type { Gateway } from '../gateway.ts'
import { usePolled } from '../use-polled.ts'
import { t } from './strings.ts'

const INTERVAL_MS = 5000

/** A LysKOM server of the gateway, as `GET /admin/servers` lists it. */
interface Server {
  id: string
  name: string
  host: string
  port: number
  up: boolean | null
  since: string | null
  sessions: number
  open_ms: number | null
  last_error: { code: string; time: string } | null
}

/** The LysKOM servers, and whether they are up. */
export function ServersView({ gateway }: { gateway: Gateway }) {
  const strings = t.value
  const { value, error } = usePolled<{ servers: Server[] }>(gateway, 'admin/servers', INTERVAL_MS)
  if (value === undefined) return error === undefined ? <Loading /> : <p class="error">{errorText(error)}</p>
  return (
    <div class="table">
      <table class="servers">
        <thead>
          <tr>
            <th scope="col">{strings.server}</th>
            <th scope="col">{strings.state}</th>
            <th scope="col" class="number">
              {strings.sessions}
            </th>
            <th scope="col">{strings.lastError}</th>
          </tr>
        </thead>
        <tbody>
          {value.servers.map((server) => (
            <tr key={server.id}>
              <th scope="row">
                <bdi>{server.name}</bdi>
                <span class="quiet">
                  {server.id}, {server.host}:{server.port}
                </span>
              </th>
              <td>
                <State server={server} />
              </td>
              <td class="number">{server.sessions.toLocaleString(language.value)}</td>
              <td>
                {server.last_error !== null && (
                  <>
                    <code>{server.last_error.code}</code> <Time time={server.last_error.time} />
                  </>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function State({ server: { up, since } }: { server: Server }) {
  const strings = t.value
  const [name, label] = up === null ? ['unknown', strings.unknown] : up ? ['up', strings.up] : ['down', strings.down]
  return (
    <>
      <span class={`state ${name}`}>{label}</span>
      {since !== null && up !== null && (
        <span class="quiet">
          {' '}
          {strings.since} <Time time={since} />
        </span>
      )}
    </>
  )
}

function Time({ time }: { time: string }) {
  return (
    <time dateTime={time} title={exactTime(time, language.value)}>
      {shortTime(time, language.value)}
    </time>
  )
}
