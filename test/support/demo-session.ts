import { COMPAT_APIS, type CompatApiName } from '../../src/compat/compat-apis.ts'
import { startTestGateway, type TestGateway } from './gateway.ts'

/** Connects to the demo server as its reader. */
export interface DemoSession {
  gateway: TestGateway
  /** the connection id of a session on the server `demo`, logged in as `demo reader` */
  id: string
}

/** Starts a gateway with the demo server, the application `shop` and compatibility APIs without keys, and logs in. */
export async function startDemoSession(compat: readonly CompatApiName[] = COMPAT_APIS): Promise<DemoSession> {
  const gateway = await startTestGateway([{ id: 'demo', demo: true }], {
    apps: [{ id: 'shop', name: 'Shop' }],
    compat: [...compat],
    insecureCompat: true,
  })
  const id = await gateway.open()
  const json = { pers_name: 'demo reader', passwd: 'demo' }
  const { status, text } = await gateway.send('POST', '/demo/sessions/current/login', { id, json })
  if (status !== 201) throw new Error(`cannot log in: ${status} ${text}`)
  return { gateway, id }
}
