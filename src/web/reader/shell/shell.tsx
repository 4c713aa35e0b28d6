import './shell.css'
import { useEffect, useRef, useState } from 'preact/hooks'
import { address, fragmentOf } from '../address.ts'
import { NewView } from '../compose/new-view.tsx'
import { t as compose } from '../compose/strings.ts'
import { ConferencesView } from '../conferences/conferences-view.tsx'
import { Newcomer } from '../conferences/newcomer.tsx'
import { GoTo } from '../goto/goto.tsx'
import { t as goToStrings } from '../goto/strings.ts'
import { ConferenceView } from '../lists/conference-view.tsx'
import { PersonView } from '../lists/person-view.tsx'
import { MarksView } from '../marks/marks-view.tsx'
import { MessageCards } from '../messages/message-cards.tsx'
import { MessagesView } from '../messages/messages-view.tsx'
import { NotificationSwitch } from '../notify/notification-switch.tsx'
import { watch } from '../notify/watch.ts'
import { OnlineView } from '../online/online-view.tsx'
import { Banner } from '../outage/banner.tsx'
import type { Reader } from '../reading/reader.ts'
import { logOut } from '../session/session.ts'
import { SettingsView } from '../settings/settings-view.tsx'
import { t } from '../strings/index.ts'
import { TextView } from '../text/text-view.tsx'
import { ThreadPane } from '../thread/thread-pane.tsx'
import { ConferenceList } from '../unread/conference-list.tsx'
import { Help } from './help.tsx'
import { useKeys } from './keys.ts'
import { NextBar } from './next-bar.tsx'
import { Places } from './places.tsx'

const NOTICE_MS = 6000

/** The frame of the reader: the conferences, what the address names, and the main action. */
export function Shell({ reader }: { reader: Reader }) {
  const strings = t.value
  const [isListOpen, setListOpen] = useState(false)
  const [isHelpOpen, setHelpOpen] = useState(false)
  const list = useRef<HTMLDivElement>(null)
  const [isGoToOpen, setGoToOpen] = useState(false)
  const showHelp = (): void => setHelpOpen(true)
  const showGoTo = (): void => setGoToOpen(true)
  const showList = (): void => {
    setListOpen(true)
    // The list is rendered before it can have the focus.
    setTimeout(() => list.current?.querySelector<HTMLElement>('nav button, nav a')?.focus())
  }
  useKeys({ reader, showHelp, showList, showGoTo })
  useEffect(() => watch(reader), [reader])
  useEffect(() => {
    if (reader.notice.value === '') return
    const timer = setTimeout(() => {
      reader.notice.value = ''
    }, NOTICE_MS)
    return () => clearTimeout(timer)
  }, [reader, reader.notice.value])
  const unreadCount = new Set(reader.unread.value.flatMap(({ unread_texts }) => unread_texts)).size
  const { state } = reader

  return (
    <div class="shell">
      <button type="button" class="skip" onClick={() => document.querySelector<HTMLElement>('main h1')?.focus()}>
        {strings.skipToText}
      </button>
      <header class="top">
        <button
          type="button"
          class="toggle-list"
          aria-expanded={isListOpen}
          aria-controls="side"
          onClick={() => setListOpen(!isListOpen)}
        >
          {strings.conferences} {unreadCount > 0 && <span class="count">{unreadCount}</span>}
        </button>
        <span class="brand">komgate</span>
        <button type="button" class="plain" aria-keyshortcuts="/" onClick={showGoTo}>
          {goToStrings.value.goTo}
        </button>
        <button type="button" class="plain show-keys" onClick={showHelp}>
          {strings.keys}
        </button>
        <button type="button" class="plain" onClick={() => logOut(reader)}>
          {strings.logOut}
        </button>
      </header>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: Escape closes the list wherever the focus is in it */}
      <div
        id="side"
        ref={list}
        class={isListOpen ? 'side open' : 'side'}
        onKeyDown={({ key }) => {
          if (key === 'Escape') setListOpen(false)
        }}
      >
        <ConferenceList reader={reader} onChoose={() => setListOpen(false)} />
        <Places reader={reader} onChoose={() => setListOpen(false)} />
        <footer>
          <p class="quiet">
            {strings.loggedInAs} <bdi>{state.value.person?.pers_name}</bdi>
          </p>
          <NotificationSwitch />
        </footer>
      </div>
      <main id="main">
        <Banner state={state} />
        <View reader={reader} />
      </main>
      <ThreadPane reader={reader} />
      <NextBar reader={reader} />
      <p class={reader.notice.value === '' ? 'notice' : 'notice shown'} role="status">
        {reader.notice} <NoticedText reader={reader} />
      </p>
      {isGoToOpen && <GoTo reader={reader} onClose={() => setGoToOpen(false)} />}
      <MessageCards reader={reader} />
      {isHelpOpen && <Help onClose={() => setHelpOpen(false)} />}
    </div>
  )
}

/** A link to the text that the notice is about. */
function NoticedText({ reader }: { reader: Reader }) {
  const noticed = reader.noticed.value
  if (noticed === undefined || noticed.notice !== reader.notice.value) return null
  return <a href={fragmentOf(reader.server, 'texts', noticed.textNo)}>{compose.value.showText(noticed.textNo)}</a>
}

function View({ reader }: { reader: Reader }) {
  const shown = address.value
  if (shown.view === 'new') return <NewView key={shown.no} reader={reader} no={shown.no ?? 0} />
  if (shown.view === 'texts') return <TextView reader={reader} no={shown.no} />
  if (shown.view === 'marks') return <MarksView reader={reader} />
  if (shown.view === 'persons') return <PersonView key={shown.no} reader={reader} no={shown.no} />
  if (shown.view === 'conferences') {
    if (shown.no === undefined) return <ConferencesView reader={reader} />
    return <ConferenceView key={shown.no} reader={reader} no={shown.no} />
  }
  if (shown.view === 'settings') return <SettingsView reader={reader} />
  if (shown.view === 'online') return <OnlineView reader={reader} />
  if (shown.view === 'messages') return <MessagesView reader={reader} />
  return <Begin reader={reader} />
}

/** Opens the next unread text. Says so when there is none. */
function Begin({ reader }: { reader: Reader }) {
  const strings = t.value
  const heading = useRef<HTMLHeadingElement>(null)
  const hasNext = reader.next.value !== undefined
  useEffect(() => {
    if (reader.readNext(true)) return
    document.title = `${strings.allRead} – komgate`
    heading.current?.focus()
  }, [reader, hasNext, strings])
  const kept = [...reader.marks.kept.value].filter((no) => reader.isUnread(no)).length
  return (
    <section class="problem">
      <h1 ref={heading} tabIndex={-1}>
        {strings.allRead}
      </h1>
      <p>{strings.allReadLong}</p>
      <Newcomer reader={reader} />
      {kept > 0 && <p>{strings.keptUnread(kept)}</p>}
    </section>
  )
}
