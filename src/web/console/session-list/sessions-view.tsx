import './sessions.css'
import { useMemo, useState } from 'preact/hooks'
import { Loading } from '../../shared/loading.tsx'
import { address } from '../address.ts'
import { Confirm } from '../confirm.tsx'
import { errorText } from '../error-text.ts'
import type { Gateway } from '../gateway.ts'
import { type Missing, missingText } from '../missing.ts'
import { TraceView } from '../trace/trace-view.tsx'
import { usePolledJson } from '../use-polled.ts'
import { arrange, isOf, nextOrder, type Order, type PersonKey, type Session } from './arrange.ts'
import { endSessions } from './end-sessions.ts'
import { SessionTable } from './session-table.tsx'
import { t } from './strings.ts'

const INTERVAL_MS = 3000
/** Rows of a page. */
const PAGE = 50

/** What `GET /admin/sessions` returns. */
interface Sessions {
  sessions: Session[]
  missing?: Missing
}

/** The sessions: `#/sessions`, those of a person: `#/sessions/demo/6`, the trace of one: `#/sessions/<handle>`. */
export function SessionsView({ gateway }: { gateway: Gateway }) {
  const [first, second] = address.value.rest
  if (first === undefined || first === '') return <SessionList gateway={gateway} person={undefined} />
  if (second === undefined) return <TraceView key={first} gateway={gateway} handle={first} />
  return <SessionList key={`${first}/${second}`} gateway={gateway} person={{ server: first, persNo: Number(second) }} />
}

function SessionList({ gateway, person }: { gateway: Gateway; person: PersonKey | undefined }) {
  const strings = t.value
  const { value, error, refresh } = usePolledJson<Sessions>(gateway, 'admin/sessions', INTERVAL_MS)
  const [filter, setFilter] = useState('')
  const [order, setOrder] = useState<Order | undefined>()
  const [chosenPage, setPage] = useState(0)
  const [ending, setEnding] = useState<{ sessions: readonly Session[]; question: string; action: string }>()
  const server = person?.server
  const persNo = person?.persNo
  const all = useMemo(
    () =>
      value?.sessions.filter(
        (session) => server === undefined || persNo === undefined || isOf(session, { server, persNo }),
      ),
    [value, server, persNo],
  )
  const shown = useMemo(() => arrange(all ?? [], filter, order), [all, filter, order])

  if (all === undefined) return error === undefined ? <Loading /> : <p class="error">{errorText(error)}</p>
  const pages = Math.max(1, Math.ceil(shown.length / PAGE))
  const page = Math.min(chosenPage, pages - 1)
  const close = (): void => {
    setEnding(undefined)
    refresh()
  }
  return (
    <>
      {person !== undefined && (
        <div class="of-person">
          <h2>{strings.ofPerson(person.persNo, person.server)}</h2>
          <a href="#/sessions">{strings.allSessions}</a>
          {all.length > 0 && (
            <button
              type="button"
              onClick={() =>
                setEnding({
                  sessions: all,
                  question: strings.askEndAll(all.length, person.persNo, person.server),
                  action: strings.endAll(all.length),
                })
              }
            >
              {strings.endAll(all.length)}
            </button>
          )}
        </div>
      )}
      <div class="list-head">
        <div class="field">
          <label for="session-filter">{strings.filter}</label>
          <input
            id="session-filter"
            type="text"
            placeholder={strings.filterHint}
            spellcheck={false}
            autocomplete="off"
            value={filter}
            onInput={({ currentTarget }) => {
              setFilter(currentTarget.value)
              setPage(0)
            }}
          />
        </div>
        <p class="count quiet">{strings.count(shown.length, all.length)}</p>
      </div>
      {value?.missing !== undefined && <p class="error">{missingText(value.missing)}</p>}
      {shown.length === 0 ? (
        (all.length > 0 || value?.missing === undefined) && (
          <p>{all.length === 0 ? strings.noSessions : strings.noMatch}</p>
        )
      ) : (
        <SessionTable
          sessions={shown.slice(page * PAGE, (page + 1) * PAGE)}
          order={order}
          onSort={(column) => setOrder(nextOrder(order, column))}
          onEnd={(session) =>
            setEnding({ sessions: [session], question: strings.askEnd(nameOf(session)), action: strings.end })
          }
        />
      )}
      {pages > 1 && (
        <nav class="pages" aria-label={strings.pages}>
          <button type="button" disabled={page === 0} onClick={() => setPage(page - 1)}>
            {strings.previous}
          </button>
          <span class="count">{strings.page(page + 1, pages)}</span>
          <button type="button" disabled={page === pages - 1} onClick={() => setPage(page + 1)}>
            {strings.next}
          </button>
        </nav>
      )}
      {ending !== undefined && (
        <Confirm
          question={ending.question}
          action={ending.action}
          onConfirm={() => endSessions(gateway, ending.sessions)}
          onClose={close}
        />
      )}
    </>
  )
}

/** Returns how a session is called in a question. */
function nameOf({ client, pers_no, server }: Session): string {
  const strings = t.value
  const who = pers_no === null ? strings.anonymous : strings.person(pers_no)
  return `${client} (${who}, ${server})`
}
