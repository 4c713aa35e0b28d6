import './servers.css'
import { Loading } from '../../shared/loading.tsx'
import { language } from '../../shared/preferences.ts'
import { exactTime, shortTime } from '../../shared/time.ts'
import { errorText } from '../error-text.ts'
import type { Gateway } from '../gateway.ts'
import { milliseconds } from '../milliseconds.ts'
import { NodesTable } from '../nodes/nodes-table.tsx'
import { TableFrame } from '../table-frame.tsx'
import { usePolledJson } from '../use-polled.ts'
import { ServerCheck } from './server-check.tsx'
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

/** The LysKOM servers, and whether they are up; and the nodes of the gateway, if it has several. */
export function ServersView({ gateway }: { gateway: Gateway }) {
  const strings = t.value
  const { value, error, refresh } = usePolledJson<{ servers: Server[] }>(gateway, 'admin/servers', INTERVAL_MS)
  if (value === undefined) return error === undefined ? <Loading /> : <p class="error">{errorText(error)}</p>
  return (
    <>
      <TableFrame label={strings.servers}>
        <table class="servers cards">
          <thead>
            <tr>
              <th scope="col">{strings.server}</th>
              <th scope="col">{strings.state}</th>
              <th scope="col" class="number">
                {strings.sessions}
              </th>
              <th scope="col" class="number">
                {strings.openTime}
              </th>
              <th scope="col">{strings.lastError}</th>
              <th scope="col">{strings.check}</th>
            </tr>
          </thead>
          <tbody>
            {value.servers.map((server) => (
              <Row key={server.id} server={server} gateway={gateway} onChecked={refresh} />
            ))}
          </tbody>
        </table>
      </TableFrame>
      <NodesTable gateway={gateway} />
    </>
  )
}

function Row({ server, gateway, onChecked }: { server: Server; gateway: Gateway; onChecked: () => void }) {
  const strings = t.value
  const { id, name, host, port, sessions, open_ms: openMs, last_error: lastError } = server
  return (
    <tr>
      <th scope="row">
        <bdi>{name}</bdi>
        <span class="quiet">
          {id}, {host}:{port}
        </span>
      </th>
      <td data-label={strings.state}>
        <State server={server} />
      </td>
      <td class="number" data-label={strings.sessions}>
        {sessions.toLocaleString(language.value)}
      </td>
      <td class="number" data-label={strings.openTime}>
        {openMs === null ? '–' : milliseconds(openMs)}
      </td>
      <td data-label={strings.lastError}>
        {lastError === null ? (
          '–'
        ) : (
          <>
            <code>{lastError.code}</code> <Time time={lastError.time} />
          </>
        )}
      </td>
      <td class="whole">
        <div class="check-server">
          <ServerCheck gateway={gateway} id={id} name={name} onChecked={onChecked} />
        </div>
      </td>
    </tr>
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
