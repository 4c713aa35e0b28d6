import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { Connection } from '../../src/connection/connection.ts'
import type { MiscInfo } from '../../src/protocol/types.ts'
import { chromiumInstalled, startChromium } from '../../test/support/chromium.ts'
import { connectTo } from '../../test/support/connection.ts'
import { startKomgate } from '../../test/support/komgate-process.ts'
import { startProxy } from '../../test/support/proxy.ts'
import type { Scope } from '../../test/support/scope.ts'
import { CONFERENCES, createMember, PASSWORD, TEXTS_PER_CONFERENCE } from '../member.ts'
import { scroll, scrollRow, timesRow } from '../page-rows.ts'
import { precise, progress, type Row, runPart, startInstalledLyskomd } from '../part.ts'

const DEMO = { pers_no: 6, passwd: 'demo' }
const ASSETS = 'dist/web/assets'
/** Time of a round trip between the gateway and the far lyskomd, in milliseconds. */
const RTT_MS = 50
const NAVIGATIONS = 20
const FAR_NAVIGATIONS = 5
const PRESSES = 30
/** Time between two presses, in which the next text is fetched. */
const READING_MS = 300
/** Texts of a long thread. */
const THREAD = 200

/**
 * Runs in the page before its scripts. `firstText` resolves with the time from the navigation to the frame with a subject and
 * a body, `nextText()` with the time from the next key to the frame with another text, in milliseconds.
 */
const OBSERVER = `(() => {
  const afterFrame = (done) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => done(performance.now())
    port2.postMessage(0)
  })
  let pressed, onFirst, onNext
  window.firstText = new Promise((resolve) => { onFirst = resolve })
  window.nextText = () => new Promise((resolve) => { onNext = resolve })
  addEventListener('keydown', ({ timeStamp }) => {
    pressed = { timeStamp, text: document.querySelector('article')?.textContent }
  }, true)
  new MutationObserver(() => {
    if (!document.querySelector('article h1') || !document.querySelector('article .body')?.textContent) return
    if (onFirst) afterFrame(onFirst)
    onFirst = undefined
    if (!pressed || document.querySelector('article').textContent === pressed.text) return
    const { timeStamp } = pressed
    pressed = undefined
    afterFrame((now) => onNext(now - timeStamp))
  }).observe(document, { childList: true, subtree: true, characterData: true })
})()`

/** A session that is logged in, for a page that begins with it. */
interface PageSession {
  origin: string
  server: string
  id: string
}

/** Makes a request of a session. Resolves with the JSON of the response, if there is any. */
async function post<T>({ origin, server, id }: Omit<PageSession, 'id'> & { id?: string }, path: string, body: object) {
  const headers = { 'Content-Type': 'application/json', ...(id !== undefined && { 'Httpkom-Connection': id }) }
  const response = await fetch(`${origin}/${server}/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${path}: ${response.status}`)
  const text = await response.text()
  return (text === '' ? undefined : JSON.parse(text)) as T
}

/** Opens a session and logs in. */
async function logIn(origin: string, server: string, person: typeof DEMO): Promise<PageSession> {
  const client = { name: 'bench', version: '1' }
  const opened = await post<{ connection_id: string }>({ origin, server }, 'sessions/', { client })
  const session = { origin, server, id: opened.connection_id }
  await post(session, 'sessions/current/login', person)
  return session
}

/** Returns a context in which the reader goes on with a session. Its cache is empty. */
async function contextOf(browser: Browser, { server, id }: PageSession): Promise<BrowserContext> {
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 800 } })
  const kept = JSON.stringify({ connectionId: id, name: '' })
  await context.addInitScript(`sessionStorage.setItem('komgate.session.${server}', ${JSON.stringify(kept)})`)
  await context.addInitScript(OBSERVER)
  return context
}

/** Opens the reader. Resolves with the page, and the time from the navigation to the first text. */
async function navigate(context: BrowserContext, { origin, server }: PageSession): Promise<{ page: Page; ms: number }> {
  const page = await context.newPage()
  await page.goto(`${origin}/app/#/${server}/`)
  return { page, ms: Number(await page.evaluate('firstText')) }
}

/** Measures navigations, each with an empty cache and a new session. */
async function navigations(
  browser: Browser,
  count: number,
  open: () => Promise<PageSession>,
  title: string,
): Promise<number[]> {
  const times: number[] = []
  // The first one does not count.
  for (let i = -1; i < count; i++) {
    progress(`${title}, ${i + 1} of ${count}`)
    const session = await open()
    const context = await contextOf(browser, session)
    const { ms } = await navigate(context, session)
    if (i >= 0) times.push(ms)
    await context.close()
    const headers = { 'Httpkom-Connection': session.id }
    await fetch(`${session.origin}/${session.server}/sessions/0`, { method: 'DELETE', headers })
  }
  return times
}

/** Presses the space bar, each time when the text before is shown and time to read has passed. */
async function presses(page: Page, count: number): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    progress(`next text, ${i + 1} of ${count}`)
    await sleep(READING_MS)
    await page.evaluate('window.shown = nextText(), undefined')
    await page.keyboard.press('Space')
    times.push(Number(await page.evaluate('shown')))
  }
  return times
}

