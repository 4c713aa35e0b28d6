import { readFileSync } from 'node:fs'
import { HttpResponse, http } from 'msw'
import { setupServer } from 'msw/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { descriptionOf } from '../support/described-gateway.ts'
import { startTestGateway } from '../support/gateway.ts'
import { HttpkomClient } from '../support/httpkom-client.ts'
import { lyskomdInstalled, startLyskomd } from '../support/lyskomd.ts'

/** Recorded exchanges of a client with httpkom 0.21 on lyskomd 2.1.2, in the order of one conversation. */
interface Exchange {
  title: string
  method: string
  path: string
  body: unknown
  status: number
  answer: unknown
}

const fixture = (name: string) => new URL(`../../fixtures/httpkom/${name}`, import.meta.url)
const exchanges: Exchange[] = JSON.parse(readFileSync(fixture('sessions.json'), 'utf8'))
const RECORDED = 'http://httpkom.example'

/** Replays httpkom: answers the next recorded request and rejects any other. */
function recordedHttpkom() {
  let next = 0
  const answer = async ({ request }: { request: Request }) => {
    const exchange = exchanges[next++]
    const { pathname, search } = new URL(request.url)
    const text = await request.text()
    const asked = [request.method, pathname + search, text === '' ? null : JSON.parse(text)]
    expect(asked).toEqual([exchange?.method, exchange?.path, exchange?.body])
    const { status = 500, answer = null } = exchange ?? {}
    const id = (answer as { connection_id?: string } | null)?.connection_id
    const headers = id === undefined ? {} : { 'Httpkom-Connection': id }
    return answer === null
      ? new HttpResponse(null, { status, headers })
      : HttpResponse.json(answer, { status, headers })
  }
  return setupServer(http.all(`${RECORDED}/*`, answer))
}

/** Values that differ between any two runs. */
const VOLATILE = /"(session_no|connection_id)":("[^"]*"|\d+)/g

/** Runs the conversation as a client. Returns the responses. */
async function converse(baseUrl: string) {
  const client = new HttpkomClient(baseUrl, 'default')
  const seen: unknown[] = []
  for (const { title, method, path, body } of exchanges) {
    const { status, answer } = await client.send(method, path.replace('/default', ''), body)
    seen.push({ title, status, answer: JSON.parse(JSON.stringify(answer).replace(VOLATILE, '"$1":"…"')) })
  }
  return { seen, connectionId: client.connectionId }
}

describe.skipIf(!lyskomdInstalled())('a client written for httpkom', () => {
  const recorded = recordedHttpkom()
  beforeAll(() => recorded.listen({ onUnhandledRequest: 'bypass' }))
  afterAll(() => recorded.close())

  it('gets the same responses from komgate as from httpkom, except for more detailed errors', async () => {
    const lyskomd = await startLyskomd({ database: fixture('lyskomd-db.tar.gz').pathname })
    const gateway = await startTestGateway([{ id: 'default', port: lyskomd.port }])
    const theirs = await converse(RECORDED)
    const ours = await converse(gateway.url)
    await gateway.close()
    await lyskomd.stop()
    const bodiless = { error_type: 'httpkom', error_msg: expect.any(String) }
    const wanted = theirs.seen.map((each) => {
      const { status, answer } = each as { status: number; answer: unknown }
      return status >= 400 && answer === null ? { ...(each as object), answer: bodiless } : each
    })
    expect(ours.seen).toEqual(wanted)
    expect(ours.connectionId).toMatch(/^[0-9a-f-]{36}$/)
  })
})

describe('the OpenAPI document', () => {
  // httpkom responds to some errors without a body; komgate adds one.
  const withBody = exchanges.filter(({ status, answer }) => status < 400 || answer !== null)

  it('describes the recorded responses of httpkom', async () => {
    const gateway = await startTestGateway([{ id: 'default', demo: true }])
    const description = await descriptionOf(gateway)
    await gateway.close()
    for (const { title, method, path, status, answer } of withBody) {
      const text = answer === null ? '' : JSON.stringify(answer)
      const check = () => description.check({ method, path }, { status, text, json: answer ?? undefined })
      expect(check, title).not.toThrow()
    }
    expect(withBody.length).toBeGreaterThan(15)
  })
})
