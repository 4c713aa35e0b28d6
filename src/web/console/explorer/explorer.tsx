import './explorer.css'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { Loading } from '../../shared/loading.tsx'
import { useAsync } from '../../shared/use-async.ts'
import { address } from '../address.ts'
import type { Gateway } from '../gateway.ts'
import { t as ofAnswer } from './answer/strings.ts'
import { OperationList } from './operation-list.tsx'
import { OperationView } from './operation-view.tsx'
import { type Description, operationsOf, serversOf } from './operations.ts'
import { type RecentRequest, recentRequests, remember } from './recent.ts'
import { ExplorerSession } from './session/session.ts'
import { SessionBar } from './session/session-bar.tsx'
import { t } from './strings.ts'

/** Makes any request of the gateway: a form from its description, the answer, and the same as a curl line. */
export function Explorer({ gateway }: { gateway: Gateway }) {
  const strings = t.value
  const { value, error, retry } = useAsync('description', () => gateway.json<Description>('openapi.json'))
  if (error !== undefined) {
    return (
      <div class="problem">
        <p>{strings.descriptionFailed}</p>
        <button type="button" onClick={retry}>
          {strings.tryAgain}
        </button>
      </div>
    )
  }
  return value === undefined ? <Loading /> : <DescribedExplorer gateway={gateway} description={value} />
}

function DescribedExplorer({ gateway, description }: { gateway: Gateway; description: Description }) {
  const strings = t.value
  const operations = useMemo(() => operationsOf(description), [description])
  const servers = serversOf(description)
  const [server, setServer] = useState(servers[0] ?? '')
  const session = useMemo(() => new ExplorerSession(gateway.url), [gateway])
  /** the recent request that was chosen last, and how many have been chosen */
  const [repeated, setRepeated] = useState<{ request: RecentRequest; round: number } | undefined>()
  const confirmations = useRef({ isAsked: true })
  const recent = recentRequests(gateway)
  useEffect(() => {
    const leave = (): void => session.end(true)
    addEventListener('pagehide', leave)
    return () => {
      removeEventListener('pagehide', leave)
      session.end()
    }
  }, [session])

  const id = address.value.rest[0]
  const operation = operations.find((each) => each.id === id)
  const chosen = repeated?.request.operation === id ? repeated : undefined
  return (
    <div class={operation === undefined ? 'explorer' : 'explorer chosen'}>
      {servers.length === 0 ? (
        <p class="note">{strings.noServers}</p>
      ) : (
        <SessionBar session={session} servers={servers} server={server} onServer={setServer} />
      )}
      <OperationList operations={operations} current={id} />
      <div class="detail">
        {operation === undefined ? (
          <p>{id === undefined || id === '' ? strings.chooseOne : strings.unknownOperation(id)}</p>
        ) : (
          <>
            <a class="back" href="#/explorer">
              {strings.allOperations}
            </a>
            <OperationView
              key={`${operation.id} ${chosen?.round ?? ''}`}
              operation={operation}
              server={server}
              initial={chosen?.request.draft}
              components={description.components?.schemas ?? {}}
              gateway={gateway}
              session={session}
              confirmations={confirmations.current}
              onSent={(sent, status) => remember(recent, { operation: operation.id, draft: sent, status })}
            />
          </>
        )}
        <Recent
          requests={recent.value}
          onRepeat={(request) => setRepeated({ request, round: (repeated?.round ?? 0) + 1 })}
        />
      </div>
    </div>
  )
}

function Recent({
  requests,
  onRepeat,
}: {
  requests: readonly RecentRequest[]
  onRepeat: (request: RecentRequest) => void
}) {
  const strings = t.value
  if (requests.length === 0) return null
  return (
    <section class="recent" aria-label={strings.recent}>
      <h3>{strings.recent}</h3>
      <ol>
        {requests.map((request) => (
          <li key={request.no}>
            <a
              href={`#/explorer/${request.operation}`}
              aria-label={strings.repeat(request.operation)}
              onClick={() => onRepeat(request)}
            >
              {request.operation}
            </a>{' '}
            <span class="quiet">{request.status ?? ofAnswer.value.noAnswer}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}
