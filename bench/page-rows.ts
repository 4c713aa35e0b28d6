import type { Page } from 'playwright-core'
import { median } from '../test/support/statistics.ts'
import { precise, type Row } from './part.ts'

const SCROLLED_PX = 4000
const SCROLL_PX_PER_S = 1600

/** What scrolling was like. */
export interface Scrolling {
  /** frames a second */
  fps: number
  /** the longest frame, milliseconds */
  longest: number
  /** pixels */
  moved: number
}

/** Scrolls what is at a point of the page. */
export async function scroll(page: Page, x: number, y: number): Promise<Scrolling> {
  const cdp = await page.context().newCDPSession(page)
  await page.evaluate(`(() => {
    window.frames60 = []
    window.isScrolling = true
    const tick = (now) => { frames60.push(now); if (isScrolling) requestAnimationFrame(tick) }
    requestAnimationFrame(tick)
    window.scrolled = 0
    addEventListener('scroll', ({ target }) => { scrolled = Math.max(scrolled, (target.scrollingElement ?? target).scrollTop) }, true)
  })()`)
  const gesture = { x, y, yDistance: -SCROLLED_PX, speed: SCROLL_PX_PER_S, gestureSourceType: 'mouse' as const }
  await cdp.send('Input.synthesizeScrollGesture', gesture)
  const [frames, moved] = (await page.evaluate('isScrolling = false, [frames60, scrolled]')) as [number[], number]
  await cdp.detach()
  const gaps = frames.slice(1).map((time, i) => time - (frames[i] as number))
  const seconds = ((frames.at(-1) as number) - (frames[0] as number)) / 1000
  return { fps: gaps.length / seconds, longest: Math.max(...gaps), moved }
}

/** Returns the row of a scrolling. @throws Error if little was scrolled */
export function scrollRow(what: string, { fps, longest, moved }: Scrolling): Row {
  if (moved < 1000) throw new Error(`${what}: only ${moved} px were scrolled`)
  return { what, aim: '>= 55 frames/s', figures: `${precise(fps)} frames/s, longest frame ${precise(longest)} ms` }
}

/** Returns the row of times in milliseconds. */
export function timesRow(what: string, aim: string, times: readonly number[]): Row {
  const sorted = times.toSorted((a, b) => a - b)
  return { what, aim, figures: `median ${precise(median(times))} ms, max ${precise(sorted.at(-1) ?? 0)} ms` }
}
