import './text.css'
import { LyskomError, type Text } from 'komgate/client'
import { useEffect, useRef } from 'preact/hooks'
import { plainText } from '../../shared/plain-text.ts'
import { useAsync } from '../../shared/use-async.ts'
import { GoneDrafts } from '../compose/gone-drafts.tsx'
import { TextCompose, WriteButtons } from '../compose/text-compose.tsx'
import { errorText } from '../error-text.ts'
import type { Reader } from '../reading/reader.ts'
import { ConferenceLink, Loading, PersonLink, Problem, Time } from '../shell/parts.tsx'
import { t } from '../strings/index.ts'
import { t as threadStrings } from '../thread/strings.ts'
import { toggleThread } from '../thread/thread-pane.tsx'
import { hasReadMark, isMarked, markRead, markUnread } from './actions.ts'
import { Body } from './body.tsx'
import { Comments, CommentTo } from './links.tsx'
import { MoreMenu } from './more-menu.tsx'
import { t as textStrings } from './strings.ts'

/** The length from which a subject is no heading any more, but a text. */
const LONG_SUBJECT = 200

/** A text with what it comments and its comments. */
export function TextView({ reader, no }: { reader: Reader; no: number }) {
  const held = reader.state.value.texts[no]
  const { value, error, retry } = useAsync(no, () => reader.live.text(no))
  const text = held ?? value
  // A text that vanishes is still shown: the person may be answering it.
  if (text !== undefined) return <Shown key={no} reader={reader} text={text} isGone={held === undefined} />
  if (error === undefined) return <Loading />
  const isGone = error instanceof LyskomError
  return (
    <>
      <Problem
        title={isGone ? t.value.textIsGoneTitle : t.value.text(no)}
        message={isGone ? t.value.textIsGone : errorText(error)}
        onRetry={isGone ? undefined : retry}
      />
      {isGone && <GoneDrafts reader={reader} no={no} />}
    </>
  )
}

function Shown({ reader, text, isGone }: { reader: Reader; text: Text; isGone: boolean }) {
  const strings = t.value
  const { server } = reader
  const { text_no, author, creation_time, subject } = text
  const heading = useRef<HTMLHeadingElement>(null)
  const title = subject === null || subject.trim() === '' ? strings.noSubject : subject

  useEffect(() => {
    reader.place(text)
    heading.current?.focus({ preventScroll: true })
    scrollTo(0, 0)
    reader.resumeWriting(text_no)
  }, [reader, text_no])
  useEffect(() => {
    document.title = `${plainText(title)} – komgate`
  }, [title])
  const closeForm = (): void => {
    reader.writing.value = undefined
    heading.current?.focus({ preventScroll: true })
  }
  const isUnread = reader.isUnread(text_no)
  return (
    <article class="text" aria-labelledby="subject">
      <h1 id="subject" class={title.length > LONG_SUBJECT ? 'long' : undefined} ref={heading} tabIndex={-1} dir="auto">
        {title}
      </h1>
      <p class="byline">
        <PersonLink server={server} person={author} />
        <Time time={creation_time} />
        <span>{strings.text(text_no)}</span>
        {isUnread && <span class="badge">{strings.isUnread}</span>}
        {isMarked(reader, text_no) && <span class="badge">{textStrings.value.marked}</span>}
      </p>
      {isGone && (
        <p class="note" role="status">
          {strings.textWasDeleted}
        </p>
      )}
      <Recipients server={server} text={text} />
      <CommentTo reader={reader} text={text} />
      <div class="body">
        <Body reader={reader} text={text} />
      </div>
      <div class="actions">
        <WriteButtons reader={reader} text={text} />
        <ReadButton reader={reader} text={text} />
        <button type="button" class="thread-button" aria-keyshortcuts="t" onClick={toggleThread}>
          {threadStrings.value.thread}
        </button>
        <MoreMenu reader={reader} text={text} />
      </div>
      <TextCompose reader={reader} text={text} onClose={closeForm} />
      <Comments reader={reader} text={text} />
    </article>
  )
}

function ReadButton({ reader, text: { text_no } }: { reader: Reader; text: Text }) {
  const strings = t.value
  if (!hasReadMark(reader, text_no)) return null
  const isToRead = reader.marks.read.value.has(text_no) || !reader.isUnread(text_no)
  const isKept = reader.marks.kept.value.has(text_no)
  return isToRead || !isKept ? (
    <button type="button" aria-keyshortcuts="u" onClick={() => void markUnread(reader, text_no)}>
      {isToRead ? strings.markUnread : strings.keepUnread}
    </button>
  ) : (
    <button type="button" aria-keyshortcuts="r" onClick={() => markRead(reader, text_no)}>
      {strings.markRead}
    </button>
  )
}

function Recipients({ server, text }: { server: string; text: Text }) {
  const strings = t.value
  const groups = [
    [strings.to, text.recipient_list.filter(({ type }) => type === 'to')],
    [strings.copyTo, text.recipient_list.filter(({ type }) => type !== 'to')],
  ] as const
  return (
    <dl class="recipients">
      {groups.map(
        ([label, recipients]) =>
          recipients.length > 0 && (
            <div key={label}>
              <dt>{label}</dt>
              {recipients.map(({ recpt }) => (
                <dd key={recpt.conf_no}>
                  <ConferenceLink server={server} conference={recpt} />
                </dd>
              ))}
            </div>
          ),
      )}
    </dl>
  )
}
