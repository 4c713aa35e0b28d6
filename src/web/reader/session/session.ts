import { signal } from '@preact/signals'
import { type Kom, LyskomError, NotLoggedInError, SessionLostError } from 'komgate/client'
import type { StorageArea } from '../../shared/stored.ts'
import { address, go } from '../address.ts'
import { discardDraft, keepDraftOf } from '../messages/draft.ts'
import { type Away, isOutage } from '../outage/away.ts'
import { Reader } from '../reading/reader.ts'
import { listServers, openSession, type Server } from './gateway.ts'
import {
  forgetSession,
  type KeptSession,
  keepSession,
  keptIn,
  keptSession,
  lastServer,
  onKeptElsewhere,
} from './kept-session.ts'

/** A session that has ended. */
export interface EndedSession {
  /** the name of the person */
  name: string
  /** whether the person wanted to stay logged in */
  isKept: boolean
}

/** What the page does: it starts, asks for a login, reads, or cannot reach the gateway. */
export type Session =
  | { state: 'starting' }
  | { state: 'login'; servers: readonly Server[]; server: string; ended?: EndedSession }
  | { state: 'reading'; reader: Reader }
  | { state: 'failed'; error: unknown; away: Away | undefined }

/** The session of the page. */
export const session = signal<Session>({ state: 'starting' })

let servers: readonly Server[] = []

onKeptElsewhere((server) => {
  const { value } = session
  if (value.state === 'login' && value.server === server) adopt(server, value.ended?.name)
})

/** Starts: resumes the kept session of the server, or asks for a login. */
export async function start(): Promise<void> {
  if (session.value.state === 'reading') void session.value.reader.close()
  session.value = { state: 'starting' }
  await startAgain()
}

/** Starts after a failure, which is shown meanwhile. Resolves with whether it has not failed again. */
export async function startAgain(): Promise<boolean> {
  let away: Away = 'gateway'
  try {
    servers = await listServers()
    away = 'lyskom'
    const server = chosenServer()
    // The address names a server that the gateway does not have.
    if (address.value.server !== undefined && address.value.server !== server) go(`#/${server}/`, true)
    const kept = keptSession(server)
    if (kept === undefined) session.value = { state: 'login', servers, server }
    else await resume(server, kept)
    return true
  } catch (error) {
    session.value = { state: 'failed', error, away: isOutage(error) ? away : undefined }
    return false
  }
}

/** Begins to read in a session that is logged in. @param isKept whether it outlives the tab */
export async function begin(server: string, kom: Kom, isKept: boolean): Promise<void> {
  const storage = isKept ? 'localStorage' : 'sessionStorage'
  const reader = await openReader(server, kom, storage)
  const { state } = reader.live
  keepSession(server, { connectionId: kom.connectionId, name: state.person?.pers_name ?? '' }, storage)
  session.value = { state: 'reading', reader }
}

/** Ends the session. Does not wait for the gateway, which may be away: it closes idle sessions itself. */
export function logOut(reader: Reader): void {
  forgetSession(reader.server, reader.kom.connectionId)
  reader.messages.clear()
  discardDraft()
  reader
    .close()
    .then(() => reader.kom.close())
    .catch(() => undefined)
  go(`#/${reader.server}/`)
  session.value = { state: 'login', servers, server: reader.server }
}

/** Asks for another login on another server. */
export function chooseServer(server: string): void {
  go(`#/${server}/`, true)
  void start()
}

function chosenServer(): string {
  const ids = servers.map(({ id }) => id)
  const known = [address.value.server, lastServer()].find((id) => id !== undefined && ids.includes(id))
  return known ?? ids[0] ?? ''
}

async function resume(server: string, kept: KeptSession): Promise<void> {
  try {
    const kom = await openSession(server, { connectionId: kept.connectionId })
    session.value = { state: 'reading', reader: await openReader(server, kom, keptIn(server)) }
  } catch (error) {
    if (!isEnd(error)) throw error
    ended(server, kept)
  }
}

async function openReader(server: string, kom: Kom, storage: StorageArea): Promise<Reader> {
  // `Reader` requests what events do not report when the person returns to the page.
  let reader: Reader | undefined
  const live = await kom.live({ revalidateMs: 0, onEvent: (event) => reader?.emit(event) })
  const { person } = live.state
  keepDraftOf(`${server}.${person?.pers_no}`)
  const name = person?.pers_name ?? ''
  reader = new Reader(server, kom, live, storage, (error) => {
    void reader?.close()
    if (isEnd(error)) ended(server, { connectionId: kom.connectionId, name })
    else session.value = { state: 'failed', error, away: undefined }
  })
  return reader
}

/** Returns whether an error is the end of a session, and not the page of a proxy, for example. */
function isEnd(error: unknown): boolean {
  if (error === undefined) return true
  return [SessionLostError, NotLoggedInError, LyskomError].some((each) => error instanceof each)
}

function ended(server: string, { connectionId, name }: KeptSession): void {
  const isKept = keptIn(server) === 'localStorage'
  forgetSession(server, connectionId)
  if (!adopt(server, name)) session.value = { state: 'login', servers, server, ended: { name, isKept } }
}

/**
 * Goes on with the session that another tab keeps. Returns whether there is one.
 *
 * @param name the name of the person whose session has ended, who is not replaced by another one; undefined for anyone
 */
function adopt(server: string, name: string | undefined): boolean {
  const kept = keptSession(server)
  if (kept === undefined || (name !== undefined && name !== kept.name)) return false
  void start()
  return true
}
