import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * Behind a packet that is not acknowledged lyskomd holds back the next small one, and the kernel of this end would take
 * up to 40 ms to acknowledge it, which are not the line's. Whatever is sent acknowledges, and a space between requests
 * means nothing: they come whole, as komgate's are in these measurements.
 */
const NUDGE = ' '

/**
 * Listens for connections and passes them on to a lyskomd on this machine, as a line of some length would: whatever goes
 * in at one end comes out at the other `oneWayMs` later, in order, however much it is. Returns its own port.
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
  // Timers of the same delay go off in the order in which they were set.
  const later = (act: () => unknown): void => void setTimeout(act, delayMs)
  from.on('data', (chunk: Buffer) => later(() => to.write(chunk)))
  from.on('end', () => later(() => to.end()))
  from.on('close', () => later(() => to.destroy()))
  // What is lost with a broken line shows at its ends.
  from.on('error', () => undefined)
}
