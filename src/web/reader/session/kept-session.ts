import { readStored, type StorageArea, writeStored } from '../../shared/stored.ts'

/** What is kept of a session on this device, so that a reload goes on with it. */
export interface KeptSession {
  connectionId: string
  /** the name of the person, for another login */
  name: string
}

const LAST_SERVER = 'komgate.server'
const PREFIX = 'komgate.session.'
const keyOf = (server: string): string => PREFIX + server

/** Returns the kept session of a server: that of this tab, or the one that stays logged in. */
export function keptSession(server: string): KeptSession | undefined {
  return readStored('sessionStorage', keyOf(server)) ?? readStored('localStorage', keyOf(server))
}

/** Returns where the session of a server is kept. */
export function keptIn(server: string): StorageArea {
  return readStored('sessionStorage', keyOf(server)) === undefined ? 'localStorage' : 'sessionStorage'
}

/** Keeps a session for this tab, or for this device. */
export function keepSession(server: string, session: KeptSession, storage: StorageArea): void {
  writeStored('sessionStorage', keyOf(server), undefined)
  writeStored(storage, keyOf(server), session)
  writeStored('localStorage', LAST_SERVER, server)
}

/** Forgets a session of a server. Another one that is kept stays. */
export function forgetSession(server: string, connectionId: string): void {
  for (const storage of ['sessionStorage', 'localStorage'] as const) {
    const kept = readStored<KeptSession>(storage, keyOf(server))
    if (kept?.connectionId === connectionId) writeStored(storage, keyOf(server), undefined)
  }
}

/** Calls a function with the id of the server when another tab keeps or forgets the session of a server. */
export function onKeptElsewhere(listener: (server: string) => void): void {
  addEventListener('storage', ({ key }) => {
    if (key?.startsWith(PREFIX)) listener(key.slice(PREFIX.length))
  })
}

/** Returns the id of the server that was used last. */
export function lastServer(): string | undefined {
  return readStored('localStorage', LAST_SERVER)
}
