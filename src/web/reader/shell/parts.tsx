import type { ConferenceName, Person } from 'komgate/client'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { language } from '../../shared/preferences.ts'
import { exactTime, shortTime } from '../../shared/time.ts'
import { fragmentOf } from '../address.ts'
import { t } from '../strings/index.ts'

export { Loading } from '../../shared/loading.tsx'

/** A link to a text. */
export function TextLink({ server, no, children }: { server: string; no: number; children: ComponentChildren }) {
  return (
    <a href={fragmentOf(server, 'texts', no)} dir="auto">
      {children}
    </a>
  )
}

/** A link to a person; the anonymous person has no page. */
export function PersonLink({ server, person: { pers_no, pers_name } }: { server: string; person: Person }) {
  if (pers_no === 0) return <span>{t.value.anonymous}</span>
  return (
    <a href={fragmentOf(server, 'persons', pers_no)}>
      <bdi>{pers_name}</bdi>
    </a>
  )
}

/** A link to a conference. */
export function ConferenceLink({
  server,
  conference: { conf_no, name },
}: {
  server: string
  conference: ConferenceName
}) {
  return (
    <a class="chip" href={fragmentOf(server, 'conferences', conf_no)}>
      <bdi>{name}</bdi>
    </a>
  )
}

/** A time as people say it; the exact time is a tooltip. */
export function Time({ time }: { time: string }) {
  const { value } = language
  return (
    <time dateTime={time} title={exactTime(time, value)}>
      {shortTime(time, value)}
    </time>
  )
}

/** A view that cannot be shown, and why. */
export function Problem({
  title,
  message,
  onRetry,
}: {
  title: string
  message: string
  onRetry: (() => void) | undefined
}) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} – komgate`
    heading.current?.focus()
  }, [title])
  return (
    <section class="problem">
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <p>{message}</p>
      {onRetry !== undefined && (
        <button type="button" onClick={onRetry}>
          {t.value.tryAgain}
        </button>
      )}
    </section>
  )
}
