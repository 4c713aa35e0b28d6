import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { pauseWhileHidden } from '../../../src/web/reader/reading/pause.ts'
import { reconnectOnline } from '../../../src/web/reader/reading/reconnection.ts'

/** Locks as browsers have them: each is granted to one request after the other. */
class Locks {
  readonly #last = new Map<string, Promise<unknown>>()

  async request(name: string, { signal }: { signal: AbortSignal }, use: () => Promise<void>): Promise<void> {
    const before = this.#last.get(name) ?? Promise.resolve()
    const used = before.then(() => (signal.aborted ? undefined : use()))
    this.#last.set(name, used)
    await used
  }
}

/** A page of a person in a browser, with the calls of its model. */
class Page extends EventTarget {
  visibilityState: 'visible' | 'hidden'
  readonly calls: string[] = []
  readonly close: () => void

  constructor(person: string, visibilityState: 'visible' | 'hidden' = 'visible') {
    super()
    this.visibilityState = visibilityState
    vi.stubGlobal('document', this)
    const live = { pause: () => void this.calls.push('pause'), resume: () => void this.calls.push('resume') }
    this.close = pauseWhileHidden(live, person)
    this.calls.length = 0
  }

  show(visibilityState: 'visible' | 'hidden'): void {
    this.visibilityState = visibilityState
    vi.stubGlobal('document', this)
    this.dispatchEvent(new Event('visibilitychange'))
  }
}

describe('the stream of a hidden page', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    vi.stubGlobal('navigator', { locks: new Locks() })
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })
  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

  it('is kept for half a minute, and opened again when the page is shown', async () => {
    vi.stubGlobal('navigator', {})
    const page = new Page('kom.6')
    page.show('hidden')
    await pass(30_500)
    page.show('visible')
    expect(page.calls).toEqual(['resume'])
    page.show('hidden')
    await pass(31_001)
    expect(page.calls).toEqual(['resume', 'pause'])
    page.show('visible')
    await pass(60_000)
    expect(page.calls).toEqual(['resume', 'pause', 'resume'])
  })

  it('is kept by one of several pages of a person, and by the next one when that is shown or closed', async () => {
    const pages = [new Page('kom.6'), new Page('kom.6'), new Page('kom.6')] as const
    const other = new Page('kom.7')
    for (const page of [...pages, other]) page.show('hidden')
    await pass(32_000)
    expect(pages.map(({ calls }) => calls.at(-1))).toEqual(['resume', 'pause', 'pause'])
    expect(other.calls).not.toContain('pause')
    pages[0].show('visible')
    await pass(0)
    expect(pages.map(({ calls }) => calls.at(-1))).toEqual(['resume', 'resume', 'pause'])
    pages[1].close()
    await pass(0)
    expect(pages.map(({ calls }) => calls.at(-1))).toEqual(['resume', 'resume', 'resume'])
  })

  it('of a page that was opened in the background ends at once', async () => {
    vi.stubGlobal('navigator', {})
    const page = new Page('kom.6', 'hidden')
    await pass(1001)
    expect(page.calls).toEqual(['pause'])
  })

  it('goes on when the page is closed', async () => {
    const page = new Page('kom.6')
    page.show('hidden')
    page.close()
    await pass(60_000)
    page.show('visible')
    expect(page.calls).toEqual([])
  })
})

describe('the stream of a device that is online again', () => {
  it('is opened at once if it has broken, and not otherwise', () => {
    const device = new EventTarget()
    vi.stubGlobal('addEventListener', device.addEventListener.bind(device))
    vi.stubGlobal('removeEventListener', device.removeEventListener.bind(device))
    const calls: string[] = []
    const state = { status: 'live' }
    const live = { state, pause: () => void calls.push('pause'), resume: () => void calls.push('resume') }
    const stop = reconnectOnline(live as unknown as Parameters<typeof reconnectOnline>[0])
    for (const status of ['live', 'paused', 'reconnecting']) {
      state.status = status
      device.dispatchEvent(new Event('online'))
    }
    stop()
    device.dispatchEvent(new Event('online'))
    vi.unstubAllGlobals()
    expect(calls).toEqual(['pause', 'resume'])
  })
})
