import { startProxy } from '../test/support/proxy.ts'

/**
 * lyskomd holds back a small packet until the previous one is acknowledged, which the kernel on this side delays by up
 * to 40 ms. Any sent byte acknowledges, and a space between requests is ignored; requests are whole here.
 */
const ACK = ' '

/**
 * Forwards connections to a lyskomd on this machine with latency: data arrives at the other end `oneWayMs` later, in
 * order, at unlimited bandwidth. Returns its own port.
 */
export async function listen(port: number, oneWayMs: number): Promise<number> {
  const proxy = await startProxy({ host: '127.0.0.1', port }, (line) => {
    line.delay(oneWayMs)
    line.server.on('data', () => line.server.write(ACK))
  })
  return proxy.port
}
