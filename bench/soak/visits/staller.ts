import { ANSWER_MS, PATIENCE_MS } from '../times.ts'
import type { Visit } from '../visit.ts'
import { within } from '../within.ts'

/** Sends part of a request and stops without disconnecting: the gateway closes the connection. */
export async function staller(visit: Visit): Promise<void> {
  const { random, browser, ledger, place } = visit
  const line = await browser.line()
  const half = random.pick([
    '',
    'GET / HT',
    'GET /stats HTTP/1.1\r\nHost: x\r\nX-Half',
    `POST /${place.id}/sessions/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"clie`,
  ])
  const answer = await within(PATIENCE_MS, line.ask(Buffer.from(half)))
  if (answer === 'late') ledger.problem('untrue', `half a request is waited for: ${JSON.stringify(half)}`)
  else if (answer !== undefined && answer.status !== 408) {
    ledger.problem('wrong answer', `${answer.status} to half a request: ${JSON.stringify(half)}`)
  }
  const closed = new Promise<'closed'>((resolve) => line.socket.once('close', () => resolve('closed')))
  if (!line.socket.destroyed && (await within(ANSWER_MS, closed)) === 'late') {
    ledger.problem('untrue', `a connection with half a request is kept: ${JSON.stringify(half)}`)
  }
}
