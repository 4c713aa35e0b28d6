import './thread.css'
import { useEffect, useRef } from 'preact/hooks'
import { plainText } from '../../shared/plain-text.ts'
import { fragmentOf } from '../address.ts'
import { errorText } from '../error-text.ts'
import type { Reader } from '../reading/reader.ts'
import { Time } from '../shell/parts.tsx'
import { t as common } from '../strings/index.ts'
import { hasRoom, isFocusWanted, isThreadOpen, isThreadShown } from './pane-state.ts'
import { type Nested, nested, rowsAround, rowsOf } from './rows.ts'
import { t } from './strings.ts'
import { type Overview, treeOf } from './tree.ts'

const ID = 'thread'
/** Texts of a thread that are shown at once: more would delay each next text. */
const SHOWN = 200

/** The thread of the shown text: beside it if there is room, otherwise above it when it has been opened. */
export function ThreadPane({ reader }: { reader: Reader }) {
  const no = reader.shown.value
  return no !== undefined && isThreadShown.value ? <Pane reader={reader} no={no} /> : null
}

/** Shows the thread, and moves the focus to the shown text in it. Hides it again where there is no room for it. */
export function toggleThread(): void {
  if (!hasRoom.value && isThreadOpen.value) {
    closeThread()
    return
  }
  isThreadOpen.value = true
  isFocusWanted.value = true
}

function closeThread(): void {
  isThreadOpen.value = false
  isFocusWanted.value = false
  document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true })
}

function Pane({ reader, no }: { reader: Reader; no: number }) {
  const strings = t.value
  const pane = useRef<HTMLElement>(null)
  const { textOf, error } = reader.threads
  const tree = treeOf(no, textOf)
  const rows = tree === undefined ? [] : rowsOf(tree)
  const size = rows.length
  const { shown, before, after } = rowsAround(rows, no, SHOWN)
  // A thread that gets another top is rendered again.
  const hadFocus = pane.current?.contains(document.activeElement) ?? false
  const isFocused = isFocusWanted.value
  useEffect(() => {
    const current = pane.current?.querySelector<HTMLElement>('[aria-current]')
    if (pane.current && current) showWithin(pane.current, current)
    if (!isFocused && (!hadFocus || pane.current?.contains(document.activeElement))) return
    const target = current ?? pane.current?.querySelector<HTMLElement>('h2')
    target?.focus({ preventScroll: true })
    isFocusWanted.value = false
  }, [no, size, isFocused])
  // A reset of the events has emptied it.
  useEffect(() => {
    if (error.value === undefined && reader.state.value.texts[no] !== undefined) void reader.threads.ensure(no)
  })
  return (
    <aside
      id={ID}
      ref={pane}
      class="thread"
      aria-labelledby="thread-title"
      onKeyDown={({ key }) => {
        if (key === 'Escape' && !hasRoom.value) closeThread()
      }}
    >
      <header>
        <h2 id="thread-title" tabIndex={-1}>
          {strings.thread}
        </h2>
        {size > 0 && <span class="quiet">{strings.textCount(size)}</span>}
        {!hasRoom.value && (
          <button type="button" class="plain" onClick={closeThread}>
            {strings.close}
          </button>
        )}
      </header>
      {before > 0 && <p class="quiet">{strings.before(before)}</p>}
      {size > 0 && (
        <ul aria-labelledby="thread-title">
          <Items reader={reader} items={nested(shown)} current={no} />
        </ul>
      )}
      {after > 0 && <p class="quiet">{strings.after(after)}</p>}
      {error.value !== undefined && (
        <div class="failed">
          <p class="error">
            {strings.notLoaded} {errorText(error.value)}
          </p>
          <button type="button" onClick={() => void reader.threads.ensure(no)}>
            {common.value.tryAgain}
          </button>
        </div>
      )}
    </aside>
  )
}

function Items({ reader, items, current }: { reader: Reader; items: readonly Nested[]; current: number }) {
  return items.map((item) => <Item key={item.row.branch.no} reader={reader} item={item} current={current} />)
}

function Item({
  reader,
  item: {
    row: {
      branch: { no, text, author },
      above,
    },
    children,
  },
  current,
}: {
  reader: Reader
  item: Nested
  current: number
}) {
  const strings = common.value
  const isUnread = reader.isUnread(no)
  const subject = subjectOf(text)
  return (
    <li>
      <a
        href={fragmentOf(reader.server, 'texts', no)}
        class={isUnread ? 'unread' : undefined}
        aria-current={no === current ? 'true' : undefined}
        onClick={() => {
          isThreadOpen.value = false
        }}
      >
        <bdi>{author.pers_no === 0 ? strings.anonymous : author.pers_name}</bdi>
        {text !== undefined && <Time time={text.creation_time} />}
        {isUnread && <span class="visually-hidden">{strings.isUnread}</span>}
        {text !== undefined && (
          <span
            class={above !== undefined && subject === subjectOf(above.text) ? 'visually-hidden' : 'subject'}
            dir="auto"
          >
            {subject}
          </span>
        )}
      </a>
      {children.length > 0 && (
        <ul>
          <Items reader={reader} items={children} current={current} />
        </ul>
      )}
    </li>
  )
}

function subjectOf(text: Overview | undefined): string {
  return plainText(text?.subject ?? '') || common.value.noSubject
}

/** Scrolls a container, and nothing else, so that an element in it is visible. */
function showWithin(container: HTMLElement, element: HTMLElement): void {
  const { top, bottom } = container.getBoundingClientRect()
  const box = element.getBoundingClientRect()
  if (box.top < top || box.bottom > bottom) container.scrollTop += box.top - top - (bottom - top) / 3
}
