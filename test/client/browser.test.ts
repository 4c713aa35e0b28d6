import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chromiumInstalled, startChromium } from '../support/chromium.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { bundleClient } from './bundle.ts'

const START_MS = 60_000

/** Runs in a page of another origin than the gateway. A string, because Vitest changes the imports of functions. */
const script = (url: string) => `(async () => {
  const { connect, LyskomError, ref, SessionLostError } = await import('/client.js')
  const kom = await connect({ url: ${JSON.stringify(url)}, server: 'demo', client: { name: 'page', version: '1' } })
  const person = await kom.login({ pers_name: 'demo reader', passwd: 'demo' })
  const { subject } = await kom.texts.get(41)
  const body = await kom.texts.body(30)
  const stat = await kom.call('get-uconf-stat', { conference: 8 })
  await kom.texts.mark(9, 100)
  const data = await kom.data.patch({ theme: 'dark' })
  const absent = await kom.texts.get(37).catch((error) => [error instanceof LyskomError, error.name])
  const aborted = await kom.texts.get(9, { signal: AbortSignal.abort('left') }).catch((reason) => reason)
  const unread = kom.memberships.unread(6, 12)
  const [{ unread_texts }, first] = await kom.batch([unread, kom.texts.get(ref(unread, '/unread_texts/0'))])
  const heard = []
  const sending = setInterval(() => kom.messages.send(6, 'Is this heard?').catch(() => undefined), 20)
  for await (const { id } of kom.events({ types: ['send-message'] })) {
    clearInterval(sending)
    await kom.messages.send(6, 'Coffee?')
    for await (const { message } of kom.events({ since: id, types: ['send-message'] })) {
      heard.push(message)
      if (message === 'Coffee?') break
    }
    break
  }
  const live = await kom.live()
  const unreadTexts = () => live.state.unread.flatMap((each) => each.unread_texts)
  const wasUnread = unreadTexts().includes(41)
  await new Promise((resolve) => {
    live.subscribe(() => unreadTexts().includes(41) || resolve())
    kom.texts.markRead(41)
  })
  await kom.close()
  const isLost = await new Promise((resolve) => live.subscribe(({ status }) => status === 'lost' && resolve(true)))
  const lost = await kom.whoAmI().catch((error) => error instanceof SessionLostError)
  return { person, subject, type: body.type, name: stat.name, data, absent, aborted, heard: heard.at(-1), wasUnread, isLost, lost, isFirst: first.text_no === unread_texts[0] }
})()`

describe.skipIf(!chromiumInstalled())('komgate/client in Chromium', () => {
  let gateway: TestGateway
  let pages: Server
  let browser: Browser
  beforeAll(async () => {
    gateway = await startTestGateway([{ id: 'demo', demo: true }])
    const { code } = await bundleClient()
    pages = createServer(({ url }, response) => {
      response.setHeader('Content-Type', url === '/client.js' ? 'text/javascript' : 'text/html')
      response.end(url === '/client.js' ? code : '<!doctype html>')
    }).listen(0, '127.0.0.1')
    await once(pages, 'listening')
    browser = await startChromium()
  }, START_MS)
  afterAll(async () => {
    await browser.close()
    pages.close()
    await gateway.close()
  })

  it('reads and writes through a gateway on another origin', async () => {
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${(pages.address() as AddressInfo).port}/`)
    expect(await page.evaluate(script(gateway.url))).toEqual({
      person: { pers_no: 6, pers_name: 'Demo Reader' },
      subject: 'Kanelbullar (cinnamon buns), about 40',
      type: 'text/html; charset=utf-8',
      name: 'Welcome (to) komgate',
      data: { theme: 'dark' },
      absent: [true, 'NoSuchText'],
      aborted: 'left',
      heard: 'Coffee?',
      wasUnread: true,
      isLost: true,
      lost: true,
      isFirst: true,
    })
  })
})
