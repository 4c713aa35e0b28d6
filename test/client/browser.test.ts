import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { bundleClient } from './bundle.ts'

const CHROMIUM = '/usr/bin/chromium'

/** Runs in the page, on another origin than the gateway. */
const script = (url: string) => `
  import { connect, LyskomError, SessionLostError } from '/client.js'
  const report = (json) => fetch('/report', { method: 'POST', body: JSON.stringify(json) })
  try {
    const kom = await connect({ url: ${JSON.stringify(url)}, server: 'demo', client: { name: 'page', version: '1' } })
    const person = await kom.login({ pers_name: 'demo reader', passwd: 'demo' })
    const { subject } = await kom.texts.get(41)
    const body = await kom.texts.body(30)
    const stat = await kom.call('get-uconf-stat', { conference: 8 })
    await kom.texts.mark(9, 100)
    const data = await kom.data.patch({ theme: 'dark' })
    const absent = await kom.texts.get(37).catch((error) => [error instanceof LyskomError, error.name])
    const aborted = await kom.texts.get(9, { signal: AbortSignal.abort('left') }).catch((reason) => reason)
    await kom.close()
    const lost = await kom.whoAmI().catch((error) => error instanceof SessionLostError)
    await report({ person, subject, type: body.type, name: stat.name, data, absent, aborted, lost })
  } catch (error) {
    await report({ error: String(error) })
  }`

describe.skipIf(!existsSync(CHROMIUM))('komgate/client in Chromium', () => {
  let gateway: TestGateway
  let pages: Server
  let profile: string
  let report: (json: unknown) => void
  const reported = new Promise<unknown>((resolve) => {
    report = resolve
  })
  beforeAll(async () => {
    profile = mkdtempSync(join(tmpdir(), 'komgate-chromium-'))
    gateway = await startTestGateway([{ id: 'demo', demo: true }])
    const { code } = await bundleClient()
    pages = createServer(async (request, response) => {
      const { url } = request
      response.setHeader('Content-Type', url === '/' ? 'text/html' : 'text/javascript')
      if (url === '/report') report(await json(request))
      response.end(url === '/' ? `<script type="module">${script(gateway.url)}</script>` : code)
    }).listen(0, '127.0.0.1')
    await once(pages, 'listening')
  })
  afterAll(async () => {
    pages.closeAllConnections()
    pages.close()
    await gateway.close()
    rmSync(profile, { recursive: true, force: true })
  })

  it('reads and writes through a gateway on another origin', { timeout: 60_000 }, async () => {
    const page = `http://127.0.0.1:${(pages.address() as AddressInfo).port}/`
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run']
    const browser = spawn(CHROMIUM, [...flags, `--user-data-dir=${profile}`, '--remote-debugging-port=0', page], {
      stdio: 'ignore',
    })
    try {
      expect(await reported).toEqual({
        person: { pers_no: 6, pers_name: 'Demo Reader' },
        subject: 'Kanelbullar (cinnamon buns), about 40',
        type: 'text/html; charset=utf-8',
        name: 'Welcome (to) komgate',
        data: { theme: 'dark' },
        absent: [true, 'NoSuchText'],
        aborted: 'left',
        lost: true,
      })
    } finally {
      browser.kill()
      await once(browser, 'exit')
    }
  })
})
