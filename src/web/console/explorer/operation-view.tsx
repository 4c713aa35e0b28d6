import { useMemo, useRef, useState } from 'preact/hooks'
import type { Gateway } from '../gateway.ts'
import { OutcomeView } from './answer/outcome-view.tsx'
import { useOutcome } from './answer/use-outcome.ts'
import { Confirm } from './confirm.tsx'
import { CurlView } from './curl/curl-view.tsx'
import { type Effect, effectOf } from './effect.ts'
import { DraftForm } from './form/draft-form.tsx'
import { OperationHead } from './operation-head.tsx'
import type { Operation } from './operations.ts'
import { bodyOf, buildRequest, type Draft, exampleDraft, faultsOfDraft, fieldOfError, newDraft } from './request.ts'
import type { Components } from './schema/schema.ts'
import { EVENT_STREAM, errorMessageOf, type Secrets } from './send.ts'
import type { ExplorerSession } from './session/session.ts'
import { t as ofSession } from './session/strings.ts'
import { WebSocketView } from './stream/websocket-view.tsx'
import { t } from './strings.ts'

/** Requests after which another person may be logged in, or the session may have ended. */
const CHANGES_SESSION = /login|logout|endSession|endOwnSession|endAnySession|disconnect/i

/** An operation: its form, its curl line, and the answer. */
export function OperationView({
  operation,
  server,
  initial,
  components,
  gateway,
  session,
  confirmations,
  onSent,
}: {
  operation: Operation
  server: string
  /** what was sent before, if the person repeats it */
  initial: Draft | undefined
  components: Components
  gateway: Gateway
  session: ExplorerSession
  /** whether to ask before requests that change something */
  confirmations: { isAsked: boolean }
  /** called when a request has been answered, or has failed */
  onSent: (draft: Draft, status: number | undefined) => void
}) {
  const strings = t.value
  const name = operation.call ?? operation.id
  const [draft, setDraft] = useState(() => initial ?? newDraft(operation, components))
  // The fields of another example keep no state.
  const [generation, setGeneration] = useState(0)
  const [wasTried, setTried] = useState(false)
  const [refusal, setRefusal] = useState<{ path: (string | number)[]; message: string } | undefined>()
  const [isSessionMissing, setSessionMissing] = useState(false)
  const [asked, setAsked] = useState<Exclude<Effect, 'reads'> | undefined>()
  const [appKey, setAppKey] = useState('')
  const sender = useOutcome()
  const form = useRef<HTMLFormElement>(null)

  const faults = useMemo(() => faultsOfDraft(operation, draft, components), [operation, draft, components])
  const request = useMemo(
    () => (faults.length === 0 ? buildRequest(operation, draft, server) : undefined),
    [operation, draft, server, faults],
  )
  const { connectionId } = session
  const secrets: Secrets = {
    'admin-key': gateway.key,
    ...(connectionId !== undefined && { connection: connectionId }),
    ...(appKey !== '' && { 'app-key': appKey }),
  }
  const change = (changed: Draft): void => {
    setDraft(changed)
    setRefusal(undefined)
  }
  const replace = (changed: Draft): void => {
    change(changed)
    setTried(false)
    setGeneration(generation + 1)
  }

  const perform = async (): Promise<void> => {
    setAsked(undefined)
    if (request === undefined) return
    const outcome = await sender.perform(request, gateway.url, secrets)
    const answer = outcome !== undefined && 'answer' in outcome ? outcome.answer : undefined
    const mayHaveEnded = operation.need === 'session' && answer?.status === 403
    if (CHANGES_SESSION.test(operation.id) || mayHaveEnded) void session.refresh()
    if (outcome === undefined) return
    if (outcome.state === 'answered') {
      const message = errorMessageOf(outcome.answer)
      const path = message === undefined ? undefined : fieldOfError(operation, message)
      if (path !== undefined && message !== undefined) setRefusal({ path, message })
    }
    if (outcome.state !== 'stopped') onSent(draft, answer?.status)
  }
  const submit = (event: Event): void => {
    event.preventDefault()
    setTried(true)
    setRefusal(undefined)
    const isMissing = operation.need === 'session' && connectionId === undefined
    setSessionMissing(isMissing)
    if (faults.length > 0) {
      // The fields show their errors first.
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus())
      return
    }
    if (isMissing) return
    const effect = effectOf(operation, operation.body === undefined ? undefined : bodyOf(draft))
    if (effect === 'destroys' || (effect === 'changes' && confirmations.isAsked)) setAsked(effect)
    else void perform()
  }
  const hasFields = operation.parameters.length > 0 || operation.body !== undefined

  return (
    <article class="operation">
      <OperationHead operation={operation} />
      {operation.isWebSocket ? (
        <WebSocketView url={gateway.url} path={operation.path} session={session} />
      ) : (
        <form
          ref={form}
          onSubmit={submit}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit(event)
          }}
          noValidate
        >
          <DraftForm
            key={generation}
            operation={operation}
            draft={draft}
            faults={wasTried ? faults : []}
            refusal={refusal}
            components={components}
            onChange={change}
          />
          {operation.need === 'app-key' && (
            <div class="field">
              <label for="explorer-app-key">{strings.appKey}</label>
              <input
                id="explorer-app-key"
                type="password"
                autocomplete="off"
                value={appKey}
                onInput={({ currentTarget: { value } }) => setAppKey(value)}
              />
            </div>
          )}
          {wasTried && faults.length > 0 && (
            <p class="error" role="alert">
              {strings.faults(faults.length)}
            </p>
          )}
          {isSessionMissing && connectionId === undefined && (
            <p class="error" role="alert">
              {ofSession.value.sessionIsNeeded}
            </p>
          )}
          <p class="actions">
            <button type="submit" class="primary">
              {strings.send}
            </button>
            {sender.isBusy && (
              <button type="button" onClick={sender.stop}>
                {strings.stop}
              </button>
            )}
            {hasFields && (
              <>
                <button type="button" class="plain" onClick={() => replace(exampleDraft(operation, components))}>
                  {strings.fillIn}
                </button>
                <button type="button" class="plain" onClick={() => replace(newDraft(operation, components))}>
                  {strings.clear}
                </button>
              </>
            )}
          </p>
        </form>
      )}
      {asked !== undefined && (
        <Confirm
          name={name}
          effect={asked}
          target={`${request?.method} /${request?.url}`}
          onCancel={() => setAsked(undefined)}
          onSend={(isLast) => {
            if (isLast) confirmations.isAsked = false
            void perform()
          }}
        />
      )}
      <OutcomeView sender={sender} name={name} />
      <CurlView
        request={request}
        base={gateway.url}
        secrets={secrets}
        isStream={operation.isWebSocket || operation.types.includes(EVENT_STREAM)}
      />
    </article>
  )
}
