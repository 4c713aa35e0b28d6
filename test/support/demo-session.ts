import { COMPAT_APIS, type CompatApiName } from '../../src/compat/compat-apis.ts'
import { startTestGateway, type TestGateway } from './gateway.ts'

/** A gateway with a session on the demo server. */
export interface DemoSession {
  gateway: TestGateway
  /** the connection id of a session on the server `demo`, logged in as `demo reader` */
  id: string
}

/**
 * Starts a gateway with the demo server, the application `shop` and compatibility APIs without keys. Opens a session
 * and logs in as `demo reader`.
 *
 * @param compat the compatibility APIs; all by default
 */
export async function startDemoSession(compat: readonly CompatApiName[] = COMPAT_APIS): Promise<DemoSession> {
  const gateway = await startTestGateway([{ id: 'demo', demo: true }], {
    apps: [{ id: 'shop', name: 'Shop' }],
    compat: [...compat],
    insecureCompat: true,
  })
  const id = await gateway.open()
  const json = { pers_name: 'demo reader', passwd: 'demo' }
  const { status, text } = await gateway.send('POST', '/demo/sessions/current/login', { id, json })
  if (status !== 201) throw new Error(`login failed: ${status} ${text}`)
  return { gateway, id }
}
