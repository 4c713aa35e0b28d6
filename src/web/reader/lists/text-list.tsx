import './lists.css'
import type { KomEvent, TextPage } from 'komgate/client'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Reader } from '../reading/reader.ts'
import { Failure } from '../shell/failure.tsx'
import { Loading } from '../shell/parts.tsx'
import { t } from '../strings/index.ts'
import type { Overview } from '../thread/tree.ts'
import { TextRow } from './text-row.tsx'

/**
 * Texts, newest first, with a button for older ones. New texts appear at the top as they are written.
 *
 * @param load returns a page of texts
 */
export function TextList({
  reader,
  label,
  hasAuthors = true,
  belongs,
  isUnread,
  load,
}: {
  reader: Reader
  label: string
  /** whether the texts are by different persons. Default: true */
  hasAuthors?: boolean
  /** returns whether a new text is one of the list */
  belongs: (event: KomEvent<'new-text'>) => boolean
  isUnread: (textNo: number) => boolean
  load: (before: number | undefined) => Promise<TextPage>
}) {
  const strings = t.value
  const [texts, setTexts] = useState<readonly Overview[]>([])
  const [before, setBefore] = useState<number | null | undefined>(undefined)
  const [isLoading, setLoading] = useState(false)
  const [error, setError] = useState<unknown>()
  // A response that arrives after the list has begun again is of no use.
  const round = useRef(0)
  const more = async (from = before): Promise<void> => {
    const current = round.current
    setLoading(true)
    setError(undefined)
    try {
      const page = await load(from ?? undefined)
      if (current !== round.current) return
      setTexts((known) => union(known, page.texts))
      setBefore(page.next_before)
    } catch (reason) {
      if (current === round.current) setError(reason)
    }
    if (current === round.current) setLoading(false)
  }
  useEffect(() => {
    const begin = (): void => {
      round.current++
      setTexts([])
      void more(undefined)
    }
    begin()
    const stop = reader.onEvent((event) => {
      if (event.type === 'reset') begin()
      if (event.type === 'deleted-text') setTexts((known) => known.filter(({ text_no }) => text_no !== event.text_no))
      if (event.type !== 'new-text' || !belongs(event)) return
      // The event has no subject.
      reader.live.text(event.text_no).then(
        (text) => setTexts((known) => union([text], known)),
        () => undefined,
      )
    })
    return () => {
      round.current++
      stop()
    }
  }, [])

  return (
    <section class="text-list" aria-label={label}>
      <h2>{label}</h2>
      <ul class="rows" aria-label={label}>
        {texts.map((text) => (
          <TextRow
            key={text.text_no}
            reader={reader}
            text={text}
            hasAuthor={hasAuthors}
            isUnread={isUnread(text.text_no)}
          />
        ))}
      </ul>
      {texts.length === 0 && before === null && !isLoading && <p class="quiet">{strings.noTexts}</p>}
      {isLoading && <Loading />}
      <Failure error={error} />
      {(error !== undefined || (before !== null && before !== undefined)) && (
        <button
          type="button"
          aria-disabled={isLoading}
          onClick={() => {
            if (!isLoading) void more()
          }}
        >
          {error === undefined ? strings.older : strings.tryAgain}
        </button>
      )}
    </section>
  )
}

/** Returns the texts of two lists, each once. */
function union(first: readonly Overview[], then: readonly Overview[]): Overview[] {
  const known = new Set(first.map(({ text_no }) => text_no))
  return [...first, ...then.filter(({ text_no }) => !known.has(text_no))]
}
