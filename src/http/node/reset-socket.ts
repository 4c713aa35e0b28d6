import type { Socket } from 'node:net'

/**
 * Resets a connection (RST). While the shutdown of an `end()` in the same event-loop tick is pending, Node 20's
 * `resetAndDestroy` fails with EINVAL, emits no `close`, and leaves a handle that keeps the process running.
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) setImmediate(() => socket.resetAndDestroy())
  else socket.resetAndDestroy()
}
