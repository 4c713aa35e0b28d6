import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Gateway } from '../gateway.ts'
import { AnswerView } from './answer-view.tsx'
import { Confirm } from './confirm.tsx'
import { CurlView } from './curl-view.tsx'
import { type Effect, effectOf } from './effect.ts'
import { DraftForm } from './form/draft-form.tsx'
import type { Operation } from './operations.ts'
import { bodyOf, buildRequest, type Draft, exampleDraft, faultsOfDraft, fieldOfError, newDraft } from './request.ts'
import type { Components } from './schema.ts'
import { type Answer, EVENT_STREAM, errorMessageOf, type Secrets, type StreamAnswer, send } from './send.ts'
import type { ExplorerSession } from './session.ts'
import { StreamView } from './stream-view.tsx'
import { t } from './strings.ts'
import { WebSocketView } from './websocket-view.tsx'

/** Requests after which another person may be logged in, or the session may have ended. */
const CHANGES_SESSION = /login|logout|endSession|endOwnSession|endAnySession|disconnect/i

/** What became of the last request. */
type Outcome =
  | { state: 'none' | 'waiting' | 'failed' | 'stopped' }
  | { state: 'answered'; answer: Answer }
  | { state: 'streaming'; answer: StreamAnswer; isOpen: boolean }

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
  const [outcome, setOutcome] = useState<Outcome>({ state: 'none' })
  const [appKey, setAppKey] = useState('')
  const abort = useRef<AbortController | undefined>(undefined)
  const form = useRef<HTMLFormElement>(null)
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    heading.current?.focus()
    return () => abort.current?.abort()
  }, [])

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
    abort.current?.abort()
    const controller = new AbortController()
    abort.current = controller
    setOutcome({ state: 'waiting' })
    let status: number | undefined
    try {
      const answer = await send(request, gateway.url, secrets, controller.signal)
      if (controller.signal.aborted) return
      ;({ status } = answer)
      if ('stream' in answer) {
        setOutcome({ state: 'streaming', answer, isOpen: true })
      } else {
        setOutcome({ state: 'answered', answer })
        const message = errorMessageOf(answer)
        const path = message === undefined ? undefined : fieldOfError(operation, message)
        if (path !== undefined && message !== undefined) setRefusal({ path, message })
      }
    } catch {
      if (abort.current === controller) setOutcome({ state: controller.signal.aborted ? 'stopped' : 'failed' })
    }
    if (!controller.signal.aborted) onSent(draft, status)
    if (CHANGES_SESSION.test(operation.id) || (operation.need === 'session' && status === 403)) void session.refresh()
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
  const isBusy = outcome.state === 'waiting' || (outcome.state === 'streaming' && outcome.isOpen)

  return (
    <article class="operation">
      <h2 ref={heading} tabIndex={-1}>
        {name}
        {operation.isDeprecated && <span class="badge">{strings.deprecated}</span>}
      </h2>
      <p>
        <code>
          <strong>{operation.method}</strong> {operation.path}
        </code>
      </p>
      <p>{operation.summary}.</p>
      {operation.description !== '' && <Prose text={operation.description} />}
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
              {strings.sessionIsNeeded}
            </p>
          )}
          <p class="actions">
            <button type="submit" class="primary">
              {strings.send}
            </button>
            {isBusy && (
              <button type="button" onClick={() => abort.current?.abort()}>
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
      {outcome.state !== 'none' && (
        <section class="answer" aria-label={strings.answer} aria-busy={outcome.state === 'waiting'}>
          <h3>{strings.answer}</h3>
          {outcome.state === 'waiting' && <p role="status">{strings.sending}</p>}
          {outcome.state === 'stopped' && <p role="status">{strings.stopped}</p>}
          {outcome.state === 'failed' && (
            <p class="error" role="alert">
              {strings.noAnswer}
            </p>
          )}
          {outcome.state === 'answered' && <AnswerView key={outcome.answer.ms} answer={outcome.answer} name={name} />}
          {outcome.state === 'streaming' && (
            <StreamView answer={outcome.answer} onEnd={() => setOutcome({ ...outcome, isOpen: false })} />
          )}
        </section>
      )}
      <CurlView
        request={request}
        base={gateway.url}
        secrets={secrets}
        isStream={operation.isWebSocket || operation.types.includes(EVENT_STREAM)}
      />
    </article>
  )
}

/** A description, in which code stands between backticks. */
function Prose({ text }: { text: string }) {
  return <p>{text.split('`').map((part, i) => (i % 2 === 1 ? <code key={String(i)}>{part}</code> : part))}</p>
}
