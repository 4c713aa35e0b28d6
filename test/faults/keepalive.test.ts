import { expect, it } from 'vitest'
import { readConfig } from '../../src/config/command-line.ts'
import { expectWithin, timed } from '../support/bound.ts'
import { startFakeServer } from '../support/fake-server.ts'
import { startTestGateway } from '../support/gateway.ts'
import { startProxy } from '../support/proxy.ts'

/** The settings that docs/api.md recommends for detecting a dead server within 4 s. */
const { keepaliveMs, keepaliveTimeoutMs } = readConfig([
  '--keepalive-ms',
  '2000',
  '--keepalive-timeout-ms',
  '2000',
]).lyskom

it('--keepalive-ms 2000 and --keepalive-timeout-ms 2000 end a session within 4 s after its server dies', async () => {
  const server = await startFakeServer()
  const proxy = await startProxy(server)
  const gateway = await startTestGateway([{ id: 'kom', port: proxy.port }], { keepaliveMs, keepaliveTimeoutMs })
  const id = await gateway.open()
  const { ms, value } = await timed(() => {
    proxy.lines[0]?.stall()
    return gateway.send('POST', '/kom/sessions/current/active', { id })
  })
  expect(value.status).toBe(403)
  expectWithin(4000, ms, 'a dead server, detected by the recommended keepalive')
  await gateway.close()
  await proxy.close()
  await server.close()
})
