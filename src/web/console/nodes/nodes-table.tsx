import { language } from '../../shared/preferences.ts'
import { exactTime, shortTime } from '../../shared/time.ts'
import { errorText } from '../error-text.ts'
import type { Gateway } from '../gateway.ts'
import { type Missing, missingText } from '../missing.ts'
import { TableFrame } from '../table-frame.tsx'
import { usePolledJson } from '../use-polled.ts'
import { t } from './strings.ts'

const INTERVAL_MS = 5000

/** A node of the cluster, as `GET /admin/nodes` lists it. */
interface Node {
  url: string
  slot: string
  is_asked: boolean
  version: string | null
  started: string | null
  sessions: number | null
}

/** The nodes of the cluster; nothing for a gateway that is a single process. */
export function NodesTable({ gateway }: { gateway: Gateway }) {
  const strings = t.value
  const { value, error } = usePolledJson<{ nodes: Node[]; missing?: Missing }>(gateway, 'admin/nodes', INTERVAL_MS)
  if (value === undefined) return error === undefined ? null : <p class="error">{errorText(error)}</p>
  if (value.nodes.length === 0) return null
  return (
    <section>
      <h2>{strings.nodes}</h2>
      {error !== undefined && <p class="error">{errorText(error)}</p>}
      {value.missing === null && <p class="error">{missingText(value.missing)}</p>}
      <TableFrame label={strings.nodes}>
        <table class="nodes cards">
          <thead>
            <tr>
              <th scope="col">{strings.node}</th>
              <th scope="col">{strings.slot}</th>
              <th scope="col" class="number">
                {strings.sessions}
              </th>
              <th scope="col">{strings.version}</th>
              <th scope="col">{strings.started}</th>
            </tr>
          </thead>
          <tbody>
            {value.nodes.map((node) => (
              <Row key={node.url} node={node} />
            ))}
          </tbody>
        </table>
      </TableFrame>
    </section>
  )
}

function Row({ node: { url, slot, is_asked: isAsked, version, started, sessions } }: { node: Node }) {
  const strings = t.value
  return (
    <tr>
      <th scope="row">
        <bdi>{url}</bdi>
        {isAsked && <span class="quiet">{strings.asked}</span>}
      </th>
      <td data-label={strings.slot}>
        <code>{slot}</code>
      </td>
      <td class="number" data-label={strings.sessions}>
        {sessions === null ? '–' : sessions.toLocaleString(language.value)}
      </td>
      <td data-label={strings.version}>{version ?? <span class="state down">{strings.silent}</span>}</td>
      <td data-label={strings.started}>
        {started === null ? (
          '–'
        ) : (
          <time dateTime={started} title={exactTime(started, language.value)}>
            {shortTime(started, language.value)}
          </time>
        )}
      </td>
    </tr>
  )
}
