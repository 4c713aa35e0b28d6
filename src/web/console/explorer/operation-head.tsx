import { useEffect, useRef } from 'preact/hooks'
import type { Operation } from './operations.ts'
import { t } from './strings.ts'

/** The name of an operation, which has the focus at first, and its description. */
export function OperationHead({
  operation: { call, id, method, path, summary, description, isDeprecated },
}: {
  operation: Operation
}) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [])
  return (
    <>
      <h2 ref={heading} tabIndex={-1}>
        {call ?? id}
        {isDeprecated && <span class="badge">{t.value.deprecated}</span>}
      </h2>
      <p>
        <code>
          <strong>{method}</strong> {path}
        </code>
      </p>
      <p>{summary}.</p>
      {description !== '' && <Prose text={description} />}
    </>
  )
}

/** A description, in which code stands between backticks. */
function Prose({ text }: { text: string }) {
  return <p>{text.split('`').map((part, i) => (i % 2 === 1 ? <code key={String(i)}>{part}</code> : part))}</p>
}
