import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { forgetSession, keepSession, keptIn, keptSession } from '../../../src/web/reader/session/kept-session.ts'
import { stubStorage } from './fake-storage.ts'

const ALICE = { connectionId: 'a-1', name: 'Alice' }
const RENEWED = { connectionId: 'a-2', name: 'Alice' }
const BOB = { connectionId: 'b-1', name: 'Bob' }

let device: Record<string, string>

/** Makes another tab the current one. */
function openTab(): void {
  const tab = stubStorage()
  vi.stubGlobal('window', { localStorage: device, sessionStorage: tab })
}

beforeEach(() => {
  device = stubStorage()
  openTab()
})

afterEach(() => {
  vi.unstubAllGlobals()
})

it('forgets the session that has ended, and not the one that another tab has kept since', () => {
  keepSession('kom', ALICE, 'localStorage')
  openTab()
  keepSession('kom', RENEWED, 'localStorage')
  forgetSession('kom', ALICE.connectionId)
  expect(keptSession('kom')).toEqual(RENEWED)
  forgetSession('kom', RENEWED.connectionId)
  expect(keptSession('kom')).toBeUndefined()
})

it('keeps a session for a tab beside that of the device', () => {
  keepSession('kom', ALICE, 'localStorage')
  openTab()
  keepSession('kom', BOB, 'sessionStorage')
  expect([keptSession('kom'), keptIn('kom')]).toEqual([BOB, 'sessionStorage'])
  openTab()
  expect([keptSession('kom'), keptIn('kom')]).toEqual([ALICE, 'localStorage'])
})

it('replaces the session of a tab by the one that stays logged in', () => {
  keepSession('kom', BOB, 'sessionStorage')
  keepSession('kom', ALICE, 'localStorage')
  expect([keptSession('kom'), keptIn('kom')]).toEqual([ALICE, 'localStorage'])
})
