import { LyskomError } from 'komgate/client'
import { useEffect, useRef } from 'preact/hooks'
import { useAsync } from '../../shared/use-async.ts'
import { t as compose } from '../compose/strings.ts'
import { errorText } from '../error-text.ts'
import type { Reader } from '../reading/reader.ts'
import { Loading, Problem, TextLink } from '../shell/parts.tsx'
import { t } from '../strings/index.ts'
import { TextList } from './text-list.tsx'

const PAGE_SIZE = 25

/** A conference: its presentation and its texts. */
export function ConferenceView({ reader, no }: { reader: Reader; no: number }) {
  const strings = t.value
  const heading = useRef<HTMLHeadingElement>(null)
  const { value, error, retry } = useAsync(no, () => reader.kom.conferences.get(no, { micro: false }))
  useEffect(() => {
    if (value === undefined) return
    document.title = `${value.name} – komgate`
    heading.current?.focus({ preventScroll: true })
    scrollTo(0, 0)
  }, [value])
  if (error !== undefined) {
    const isGone = error instanceof LyskomError
    return (
      <Problem
        title={strings.notFound}
        message={isGone ? strings.conferenceIsGone : errorText(error)}
        onRetry={isGone ? undefined : retry}
      />
    )
  }
  if (value === undefined) return <Loading />
  const unread = reader.unread.value.find(({ conf_no }) => conf_no === no)
  return (
    <section class="conference" aria-labelledby="conference">
      <h1 id="conference" ref={heading} tabIndex={-1}>
        <bdi>{value.name}</bdi>
      </h1>
      <p class="byline">
        {value.type.rd_prot === 1 && <span>{strings.closed}</span>}
        {value.presentation !== 0 && (
          <TextLink server={reader.server} no={value.presentation}>
            {strings.presentation}
          </TextLink>
        )}
        {unread !== undefined && (
          <button type="button" onClick={() => reader.readConference(no)}>
            {strings.readUnread} ({unread.unread_texts.length})
          </button>
        )}
      </p>
      <p>
        <button type="button" onClick={() => reader.writeTo(no)}>
          {compose.value.write}
        </button>
      </p>
      <TextList
        key={no}
        belongs={({ recipients }) => recipients.some(({ recpt }) => recpt.conf_no === no)}
        reader={reader}
        label={strings.textsHere}
        isUnread={(textNo) => unread?.unread_texts.includes(textNo) ?? false}
        load={(before) =>
          reader.kom.conferences.texts(no, {
            subjects: true,
            no_of_texts: PAGE_SIZE,
            ...(before !== undefined && { before }),
          })
        }
      />
    </section>
  )
}
