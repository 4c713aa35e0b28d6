/** A gateway with the demo server. */
export interface DemoGateway {
  url: string
  close(): Promise<void>
}

/** Starts a gateway with the demo server. Its modules are checked with the types of Node, those of the web client are not. */
export async function startDemoGateway(): Promise<DemoGateway> {
  const path = '../../support/gateway.ts'
  const { startTestGateway } = await import(/* @vite-ignore */ path)
  return await startTestGateway([{ id: 'demo', demo: true }])
}
