import type { ComponentChildren } from 'preact'
import type { Reader } from '../reading/reader.ts'
import { TextLink, Time } from '../shell/parts.tsx'
import { t } from '../strings/index.ts'
import type { Overview } from '../thread/tree.ts'

/** A text in a list: its subject, author and date. */
export function TextRow({
  reader,
  text: { text_no, subject, author, creation_time },
  hasAuthor = true,
  isUnread,
  children,
}: {
  reader: Reader
  text: Pick<Overview, 'text_no' | 'subject' | 'author' | 'creation_time'>
  /** whether the author is named. Default: true */
  hasAuthor?: boolean
  isUnread: boolean
  /** more, at the end of the line */
  children?: ComponentChildren
}) {
  const strings = t.value
  return (
    <li class={isUnread ? 'text-row unread' : 'text-row'}>
      <TextLink server={reader.server} no={text_no}>
        {subject === null || subject.trim() === '' ? strings.noSubject : subject}
      </TextLink>
      <span class="quiet">
        {hasAuthor && <bdi>{author.pers_no === 0 ? strings.anonymous : author.pers_name}</bdi>}
        <Time time={creation_time} />
        {isUnread && <span class="badge">{strings.isUnread}</span>}
        {children}
      </span>
    </li>
  )
}
