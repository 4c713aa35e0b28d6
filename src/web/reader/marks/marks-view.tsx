import { LyskomError } from 'komgate/client'
import { useEffect, useRef, useState } from 'preact/hooks'
import { TextRow } from '../lists/text-row.tsx'
import type { Reader } from '../reading/reader.ts'
import { Failure } from '../shell/failure.tsx'
import { Loading } from '../shell/parts.tsx'
import { toggleMark } from '../text/actions.ts'
import type { Overview } from '../thread/tree.ts'
import { t } from './strings.ts'

const PAGE_SIZE = 25

/** The texts that the person has marked, newest first. */
export function MarksView({ reader }: { reader: Reader }) {
  const strings = t.value
  const heading = useRef<HTMLHeadingElement>(null)
  const [size, setSize] = useState(PAGE_SIZE)
  const marked = [...reader.state.value.marks].sort((a, b) => b.text_no - a.text_no)
  const shown = marked.slice(0, size).map(({ text_no }) => text_no)
  const { texts, error, retry } = useTexts(reader, shown)
  useEffect(() => {
    document.title = `${strings.marks} – komgate`
    heading.current?.focus({ preventScroll: true })
    scrollTo(0, 0)
  }, [strings])
  const isComplete = shown.every((no) => texts.has(no))
  const remove = (no: number) => (
    <button
      type="button"
      class="plain"
      aria-label={strings.unmarkText(no)}
      onClick={() => {
        void toggleMark(reader, no)
        heading.current?.focus()
      }}
    >
      {strings.unmark}
    </button>
  )
  return (
    <section class="conference" aria-labelledby="marks">
      <h1 id="marks" ref={heading} tabIndex={-1}>
        {strings.marks}
      </h1>
      {marked.length === 0 && <p>{strings.none}</p>}
      <ul class="rows" aria-labelledby="marks">
        {shown.map((no) => {
          const text = texts.get(no)
          if (text === undefined) return null
          return text === null ? (
            <li key={no} class="text-row">
              <span class="quiet">{strings.hidden(no)}</span>
              {remove(no)}
            </li>
          ) : (
            <TextRow key={no} reader={reader} text={text} isUnread={reader.isUnread(no)}>
              {remove(no)}
            </TextRow>
          )
        })}
      </ul>
      <Failure error={error} onRetry={retry} />
      {error === undefined && !isComplete && <Loading />}
      {isComplete && size < marked.length && (
        <button type="button" onClick={() => setSize(size + PAGE_SIZE)}>
          {strings.more}
        </button>
      )}
    </section>
  )
}

/** Returns texts by number, null for those that the person may not read. All that are missing are one request. */
function useTexts(reader: Reader, textNos: readonly number[]) {
  const [texts, setTexts] = useState<ReadonlyMap<number, Overview | null>>(new Map())
  const [error, setError] = useState<unknown>()
  const [attempt, setAttempt] = useState(0)
  const requested = useRef(new Set<number>())
  useEffect(() => {
    for (const no of textNos) {
      if (requested.current.has(no)) continue
      requested.current.add(no)
      const keep = (text: Overview | null): void => setTexts((known) => new Map([...known, [no, text]]))
      reader.live.text(no).then(keep, (reason: unknown) => {
        if (reason instanceof LyskomError) return keep(null)
        requested.current.delete(no)
        setError(reason)
      })
    }
  }, [reader, textNos.join(), attempt])
  const retry = (): void => {
    setError(undefined)
    setAttempt(attempt + 1)
  }
  return { texts, error, retry }
}
