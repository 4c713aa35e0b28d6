import { language } from '../../shared/preferences.ts'
import { duration } from '../duration.ts'
import { TableFrame } from '../table-frame.tsx'
import { COLUMNS, type Column, type Order, type Session } from './arrange.ts'
import { t } from './strings.ts'

const NUMBERS: ReadonlySet<Column> = new Set(['idle', 'lease', 'calls'])

/** A table of sessions with heads that sort it. */
export function SessionTable({
  sessions,
  order,
  onSort,
  onEnd,
}: {
  sessions: readonly Session[]
  order: Order | undefined
  onSort: (column: Column) => void
  onEnd: (session: Session) => void
}) {
  const strings = t.value
  return (
    <TableFrame label={strings.sessions}>
      <table class="sessions cards">
        <thead>
          <tr>
            {COLUMNS.map((column) => (
              <th
                key={column}
                scope="col"
                class={NUMBERS.has(column) ? 'number' : undefined}
                aria-sort={order?.column !== column ? undefined : order.isDescending ? 'descending' : 'ascending'}
              >
                <button type="button" class="plain" onClick={() => onSort(column)}>
                  {strings[column]}
                  <span aria-hidden="true" class="arrow">
                    {order?.column !== column ? '' : order.isDescending ? '▼' : '▲'}
                  </span>
                </button>
              </th>
            ))}
            <th scope="col">
              <span class="visually-hidden">{strings.actions}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {sessions.map((session) => (
            <Row key={session.handle} session={session} onEnd={onEnd} />
          ))}
        </tbody>
      </table>
    </TableFrame>
  )
}

function Row({ session, onEnd }: { session: Session; onEnd: (session: Session) => void }) {
  const strings = t.value
  const { handle, server, pers_no, client, address, idle, lease, calls } = session
  return (
    <tr>
      <td data-label={strings.server}>{server}</td>
      <td data-label={strings.pers_no}>
        {pers_no === null ? (
          <span class="quiet">{strings.anonymous}</span>
        ) : (
          <a href={`#/sessions/${encodeURIComponent(server)}/${pers_no}`}>{strings.person(pers_no)}</a>
        )}
      </td>
      <td data-label={strings.client} class="client">
        <bdi>{client}</bdi>
      </td>
      <td data-label={strings.address}>{address}</td>
      <td data-label={strings.idle} class="number">
        {duration(idle)}
      </td>
      <td data-label={strings.lease} class="number">
        {lease === null ? strings.whileOpen : duration(lease)}
      </td>
      <td data-label={strings.calls} class="number">
        {calls.toLocaleString(language.value)}
      </td>
      <td data-label={strings.handle}>
        <code>{handle}</code>
      </td>
      <td class="row-actions whole">
        <a class="button" href={`#/sessions/${handle}`} aria-label={strings.traceThis(handle)}>
          {strings.trace}
        </a>
        <button type="button" aria-label={strings.endThis(handle)} onClick={() => onEnd(session)}>
          {strings.end}
        </button>
      </td>
    </tr>
  )
}
