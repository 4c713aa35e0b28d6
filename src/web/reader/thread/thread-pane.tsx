import './thread.css'
import { useEffect, useRef } from 'preact/hooks'
import { plainText } from '../../shared/plain-text.ts'
import { fragmentOf } from '../address.ts'
import { errorText } from '../error-text.ts'
import type { Reader } from '../reading/reader.ts'
import { Time } from '../shell/parts.tsx'
import { t as common } from '../strings/index.ts'
import { hasRoom, isFocusWanted, isThreadOpen, isThreadShown } from './pane-state.ts'
import { t } from './strings.ts'
import { type Branch, treeOf } from './tree.ts'

const ID = 'thread'

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
  const size = tree === undefined ? 0 : sizeOf(tree)
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
      {tree !== undefined && (
        <ul aria-labelledby="thread-title">
          <Item key={tree.no} reader={reader} branch={tree} current={no} above={undefined} />
        </ul>
      )}
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

function Item({
  reader,
  branch: { no, text, author, children },
  current,
  above,
}: {
  reader: Reader
  branch: Branch
  current: number
  /** the subject of the text above */
  above: string | undefined
}) {
  const strings = common.value
  const isUnread = reader.isUnread(no)
  const subject = plainText(text?.subject ?? '') || strings.noSubject
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
          <span class={subject === above ? 'visually-hidden' : 'subject'} dir="auto">
            {subject}
          </span>
        )}
      </a>
      {children.length > 0 && (
        <ul>
          {children.map((each) => (
            <Item
              key={each.no}
              reader={reader}
              branch={each}
              current={current}
              above={text === undefined ? above : subject}
            />
          ))}
        </ul>
      )}
    </li>
  )
}

function sizeOf(branch: Branch): number {
  let size = 0
  const waiting = [branch]
  for (let each = waiting.pop(); each !== undefined; each = waiting.pop()) {
    size++
    waiting.push(...each.children)
  }
  return size
}

/** Scrolls a container, and nothing else, so that an element in it is visible. */
function showWithin(container: HTMLElement, element: HTMLElement): void {
  const { top, bottom } = container.getBoundingClientRect()
  const box = element.getBoundingClientRect()
  if (box.top < top || box.bottom > bottom) container.scrollTop += box.top - top - (bottom - top) / 3
}
