import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { chromiumInstalled, startChromium } from '../../test/support/chromium.ts'
import { startKomgate } from '../../test/support/komgate-process.ts'
import { manySessions } from '../../test/support/many-sessions.ts'
import type { Scope } from '../../test/support/scope.ts'
import { scroll, scrollRow, timesRow } from '../page-rows.ts'
import { progress, type Row, runPart } from '../part.ts'

const KEY = 'the-key-of-the-operator'
const SESSIONS = 20_000
const ROUNDS = 10
const WORDS = 'client-3 demo'
const HEADS = ['Client', 'Person', 'Address', 'Idle', 'Calls', 'Handle']

/**
 * Runs in the page before its scripts. `interactions()` returns the times from inputs to the next frame, and removes them;
 * `tasks()` the times of long tasks. `shown()` resolves with the time from now to the frame with rows.
 */
const OBSERVER = `(() => {
  let inputs = [], long = []
  const observe = (type, add) => new PerformanceObserver((list) => list.getEntries().forEach(add))
    .observe({ type, buffered: true, durationThreshold: 16 })
  observe('event', ({ interactionId, duration }) => interactionId && inputs.push(duration))
  observe('longtask', ({ duration }) => long.push(duration))
  window.interactions = () => inputs.splice(0)
  window.tasks = () => long.splice(0)
  window.shown = () => new Promise((resolve) => {
    const start = performance.now()
    const observer = new MutationObserver(() => {
      if (!document.querySelector('.sessions tbody tr')) return
      observer.disconnect()
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel()
        port1.onmessage = () => resolve(performance.now() - start)
        port2.postMessage(0)
      })
    })
    observer.observe(document, { childList: true, subtree: true })
  })
})()`

/** Starts a proxy of a gateway that lists many sessions. Returns its URL. */
async function startFront(scope: Scope, gateway: string): Promise<string> {
  const list = Buffer.from(JSON.stringify({ sessions: manySessions(SESSIONS) }))
  const server = createServer((incoming, outgoing) => {
    if (incoming.url === '/admin/sessions') {
      outgoing.writeHead(200, { 'Content-Type': 'application/json' }).end(list)
      return
    }
    const sent = request(new URL(incoming.url ?? '', gateway), { method: incoming.method, headers: incoming.headers })
    sent.on('response', (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(outgoing)
    })
    incoming.pipe(sent)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  scope.use(server, (running) => {
    running.closeAllConnections()
    running.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Resolves with the longest of the times from the inputs that `act` makes to the next frame. */
async function interaction(page: Page, act: () => Promise<void>): Promise<number> {
  // Times of inputs arrive after the frame that follows them.
  const settle = 'new Promise((done) => requestAnimationFrame(() => setTimeout(done, 200)))'
  await page.evaluate(settle)
  await page.evaluate('interactions()')
  await act()
  await page.evaluate(settle)
  return Math.max(0, ...((await page.evaluate('interactions()')) as number[]))
}

/** Measures the list of sessions in the console in Chromium. */
async function measure(scope: Scope): Promise<Row[]> {
  if (!chromiumInstalled()) {
    process.stdout.write('console: Chromium is not installed; nothing is measured\n')
    return []
  }
  const browser = scope.use(await startChromium(), (running) => running.close())
  const { port } = await startKomgate(scope, { servers: { kom: 'demo' }, args: ['--admin-key', KEY] })
  const origin = await startFront(scope, `http://127.0.0.1:${port}`)
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 800 } })
  await context.addInitScript(OBSERVER)
  const page = await context.newPage()
  await page.goto(`${origin}/app/console`)
  await page.getByLabel('Admin key').fill(KEY)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'Servers' }).waitFor()

  const shown: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    progress(`showing, ${round + 1} of ${ROUNDS}`)
    await page.evaluate("location.hash = '#/servers'")
    await page.getByRole('heading', { level: 1, name: 'Servers' }).waitFor()
    shown.push(Number(await page.evaluate("location.hash = '#/sessions', shown()")))
  }
  const sorts: number[] = []
  for (const name of [...HEADS, ...HEADS]) {
    progress(`sorting by ${name}`)
    sorts.push(await interaction(page, () => page.getByRole('button', { name, exact: true }).click()))
  }
  const keys: number[] = []
  await page.getByLabel('Filter').focus()
  for (const key of WORDS) {
    progress('filtering')
    keys.push(await interaction(page, () => page.keyboard.press(key === ' ' ? 'Space' : key)))
  }
  await page.getByLabel('Filter').fill('')
  await page.getByRole('button', { name: 'Next', exact: true }).waitFor()
  const pages: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    pages.push(await interaction(page, () => page.getByRole('button', { name: 'Next', exact: true }).click()))
  }
  await page.evaluate('scrollTo(0, 0), tasks()')
  const scrolling = await scroll(page, 640, 400)
  await page.evaluate('new Promise((done) => setTimeout(done, 15_000))')
  const tasks = (await page.evaluate('tasks()')) as number[]
  const many = `${SESSIONS.toLocaleString('en')} sessions`
  return [
    timesRow(`the console shows ${many}`, '< 1,000 ms', shown),
    timesRow(`sorting ${many}, click to frame`, '< 100 ms', sorts),
    timesRow(`filtering ${many}, key to frame`, '< 100 ms', keys),
    timesRow(`another page of ${many}, click to frame`, '< 100 ms', pages),
    scrollRow(`scrolling a page of ${many}`, scrolling),
    timesRow(`tasks of more than 50 ms while ${many} are refreshed`, '< 100 ms', tasks.length === 0 ? [0] : tasks),
  ]
}

await runPart('console', measure)
