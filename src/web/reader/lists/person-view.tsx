import { LyskomError } from 'komgate/client'
import { useEffect, useRef } from 'preact/hooks'
import { useAsync } from '../../shared/use-async.ts'
import { errorText } from '../error-text.ts'
import type { Reader } from '../reading/reader.ts'
import { Loading, Problem, TextLink } from '../shell/parts.tsx'
import { t } from '../strings/index.ts'
import { TextList } from './text-list.tsx'

const PAGE_SIZE = 25

/** A person: their presentation and what they have written. */
export function PersonView({ reader, no }: { reader: Reader; no: number }) {
  const strings = t.value
  const heading = useRef<HTMLHeadingElement>(null)
  // The letterbox of a person has their name and presentation.
  const { value, error, retry } = useAsync(no, () => reader.kom.conferences.get(no, { micro: false }))
  const isPerson = value?.type.letterbox === 1
  useEffect(() => {
    if (value === undefined || !isPerson) return
    document.title = `${value.name} – komgate`
    heading.current?.focus({ preventScroll: true })
    scrollTo(0, 0)
  }, [value, isPerson])
  if (error !== undefined || (value !== undefined && !isPerson)) {
    const isGone = error === undefined || error instanceof LyskomError
    return (
      <Problem
        title={strings.notFound}
        message={isGone ? strings.personIsGone : errorText(error)}
        onRetry={isGone ? undefined : retry}
      />
    )
  }
  if (value === undefined) return <Loading />
  return (
    <section class="person" aria-labelledby="person">
      <h1 id="person" ref={heading} tabIndex={-1}>
        <bdi>{value.name}</bdi>
      </h1>
      {value.presentation !== 0 && (
        <p class="byline">
          <TextLink server={reader.server} no={value.presentation}>
            {strings.presentation}
          </TextLink>
        </p>
      )}
      <TextList
        key={no}
        belongs={({ author }) => author.pers_no === no}
        reader={reader}
        label={strings.textsBy}
        hasAuthors={false}
        isUnread={(textNo) => reader.isUnread(textNo)}
        load={(before) =>
          reader.kom.persons.texts(no, { no_of_texts: PAGE_SIZE, ...(before !== undefined && { before }) })
        }
      />
    </section>
  )
}
