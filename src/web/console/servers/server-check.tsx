import { useState } from 'preact/hooks'
import { language } from '../../shared/preferences.ts'
import { exactTime } from '../../shared/time.ts'
import { useAction } from '../../shared/use-action.ts'
import { errorText } from '../error-text.ts'
import { type Gateway, GatewayError } from '../gateway.ts'
import { milliseconds } from '../milliseconds.ts'
import { t } from './strings.ts'

/** What a check has found, as `POST /admin/servers/<id>/check` returns it. */
interface Check {
  time: string
  open_ms: number
  reply_ms: number
}

/** A button that checks a LysKOM server, and what the check has found. */
export function ServerCheck({
  gateway,
  id,
  name,
  onChecked,
}: {
  gateway: Gateway
  id: string
  name: string
  /** called when the check has ended */
  onChecked: () => void
}) {
  const strings = t.value
  const [check, setCheck] = useState<Check | undefined>()
  const { isBusy, error, run } = useAction()
  const start = async (): Promise<void> => {
    const path = `admin/servers/${encodeURIComponent(id)}/check`
    await run(async () => setCheck(await gateway.json<Check>(path, { method: 'POST' })))
    onChecked()
  }
  return (
    <>
      <button type="button" aria-label={strings.checkThis(name)} aria-disabled={isBusy} onClick={() => void start()}>
        {strings.check}
      </button>
      <span role="status">
        {isBusy ? (
          strings.checking
        ) : error !== undefined ? (
          <Failure error={error} />
        ) : (
          check && <Success check={check} />
        )}
      </span>
    </>
  )
}

function Success({ check: { time, reply_ms: replyMs } }: { check: Check }) {
  const strings = t.value
  return (
    <>
      {strings.responds} {milliseconds(replyMs)}, {strings.itsClock}{' '}
      <time dateTime={time} title={exactTime(time, language.value)}>
        {new Date(time).toLocaleTimeString(language.value, { hourCycle: 'h23' })}
      </time>
    </>
  )
}

function Failure({ error }: { error: unknown }) {
  const strings = t.value
  // The gateway says in its own words what has happened on the LysKOM server.
  const isOfServer = error instanceof GatewayError && error.status > 0 && !error.isAway
  return (
    <span class="error">
      {isOfServer ? (
        <>
          {strings.doesNotRespond} <span lang="en">{error.message}</span>
        </>
      ) : (
        errorText(error)
      )}
    </span>
  )
}
