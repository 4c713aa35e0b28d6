import { useState } from 'preact/hooks'
import { t } from './strings.ts'

/** The number of members that are shown at first, and more on request. */
const PAGE = 100
/** The length of strings that are shown at first. */
const MAX_STRING = 2000
/** Values up to this depth with few members are open. */
const OPEN_DEPTH = 2

/** A JSON value, whose objects and lists can be opened and closed. Members are rendered when they are shown. */
export function JsonTree({ value, name, depth = 0 }: { value: unknown; name?: string; depth?: number }) {
  const label = name === undefined ? null : <span class="json-name">{name}: </span>
  if (typeof value !== 'object' || value === null) {
    return (
      <div class="json-line">
        {label}
        <Scalar value={value} />
      </div>
    )
  }
  return <Members value={value} label={label} depth={depth} />
}

function Members({ value, label, depth }: { value: object; label: preact.ComponentChild; depth: number }) {
  const isList = Array.isArray(value)
  const keys = isList ? undefined : Object.keys(value)
  const count = keys?.length ?? (value as unknown[]).length
  const [isOpen, setOpen] = useState(depth === 0 || (depth <= OPEN_DEPTH && count <= PAGE))
  const [shown, setShown] = useState(PAGE)
  const summary = isList ? `[${count}]` : `{${count}}`
  if (count === 0) {
    return (
      <div class="json-line">
        {label}
        {isList ? '[]' : '{}'}
      </div>
    )
  }
  const length = Math.min(shown, count)
  return (
    <details open={isOpen} onToggle={({ currentTarget: { open } }) => setOpen(open)}>
      <summary>
        {label}
        <span class="quiet">{summary}</span>
      </summary>
      {isOpen && (
        <div class="json-members">
          {Array.from({ length }, (_, i) => {
            const key = keys?.[i] ?? String(i)
            return <JsonTree key={key} name={key} value={(value as Record<string, unknown>)[key]} depth={depth + 1} />
          })}
          {length < count && (
            <button type="button" onClick={() => setShown(shown + PAGE)}>
              {t.value.more(Math.min(PAGE, count - length))}
            </button>
          )}
        </div>
      )}
    </details>
  )
}

function Scalar({ value }: { value: unknown }) {
  const [isWhole, setWhole] = useState(false)
  const text = JSON.stringify(value)
  if (typeof value !== 'string' || isWhole || text.length <= MAX_STRING) {
    return <span class={typeof value === 'string' ? 'json-string' : 'json-value'}>{text}</span>
  }
  return (
    <>
      <span class="json-string">{text.slice(0, MAX_STRING)}…</span>{' '}
      <button type="button" onClick={() => setWhole(true)}>
        {t.value.more(text.length - MAX_STRING)}
      </button>
    </>
  )
}
