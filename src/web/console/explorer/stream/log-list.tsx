import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { t } from './strings.ts'

/** The number of rows that are kept. */
const MAX_ROWS = 500

/** A row of a log. */
export interface LogRow {
  key: number
  /** an id or a direction */
  label: string
  text: string
}

/** Keeps the last rows of a log. Rows that arrive between two frames are rendered together. */
export function useLog(): {
  rows: readonly LogRow[]
  dropped: number
  add: (rows: readonly Omit<LogRow, 'key'>[]) => void
} {
  const [rows, setRows] = useState<readonly LogRow[]>([])
  const all = useRef<LogRow[]>([])
  const count = useRef(0)
  const frame = useRef<number | undefined>(undefined)
  useEffect(
    () => () => {
      if (frame.current !== undefined) cancelAnimationFrame(frame.current)
    },
    [],
  )
  const add = useCallback((more: readonly Omit<LogRow, 'key'>[]): void => {
    if (more.length === 0) return
    all.current.push(...more.map((row) => ({ ...row, key: count.current++ })))
    if (all.current.length > MAX_ROWS) all.current.splice(0, all.current.length - MAX_ROWS)
    frame.current ??= requestAnimationFrame(() => {
      frame.current = undefined
      setRows([...all.current])
    })
  }, [])
  return { rows, dropped: rows[0]?.key ?? 0, add }
}

/** Rows of a log, the newest last. */
export function LogList({ label, rows, dropped }: { label: string; rows: readonly LogRow[]; dropped: number }) {
  if (rows.length === 0) return null
  return (
    <>
      {dropped > 0 && <p class="quiet">{t.value.dropped(dropped)}</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reachable by keyboard */}
      <ol class="log" aria-label={label} tabIndex={0}>
        {rows.map(({ key, label: of, text }) => (
          <li key={key}>
            {of !== '' && <span class="quiet">{of}</span>} <code>{text}</code>
          </li>
        ))}
      </ol>
    </>
  )
}
