import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * lyskomd holds back a small packet until the previous one is acknowledged, which the kernel on this side delays by up
 * to 40 ms. Any sent byte acknowledges, and a space between requests is ignored; requests are whole here.
 */
const NUDGE = ' '

/**
 * Forwards connections to a lyskomd on this machine with latency: data arrives at the other end `oneWayMs` later, in
 * order, at unlimited bandwidth. Returns its own port.
 */
export async function listen(port: number, oneWayMs: number): Promise<number> {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const far = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    relay(near, far, oneWayMs)
    relay(far, near, oneWayMs)
    far.on('data', () => far.write(NUDGE))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function relay(from: Socket, to: Socket, delayMs: number): void {
  // Timers with the same delay fire in the order in which they were set.
  const later = (act: () => unknown): void => void setTimeout(act, delayMs)
  from.on('data', (chunk: Buffer) => later(() => to.write(chunk)))
  from.on('end', () => later(() => to.end()))
  from.on('close', () => later(() => to.destroy()))
  // The ends of a broken connection report the loss.
  from.on('error', () => undefined)
}
