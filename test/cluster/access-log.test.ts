import { describe, expect, it } from 'vitest'
import type { TestGateway } from '../support/gateway.ts'
import { canStartCluster, onCluster, WHO_AM_I } from './stage.ts'

interface Line {
  level: number
  msg: string
  path: string
  status: number
  requestId: string
  /** the handle of the session */
  session?: string
}

const INFO = 30
const DEBUG = 20

function requestLines({ log }: TestGateway, requestId: string): Line[] {
  return log
    .map((line) => JSON.parse(line) as Line)
    .filter((line) => line.msg === 'request' && line.requestId === requestId)
}

async function counted({ send }: TestGateway): Promise<string | undefined> {
  const { text } = await send('GET', '/metrics')
  return /^komgate_http_requests_total\{.*who-am-i.*\} (\d+)$/m.exec(text)?.[1]
}

describe.skipIf(!canStartCluster)('a forwarded request', () => {
  const stage = onCluster()

  it('is logged and counted by the node that the client asked; the node of the session logs it with level debug', async () => {
    const id = await stage.logIn()
    const requestId = 'a-request-of-a-client'
    const { status } = await stage.other.send('GET', WHO_AM_I, { id, headers: { 'X-Request-Id': requestId } })
    expect(status).toBe(200)
    await expect.poll(() => requestLines(stage.owner, requestId)).toHaveLength(1)
    await expect.poll(() => requestLines(stage.other, requestId)).toHaveLength(1)
    const [asked, inner] = [stage.other, stage.owner].flatMap((node) => requestLines(node, requestId))
    expect(asked).toMatchObject({ level: INFO, path: WHO_AM_I, status: 200 })
    expect(inner).toMatchObject({ level: DEBUG, path: WHO_AM_I, status: 200 })
    expect(asked?.session).toMatch(/^[\da-f]{12}$/)
    expect(inner?.session).toBe(asked?.session)
    expect(await counted(stage.other)).toBe('1')
    expect(await counted(stage.owner)).toBeUndefined()
  })

  it('is logged without a session if that has ended', async () => {
    const id = await stage.logIn()
    await stage.owner.send('DELETE', '/kom/sessions/0', { id })
    const requestId = 'a-request-for-an-ended-session'
    const { status } = await stage.other.send('GET', WHO_AM_I, { id, headers: { 'X-Request-Id': requestId } })
    expect(status).toBe(403)
    await expect.poll(() => requestLines(stage.other, requestId)).toHaveLength(1)
    expect(requestLines(stage.other, requestId)[0]?.session).toBeUndefined()
  })
})
