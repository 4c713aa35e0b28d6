import './trace.css'
import { computed } from '@preact/signals'
import { useState } from 'preact/hooks'
import { language } from '../../shared/preferences.ts'
import { Confirm } from '../confirm.tsx'
import { errorText } from '../error-text.ts'
import { type Gateway, GatewayError } from '../gateway.ts'
import { milliseconds } from '../milliseconds.ts'
import { t as list } from '../session-list/strings.ts'
import { TableFrame } from '../table-frame.tsx'
import { t } from './strings.ts'
import { MAX_LINES, matching, type TraceLine } from './trace-log.ts'
import { type Trace, useTrace } from './use-trace.ts'

/** The live trace of a session. */
export function TraceView({ gateway, handle }: { gateway: Gateway; handle: string }) {
  const strings = t.value
  const trace = useTrace(gateway, handle)
  const { log, state, clear } = trace
  const [filter, setFilter] = useState('')
  const [frozen, setFrozen] = useState<readonly TraceLine[] | undefined>()
  const [isEnding, setEnding] = useState(false)
  const lines = matching(frozen ?? log.lines, filter)
  const isPaused = frozen !== undefined
  const isOver = state === 'ended' || state === 'gone'
  const end = async (): Promise<void> => {
    try {
      await gateway.send(`admin/sessions/${handle}`, { method: 'DELETE' })
    } catch (error) {
      if (!(error instanceof GatewayError && error.status === 404)) throw error
    }
  }

  return (
    <>
      <p>
        <a href="#/sessions">{list.value.allSessions}</a>
      </p>
      <h2 class="trace-title">{strings.title(handle)}</h2>
      <p class="quiet">{strings.about}</p>
      <div class="list-head">
        <div class="field">
          <label for="trace-filter">{strings.filter}</label>
          <input
            id="trace-filter"
            type="text"
            spellcheck={false}
            autocomplete="off"
            value={filter}
            onInput={({ currentTarget: { value } }) => setFilter(value)}
          />
        </div>
        <button type="button" aria-pressed={isPaused} onClick={() => setFrozen(isPaused ? undefined : log.lines)}>
          {isPaused ? strings.resume : strings.pause}
        </button>
        <button
          type="button"
          onClick={() => {
            clear()
            setFrozen(isPaused ? [] : undefined)
          }}
        >
          {strings.clear}
        </button>
        {!isOver && (
          <button type="button" onClick={() => setEnding(true)}>
            {strings.end}
          </button>
        )}
      </div>
      <p role="status">
        <State trace={trace} isPaused={isPaused} />
      </p>
      {log.lines.length > 0 && lines.length === 0 && <p>{strings.noMatch}</p>}
      {lines.length > 0 && <Lines lines={lines} />}
      {log.lines.length === MAX_LINES && <p class="quiet">{strings.newest(MAX_LINES)}</p>}
      {isEnding && (
        <Confirm
          question={strings.askEnd(handle)}
          action={strings.end}
          onConfirm={end}
          onClose={() => setEnding(false)}
        />
      )}
    </>
  )
}

function State({ trace: { log, state, error }, isPaused }: { trace: Trace; isPaused: boolean }) {
  const strings = t.value
  if (state === 'gone') return <>{strings.gone}</>
  if (state === 'ended') return <>{strings.ended(log.ended ?? '')}</>
  if (state === 'starting') return <>{error === undefined ? strings.starting : errorText(error)}</>
  if (isPaused) return <>{strings.paused}</>
  return <>{log.lines.length === 0 ? strings.waiting : strings.running}</>
}

function Lines({ lines }: { lines: readonly TraceLine[] }) {
  const strings = t.value
  return (
    <TableFrame label={strings.lines} isTrace>
      <table>
        <thead>
          <tr>
            <th scope="col">{strings.time}</th>
            <th scope="col">{strings.direction}</th>
            <th scope="col">{strings.name}</th>
            <th scope="col" class="number">
              {strings.number}
            </th>
            <th scope="col" class="number">
              {strings.size}
            </th>
            <th scope="col" class="number">
              {strings.duration}
            </th>
            <th scope="col">{strings.result}</th>
          </tr>
        </thead>
        <tbody>
          {lines.map((line) => (
            <Line key={line.no} line={line} />
          ))}
        </tbody>
      </table>
    </TableFrame>
  )
}

const KINDS = ['call', 'reply', 'error', 'message'] as const

function Line({ line: { time, event, missed } }: { line: TraceLine }) {
  const strings = t.value
  if (event === undefined) {
    return (
      <tr>
        <td colSpan={7}>{strings.missed(missed ?? 0)}</td>
      </tr>
    )
  }
  const kind = KINDS.find((each) => each === event.kind)
  return (
    <tr>
      <td>{clock.value.format(time)}</td>
      <td>{kind === undefined ? event.kind : strings[kind]}</td>
      <td>{event.name}</td>
      <td class="number">{event.ref_no}</td>
      <td class="number">{event.bytes !== undefined && `${event.bytes.toLocaleString(language.value)} B`}</td>
      <td class="number">{event.ms !== undefined && milliseconds(event.ms)}</td>
      <td class="error">{event.error}</td>
    </tr>
  )
}

/** The format of a time of the day in milliseconds, in the time zone of the operator. Making it for each line is slow. */
const clock = computed(
  () =>
    new Intl.DateTimeFormat(language.value, {
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      fractionalSecondDigits: 3,
      hourCycle: 'h23',
    }),
)
