import './lists.css'
import type { TextPage } from 'komgate/client'
import { useEffect, useState } from 'preact/hooks'
import { errorText } from '../error-text.ts'
import type { Reader } from '../reading/reader.ts'
import { Loading, TextLink, Time } from '../shell/parts.tsx'
import { t } from '../strings/index.ts'

type Texts = TextPage['texts']

/**
 * Texts, newest first, with a button for older ones.
 *
 * @param load returns a page of texts
 */
export function TextList({
  reader,
  label,
  hasAuthors = true,
  isUnread,
  load,
}: {
  reader: Reader
  label: string
  /** whether the texts are by different persons. Default: true */
  hasAuthors?: boolean
  isUnread: (textNo: number) => boolean
  load: (before: number | undefined) => Promise<TextPage>
}) {
  const strings = t.value
  const [texts, setTexts] = useState<Texts>([])
  const [before, setBefore] = useState<number | null | undefined>(undefined)
  const [isLoading, setLoading] = useState(false)
  const [error, setError] = useState<unknown>()
  const more = async (): Promise<void> => {
    if (isLoading) return
    setLoading(true)
    setError(undefined)
    try {
      const page = await load(before ?? undefined)
      setTexts([...texts, ...page.texts])
      setBefore(page.next_before)
    } catch (reason) {
      setError(reason)
    }
    setLoading(false)
  }
  useEffect(() => {
    void more()
  }, [])

  return (
    <section class="text-list" aria-label={label}>
      <h2>{label}</h2>
      <ul aria-label={label}>
        {texts.map(({ text_no, subject, author, creation_time }) => (
          <li key={text_no}>
            <TextLink server={reader.server} no={text_no}>
              {subject === null || subject.trim() === '' ? strings.noSubject : subject}
            </TextLink>
            <span class="quiet">
              {hasAuthors && <bdi>{author.pers_no === 0 ? strings.anonymous : author.pers_name}</bdi>}
              <Time time={creation_time} />
              {isUnread(text_no) && <span class="badge">{strings.isUnread}</span>}
            </span>
          </li>
        ))}
      </ul>
      {texts.length === 0 && before === null && <p class="quiet">{strings.noTexts}</p>}
      {isLoading && <Loading />}
      {error !== undefined && (
        <p class="error" role="alert">
          {errorText(error)}
        </p>
      )}
      {(error !== undefined || (before !== null && before !== undefined)) && (
        <button type="button" aria-disabled={isLoading} onClick={() => void more()}>
          {error === undefined ? strings.older : strings.tryAgain}
        </button>
      )}
    </section>
  )
}
