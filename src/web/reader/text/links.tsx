import type { Text } from 'komgate/client'
import { useState } from 'preact/hooks'
import { plainText } from '../../shared/plain-text.ts'
import { useAsync } from '../../shared/use-async.ts'
import { inReadingOrder } from '../reading/order.ts'
import type { Reader } from '../reading/reader.ts'
import { Failure } from '../shell/failure.tsx'
import { Loading, PersonLink, TextLink, Time } from '../shell/parts.tsx'
import { t as common } from '../strings/index.ts'
import { Body } from './body.tsx'
import { t } from './strings.ts'

/** What the text comments: each in one line that opens in place. */
export function CommentTo({ reader, text }: { reader: Reader; text: Text }) {
  if (text.comment_to_list.length === 0) return null
  return (
    <ul class="links">
      {text.comment_to_list.map((link) => (
        <Above key={link.text_no} reader={reader} link={link} />
      ))}
    </ul>
  )
}

function Above({ reader, link: { type, text_no, author } }: { reader: Reader; link: Text['comment_to_list'][number] }) {
  const [isOpen, setOpen] = useState(false)
  const id = `above-${text_no}`
  const { commentTo, footnoteTo, hiddenComment, anonymous } = common.value
  if (author === null) return <li class="quiet">{hiddenComment(text_no)}</li>
  return (
    <li>
      <button
        type="button"
        class="plain fold"
        aria-label={isOpen ? t.value.hideAgain(text_no) : t.value.showHere(text_no)}
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => setOpen(!isOpen)}
      />
      <TextLink server={reader.server} no={text_no}>
        {type === 'comment' ? commentTo(text_no, plainText(author.pers_name) || anonymous) : footnoteTo(text_no)}
      </TextLink>
      <div id={id} class="above" hidden={!isOpen}>
        {isOpen && <InPlace reader={reader} no={text_no} />}
      </div>
    </li>
  )
}

/** Another text inside the shown one. */
function InPlace({ reader, no }: { reader: Reader; no: number }) {
  const { value, error } = useAsync(no, () => reader.live.text(no))
  const text = reader.state.value.texts[no] ?? value
  if (error !== undefined && text === undefined) return <Failure error={error} />
  if (text === undefined) return <Loading />
  return (
    <>
      <p class="byline">
        <strong dir="auto">{plainText(text.subject ?? '') || common.value.noSubject}</strong>
        <PersonLink server={reader.server} person={text.author} />
        <Time time={text.creation_time} />
      </p>
      <div class="body">
        <Body reader={reader} text={text} />
      </div>
    </>
  )
}

/** The comments and footnotes to a text, each in one line. */
export function Comments({ reader, text }: { reader: Reader; text: Text }) {
  const strings = common.value
  const { comment_in_list } = text
  if (comment_in_list.length === 0) return null
  return (
    <section class="comments" aria-labelledby="comments">
      <h2 id="comments">{strings.comments}</h2>
      <ul aria-labelledby="comments">
        {inReadingOrder(comment_in_list).map(({ type, text_no, author }) => (
          <li key={text_no}>
            {author === null ? (
              <span class="quiet">{strings.hiddenComment(text_no)}</span>
            ) : (
              <>
                <TextLink server={reader.server} no={text_no}>
                  {(type === 'comment' ? strings.commentBy : strings.footnoteBy)(
                    plainText(author.pers_name) || strings.anonymous,
                  )}
                </TextLink>
                <OtherSubject subject={reader.threads.textOf(text_no)?.subject} than={text.subject} />
              </>
            )}
            <span class="quiet">{strings.text(text_no)}</span>
            {reader.isUnread(text_no) && <span class="badge">{strings.isUnread}</span>}
          </li>
        ))}
      </ul>
    </section>
  )
}

/** The subject of a comment if it is known and not that of the text itself. */
function OtherSubject({ subject, than }: { subject: string | null | undefined; than: string | null | undefined }) {
  if (!subject || subject === than) return null
  return (
    <span class="quiet beginning" dir="auto">
      {plainText(subject)}
    </span>
  )
}