/** Returns the size with gzip of the files of the reader. */
async function sizeRows(): Promise<Row[]> {
  const names = (await readdir(ASSETS)).filter((name) => name.startsWith('reader-'))
  const sizes = [
    ['.js', 'JavaScript', 70],
    ['.css', 'CSS', 12],
  ] as const
  return await Promise.all(
    sizes.map(async ([ending, what, kilobytes]): Promise<Row> => {
      const files = names.filter((name) => name.endsWith(ending))
      const bytes = await Promise.all(files.map(async (name) => gzipSync(await readFile(`${ASSETS}/${name}`)).length))
      const sum = bytes.reduce((total, each) => total + each, 0)
      return { what: `${what} of the reader, gzip`, aim: `<= ${kilobytes} kB`, figures: `${precise(sum / 1000)} kB` }
    }),
  )
}

/** Measures the reader on the demo server, which is on this machine. */
async function measureNear(scope: Scope, browser: Browser): Promise<Row[]> {
  const { port } = await startKomgate(scope, { servers: { kom: 'demo' } })
  const origin = `http://127.0.0.1:${port}`
  const open = () => logIn(origin, 'kom', DEMO)
  const first = await navigations(browser, NAVIGATIONS, open, 'first text on the demo server')

  const session = await open()
  // The demo server has too few texts.
  for (let i = 0; i < PRESSES; i++) {
    await post(session, 'texts/', {
      subject: `Text ${i}`,
      body: 'a line of the body\n'.repeat(20),
      content_type: 'text/plain',
      recipient_list: [{ type: 'to', recpt: { conf_no: DEMO.pers_no } }],
    })
  }
  const { memberships } = await post<{ memberships: { conference: { conf_no: number } }[] }>(
    session,
    'sessions/current/start',
    { texts: 0 },
  )
  for (const { conference } of memberships) {
    await post(session, `persons/current/memberships/${conference.conf_no}/unread`, { no_of_unread: 100 })
  }
  const context = await contextOf(browser, session)
  const { page } = await navigate(context, session)
  const next = await presses(page, PRESSES)
  await context.close()
  return [
    timesRow('navigation to the first text, demo server', 'median < 700 ms', first),
    timesRow('space bar to the next text, demo server', '< 50 ms', next),
  ]
}

/** Writes a thread in the letterbox of the person of a connection. Returns its first text. */
async function writeThread(connection: Connection, persNo: number): Promise<number> {
  const texts: number[] = []
  for (let i = 0; i < THREAD; i++) {
    const miscInfo: MiscInfo[] = [{ kind: 'recpt', value: persNo }]
    if (i > 0) miscInfo.push({ kind: 'comm-to', value: texts[Math.floor((i - 1) / 3)] as number })
    const text = Buffer.from(`the subject of text ${i}\na line of the body`)
    texts.push(await connection.call('create-text', { text, miscInfo, auxItems: [] }))
  }
  return texts[0] as number
}

/** Measures the reader for a member of many conferences on a lyskomd that is far away. */
async function measureFar(scope: Scope, browser: Browser): Promise<Row[]> {
  const lyskomd = await startInstalledLyskomd(scope)
  if (lyskomd === undefined) return []
  progress('creating texts')
  const near = scope.use(await connectTo(lyskomd.port), (connection) => connection.close())
  const pers_no = await createMember(near)
  const proxy = await startProxy(lyskomd, (line) => line.delay(RTT_MS / 2))
  scope.use(proxy, (running) => running.close())
  // Texts that one session has read would be read from the cache by the next one.
  const args = ['--body-cache-bytes', '0']
  const { port } = await startKomgate(scope, { servers: { far: proxy.port }, args })
  const open = () => logIn(`http://127.0.0.1:${port}`, 'far', { pers_no, passwd: PASSWORD })
  const unread = `${(CONFERENCES * TEXTS_PER_CONFERENCE).toLocaleString('en')} unread texts`
  const first = await navigations(browser, FAR_NAVIGATIONS, open, 'first text far away')

  const session = await open()
  const context = await contextOf(browser, session)
  const { page } = await navigate(context, session)
  const box = await page.getByRole('list', { name: 'Unread' }).boundingBox()
  if (box === null) throw new Error('there is no list of unread texts')
  const list = await scroll(page, box.x + box.width / 2, box.y + 100)

  const root = await writeThread(near, pers_no)
  await page.evaluate(`location.hash = '#/far/texts/${root}'`)
  const thread = page.getByRole('complementary', { name: 'Thread' })
  await thread
    .getByRole('link')
    .nth(THREAD - 1)
    .waitFor({ state: 'attached' })
  const pane = await thread.boundingBox()
  if (pane === null) throw new Error('there is no thread')
  const tree = await scroll(page, pane.x + pane.width / 2, pane.y + 100)
  await context.close()
  const far = `${unread} in ${CONFERENCES} conferences, lyskomd ${RTT_MS} ms away`
  return [
    timesRow(`navigation to the first text, ${far}`, '< 2,000 ms', first),
    scrollRow(`scrolling the unread list of ${CONFERENCES} conferences`, list),
    scrollRow(`scrolling a thread of ${THREAD} texts`, tree),
  ]
}

/** Measures the reader in Chromium. */
async function measure(scope: Scope): Promise<Row[]> {
  if (!chromiumInstalled()) {
    process.stdout.write('web: Chromium is not installed; nothing is measured\n')
    return []
  }
  const browser = scope.use(await startChromium(), (running) => running.close())
  return [...(await measureNear(scope, browser)), ...(await sizeRows()), ...(await measureFar(scope, browser))]
}

await runPart('web', measure)
