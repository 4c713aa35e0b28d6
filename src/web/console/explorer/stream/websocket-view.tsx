import { useEffect, useRef, useState } from 'preact/hooks'
import type { ExplorerSession } from '../session/session.ts'
import { t as ofSession } from '../session/strings.ts'
import { LogList, useLog } from './log-list.tsx'
import { t } from './strings.ts'

const EXAMPLE = { protocol: 'calls', ref_no: 1, request: { call: 'get-time' } }

/** Opens a WebSocket of the session, sends messages, and shows those that arrive. */
export function WebSocketView({ url, path, session }: { url: URL; path: string; session: ExplorerSession }) {
  const strings = t.value
  const socket = useRef<WebSocket | undefined>(undefined)
  const [status, setStatus] = useState<'closed' | 'connecting' | 'open'>('closed')
  const [notice, setNotice] = useState('')
  const [message, setMessage] = useState(() => JSON.stringify(EXAMPLE))
  const { rows, dropped, add } = useLog()
  const state = session.state.value
  useEffect(() => () => socket.current?.close(), [])

  const connect = async (): Promise<void> => {
    if (state.status !== 'open') {
      setNotice(ofSession.value.sessionIsNeeded)
      return
    }
    setStatus('connecting')
    setNotice('')
    try {
      const address = new URL(path.slice(1), url)
      address.protocol = address.protocol.replace('http', 'ws')
      address.searchParams.set('ticket', (await state.kom.ticket()).ticket)
      const opened = new WebSocket(address)
      socket.current = opened
      opened.onopen = () => setStatus('open')
      opened.onmessage = ({ data }) => add([{ label: t.value.received, text: String(data) }])
      opened.onclose = ({ code }) => {
        socket.current = undefined
        setStatus('closed')
        setNotice(t.value.socketHasClosed(code))
      }
    } catch {
      setStatus('closed')
      setNotice(strings.socketFailed)
    }
  }
  return (
    <form
      class="websocket"
      onSubmit={(event) => {
        event.preventDefault()
        if (status !== 'open') return
        socket.current?.send(message)
        add([{ label: strings.sent, text: message }])
      }}
    >
      <div class="field">
        <label for="explorer-message">{strings.message}</label>
        <textarea
          id="explorer-message"
          class="code"
          rows={3}
          spellcheck={false}
          value={message}
          onInput={({ currentTarget: { value } }) => setMessage(value)}
        />
      </div>
      <p class="actions">
        {status === 'open' ? (
          <>
            <button type="submit" class="primary">
              {strings.sendMessage}
            </button>
            <button type="button" onClick={() => socket.current?.close()}>
              {strings.disconnect}
            </button>
          </>
        ) : (
          <button
            type="button"
            class="primary"
            aria-disabled={status === 'connecting'}
            onClick={() => {
              if (status === 'closed') void connect()
            }}
          >
            {status === 'connecting' ? strings.connecting : strings.connect}
          </button>
        )}
      </p>
      <p role="status" class="quiet">
        {notice}
      </p>
      <LogList label={strings.events} rows={rows} dropped={dropped} />
    </form>
  )
}
