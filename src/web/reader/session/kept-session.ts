import { readStored, type StorageArea, writeStored } from '../../shared/stored.ts'

/** What is kept of a session on this device, so that a reload goes on with it. */
export interface KeptSession {
  connectionId: string
  /** the name of the person, for another login */
  name: string
}

const LAST_SERVER = 'komgate.server'
const keyOf = (server: string): string => `komgate.session.${server}`

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
  forgetSession(server)
  writeStored(storage, keyOf(server), session)
  writeStored('localStorage', LAST_SERVER, server)
}

/** Forgets the session of a server. */
export function forgetSession(server: string): void {
  writeStored('sessionStorage', keyOf(server), undefined)
  writeStored('localStorage', keyOf(server), undefined)
}

/** Returns the id of the server that was used last. */
export function lastServer(): string | undefined {
  return readStored('localStorage', LAST_SERVER)
}
