import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { useAction } from '../../shared/use-action.ts'
import { Failure } from '../shell/failure.tsx'
import { Loading } from '../shell/parts.tsx'
import { t as common } from '../strings/index.ts'
import { t } from './strings.ts'

/** A part of a list. */
export interface Page<T> {
  rows: readonly T[]
  hasMore: boolean
  /** the position of the next page */
  next: number
}

/**
 * A list that is requested page by page, from the time on when it is opened.
 *
 * @param load returns the page that begins at a position
 */
export function Pages<T>({
  summary,
  label,
  empty,
  load,
  row,
}: {
  summary: string
  label: string
  /** the sentence for a list without rows */
  empty?: string
  load: (first: number) => Promise<Page<T>>
  row: (value: T) => ComponentChildren
}) {
  const [page, setPage] = useState<Page<T>>({ rows: [], hasMore: true, next: 0 })
  const { isBusy, error, run } = useAction()
  const more = (): void =>
    void run(async () => {
      const { rows, ...rest } = await load(page.next)
      setPage({ rows: [...page.rows, ...rows], ...rest })
    })
  return (
    <details
      class="pages"
      onToggle={({ currentTarget: { open } }) => {
        if (open && page.next === 0) more()
      }}
    >
      <summary>{summary}</summary>
      <ul class="rows" aria-label={label}>
        {page.rows.map((each, i) => (
          <li key={i}>{row(each)}</li>
        ))}
      </ul>
      {empty !== undefined && !page.hasMore && page.rows.length === 0 && <p class="quiet">{empty}</p>}
      {isBusy && <Loading />}
      <Failure error={error} />
      {!isBusy && (error !== undefined || (page.hasMore && page.next > 0)) && (
        <button type="button" onClick={more}>
          {error === undefined ? t.value.more : common.value.tryAgain}
        </button>
      )}
    </details>
  )
}
